"""The proxy's process: its configuration comes as the first line of standard input, the end of which is its own end.

Lines are JSON. In: `{"listen": ADDRESS, "rules": [...], "upstream": {...}}`, then `{"report": true}` as often as
wanted. Out: `{"ready": PORT}`, then `{"refused": [[TARGET, WHY], ...]}`: what was asked for in vain so far.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.proxy import requests, tls
from sandbox.proxy.policy import Rule, address_problem, find_rule, is_address
from sandbox.proxy.requests import BadRequest, Request

if TYPE_CHECKING:
    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CONNECTIONS = 256
HEAD_SECONDS = 30.0
RESOLVE_SECONDS = 15.0
CONNECT_SECONDS = 15.0
IDLE_SECONDS = 300.0
REFUSALS_KEPT = 100
_LINGER_SECONDS = 5.0
_CHUNK = 1 << 16


class Refused(Exception):
    """The policy says no; the text says why."""


class Unreachable(Exception):
    """The policy says yes, and it cannot be done."""


@dataclass(frozen=True)
class Upstream:
    """A proxy behind this one."""

    host: str
    port: int
    authorization: str = ""


@dataclass(frozen=True)
class Config:
    listen: str
    rules: tuple[Rule, ...]
    tunnels: Upstream | None
    plain: Upstream | None
    bypass: tuple[str, ...]
    """Names, and beginnings with a dot, that are reached without the upstream."""

    @classmethod
    def read(cls, line: str) -> Config:
        values = json.loads(line)
        upstream = values.get("upstream") or {}
        return cls(
            listen=values["listen"],
            rules=tuple(Rule(host, tuple(ports), private) for host, ports, private in values["rules"]),
            tunnels=_upstream(upstream.get("https")),
            plain=_upstream(upstream.get("http")),
            bypass=tuple(upstream.get("bypass") or ()),
        )

    def upstream(self, request: Request) -> Upstream | None:
        for name in self.bypass:
            if name == "*" or request.host == name.lstrip(".") or request.host.endswith("." + name.lstrip(".")):
                return None
        return self.tunnels if request.tunnel else self.plain


def _upstream(values: list[Any] | None) -> Upstream | None:
    return Upstream(*values) if values else None


class Proxy:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._open = 0
        self._refused: dict[str, str] = {}

    def report(self) -> list[tuple[str, str]]:
        return list(self._refused.items())

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from beginning to end. Whatever goes wrong in it ends nothing else."""
        self._open += 1
        try:
            if self._open > CONNECTIONS:
                await _answer(writer, "503 Service Unavailable", "too many connections at once")
            else:
                await self._serve(reader, writer)
        except (OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError):
            pass  # the client's or the server's connection broke, or stood still: both are closed
        finally:
            self._open -= 1
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), HEAD_SECONDS)
        try:
            request = requests.parse(head)
        except BadRequest as error:
            self._note("a malformed request", str(error))
            await _answer(writer, "400 Bad Request", str(error))
            return
        try:
            origin = await self._connected(request)
        except Refused as error:
            self._note(request.target, str(error))
            await _answer(writer, "403 Forbidden", f"{request.target}: {error}")
        except Unreachable as error:
            self._note(request.target, str(error))
            await _answer(writer, "502 Bad Gateway", f"{request.target}: {error}")
        else:
            try:
                await self._carry(request, (reader, writer), origin)
            finally:
                origin[1].close()

    async def _carry(self, request: Request, client: Streams, origin: Streams) -> None:
        if request.tunnel:
            client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            try:
                hello = await asyncio.wait_for(_hello(client[0], request), HEAD_SECONDS)
            except Refused as error:
                self._note(request.target, str(error))
                return
            origin[1].write(hello)
            await _both_ways(client, origin)
            return
        upstream = self._config.upstream(request)
        if upstream is None:
            origin[1].write(requests.head_for_origin(request))
        else:
            origin[1].write(requests.head_for_proxy(request, upstream.authorization))
        await _answered(client, origin)

    async def _connected(self, request: Request) -> Streams:
        """A connection to the target, or through the upstream. Raises `Refused`, `Unreachable`."""
        rule = find_rule(self._config.rules, request.host, request.port)
        if rule is None:
            raise Refused("not allowed")
        upstream = self._config.upstream(request)
        if upstream is None:
            return await _dial(request.host, request.port, rule.private)
        streams = await _dial(upstream.host, upstream.port, private=True)
        if request.tunnel:
            try:
                await asyncio.wait_for(_through(streams, request, upstream), CONNECT_SECONDS)
            except BaseException:
                streams[1].close()
                raise
        return streams

    def _note(self, target: str, why: str) -> None:
        if len(self._refused) < REFUSALS_KEPT:
            self._refused.setdefault(target[:300], why[:300])


