"""What a client asks of the proxy, and what is sent on. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import urlsplit

HEAD_LIMIT = 32 << 10
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class BadRequest(Exception):
    """It is not what a package manager asks of a proxy; the text says what is wrong."""


@dataclass(frozen=True)
class Request:
    """A tunnel (CONNECT) or one plain request."""

    tunnel: bool
    host: str
    port: int
    method: str = "CONNECT"
    path: str = ""
    """Of a plain request: from the first slash on."""
    headers: tuple[tuple[str, str], ...] = ()
    """What is sent on."""

    @property
    def target(self) -> str:
        return f"{self.host}:{self.port}"


def parse(head: bytes) -> Request:
    """`head` ends with the empty line. Raises `BadRequest`."""
    try:
        lines = head.decode("ascii").split("\r\n")
    except UnicodeDecodeError:
        raise BadRequest("a head that is not ASCII") from None
    words = lines[0].split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest("not a request of HTTP/1")
    method, target = words[0], words[1]
    if any(not 32 < ord(letter) < 127 for letter in target):
        raise BadRequest("control characters in the address")
    if method == "CONNECT":
        host, port = _authority(target, 0)
        return Request(tunnel=True, host=host, port=port)
    if method not in ("GET", "HEAD"):
        raise BadRequest(f"{_shown(method)} without TLS: plain requests may only read")
    headers = _headers(lines[1:])
    parts = urlsplit(target)
    if parts.scheme.lower() != "http" or not parts.netloc:
        raise BadRequest("not a request to a proxy: the address must be http://HOST/...")
    host, port = _authority(parts.netloc, 80)
    path = target.split(parts.netloc, 1)[1].partition("#")[0] or "/"
    return Request(
        tunnel=False,
        host=host,
        port=port,
        method=method,
        path=path if path.startswith("/") else f"/{path}",
        headers=headers,
    )


def head_for_origin(request: Request) -> bytes:
    """A plain request as its server gets it: one request, one connection."""
    return _head(request, request.path)


def head_for_proxy(request: Request, authorization: str) -> bytes:
    """The same for a proxy behind this one."""
    extra = (("Proxy-Authorization", authorization),) if authorization else ()
    return _head(request, f"http://{_host_header(request)}{request.path}", extra)


def tunnel_head(request: Request, authorization: str) -> bytes:
    """Asks a proxy behind this one for a tunnel."""
    lines = [f"CONNECT {_bracketed(request.host)}:{request.port} HTTP/1.1"]
    lines.append(f"Host: {_bracketed(request.host)}:{request.port}")
    if authorization:
        lines.append(f"Proxy-Authorization: {authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def is_established(head: bytes) -> bool:
    """Whether a proxy's answer to CONNECT lets the tunnel be used."""
    words = head.split(b"\r\n", 1)[0].split(b" ", 2)
    return len(words) >= 2 and words[0].startswith(b"HTTP/1.") and words[1] == b"200"


def _head(request: Request, target: str, extra: tuple[tuple[str, str], ...] = ()) -> bytes:
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {_host_header(request)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (*request.headers, *extra)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _host_header(request: Request) -> str:
    host = _bracketed(request.host)
    return host if request.port == 80 else f"{host}:{request.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _authority(text: str, default: int) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:@\[\]/?#]+)(?::([0-9]{1,5}))?", text)
    if match is None:
        raise BadRequest("the address names no host")
    port = int(match.group(2)) if match.group(2) else default
    if not 0 < port < 65536:
        raise BadRequest("the address names no port")
    return match.group(1).strip("[]").lower().rstrip("."), port


def _headers(lines: list[str]) -> tuple[tuple[str, str], ...]:
    kept = []
    for line in takewhile(bool, lines):
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or any(ord(letter) < 32 for letter in value if letter != "\t"):
            raise BadRequest("a header that is none")
        if name.lower() not in _HOP_BY_HOP:
            kept.append((name, value.strip()))
    return tuple(kept)


def _shown(text: str) -> str:
    return text[:20] if text.isalnum() else "an odd method"