async def _dial(host: str, port: int, private: bool) -> Streams:
    """Connects to an address that was looked at, never to the name again. Raises `Refused`, `Unreachable`."""
    loop = asyncio.get_running_loop()
    try:
        found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), RESOLVE_SECONDS)
    except (OSError, UnicodeError, asyncio.TimeoutError):
        raise Unreachable("its name is not found") from None
    problem = trouble = ""
    for family, kind, protocol, _, address in found:
        why = address_problem(str(address[0]), private)
        if why:
            problem = f"it is at {address[0]}, a {why} address"
            continue
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await asyncio.wait_for(loop.sock_connect(sock, address), CONNECT_SECONDS)
            return await asyncio.open_connection(sock=sock, limit=requests.HEAD_LIMIT)
        except asyncio.TimeoutError:
            trouble = "no connection within the time limit"
        except OSError as error:
            trouble = f"no connection ({error.strerror or error})"
        sock.close()
    if problem and not trouble:
        raise Refused(problem)
    raise Unreachable(trouble or "its name has no address")


async def _through(streams: Streams, request: Request, upstream: Upstream) -> None:
    streams[1].write(requests.tunnel_head(request, upstream.authorization))
    try:
        head = await streams[0].readuntil(b"\r\n\r\n")
    except (OSError, EOFError, asyncio.LimitOverrunError):
        raise Unreachable("the proxy behind this one ended the connection") from None
    if not requests.is_established(head):
        status = head.split(b"\r\n", 1)[0][:100].decode("ascii", "replace")
        raise Unreachable(f"the proxy behind this one answers {status}")


async def _hello(reader: asyncio.StreamReader, request: Request) -> bytes:
    """The client's first bytes, once they are seen to ask for the tunnel's own host. Raises `Refused`."""
    data = b""
    while True:
        try:
            name = tls.server_name(data)
        except ValueError as error:
            raise Refused(f"the tunnel carries no TLS ({error})") from None
        if name is not None:
            break
        more = await reader.read(_CHUNK)
        if not more:
            raise EOFError
        data += more
    if name != request.host and not (name == "" and is_address(request.host)):
        raise Refused(f"TLS in the tunnel asks for {name or 'no name'}")
    return data


async def _both_ways(client: Streams, origin: Streams) -> None:
    """Until both sides have ended, one broke, or nothing moved for too long."""
    moved = [time.monotonic()]
    pumps = [
        asyncio.ensure_future(_pump(client[0], origin[1], moved)),
        asyncio.ensure_future(_pump(origin[0], client[1], moved)),
    ]
    await _watched(pumps, moved)


async def _answered(client: Streams, origin: Streams) -> None:
    """The answer to one plain request. What the client says meanwhile is read and dropped, as it might be another."""
    moved = [time.monotonic()]
    dropping = asyncio.ensure_future(_drop(client[0]))
    try:
        await _watched([asyncio.ensure_future(_pump(origin[0], client[1], moved))], moved)
        # Closing over unread bytes would reset the connection, and with it the end of the answer.
        await asyncio.wait([dropping], timeout=_LINGER_SECONDS)
    finally:
        dropping.cancel()


async def _watched(pumps: Sequence[asyncio.Future[None]], moved: list[float]) -> None:
    waiting = set(pumps)
    try:
        while waiting:
            left = moved[0] + IDLE_SECONDS - time.monotonic()
            if left <= 0:
                return
            done, waiting = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for pump in done:
                pump.result()
    finally:
        for pump in pumps:
            pump.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, moved: list[float]) -> None:
    while True:
        data = await reader.read(_CHUNK)
        if not data:
            break
        moved[0] = time.monotonic()
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _drop(reader: asyncio.StreamReader) -> None:
    while await reader.read(_CHUNK):
        pass


async def _answer(writer: asyncio.StreamWriter, status: str, why: str) -> None:
    body = f"redgreen's build proxy: {why}\n".encode("ascii", "replace")
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode("ascii") + body)
    await asyncio.wait_for(writer.drain(), HEAD_SECONDS)


async def serve() -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    config = Config.read((await lines.readline()).decode())
    proxy = Proxy(config)
    server = await asyncio.start_server(proxy.client, config.listen, 0, limit=requests.HEAD_LIMIT, backlog=CONNECTIONS)
    _say({"ready": server.sockets[0].getsockname()[1]})
    while await lines.readline():
        _say({"refused": proxy.report()})


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def main() -> None:
    asyncio.run(serve())
