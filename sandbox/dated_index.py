"""Runs one command with the package indexes as they were at the end of a day.

    python3 -I dated_index.py DAY TOOLS_DAY NOTE COMMAND...

A program for inside a build container: standard library only, Python 3.6 or later. It serves the configured indexes
(PEP 503 pages made of PEP 691's, whose files have upload times since PEP 700) without the files that are younger than
DAY, on a loopback address, and tells pip and uv to use that. Isolated builds, `setup_requires` and the like see it too.
What builds packages (`_TOOLS`) is served as of TOOLS_DAY where that is later: an interpreter may be younger than the
commit. An index without upload times is passed through, and NOTE is made a file that says so.
"""

import html
import http.server
import json
import os
import re
import socketserver
import subprocess
import sys
import threading
import urllib.error
import urllib.request

_JSON = "application/vnd.pypi.simple.v1+json"
_TOOLS = frozenset(["pip", "setuptools", "wheel"])
_SECONDS = 60


def chosen(files, name, day, tools_day):
    # type: (list, str, str, str) -> list | None
    """The files that there were; None when the index does not say when they came."""
    if any("upload-time" not in file for file in files):
        return None
    last = max(day, tools_day) if name in _TOOLS else day
    kept = [file for file in files if str(file["upload-time"])[:10] <= last]
    if kept or not files:
        return kept
    # Wanted by what is of that day, and not there: taken back and uploaded anew (atomicwrites). Its oldest does.
    first = min(str(file["upload-time"])[:10] for file in files)
    return [file for file in files if str(file["upload-time"])[:10] == first]


def page(files):
    # type: (list) -> str
    """PEP 503, with what pip and uv read besides the address."""
    lines = ["<!DOCTYPE html><html><body>"]
    for file in files:
        digest = (file.get("hashes") or {}).get("sha256")
        attributes = "href=%s" % _quoted(file["url"] + ("#sha256=%s" % digest if digest else ""))
        if file.get("requires-python"):
            attributes += " data-requires-python=%s" % _quoted(file["requires-python"])
        if file.get("yanked"):
            attributes += " data-yanked=%s" % _quoted(str(file["yanked"]))
        metadata = file.get("core-metadata") or file.get("dist-info-metadata")
        if metadata:
            hashed = metadata.get("sha256") if isinstance(metadata, dict) else None
            attributes += " data-dist-info-metadata=%s" % _quoted("sha256=%s" % hashed if hashed else "true")
        lines.append("<a %s>%s</a><br>" % (attributes, html.escape(file["filename"])))
    return "\n".join(lines + ["</body></html>", ""])


def _quoted(text):
    # type: (str) -> str
    return '"%s"' % html.escape(text, quote=True)


class Indexes:
    """The indexes behind ours, asked over the build's own way to them."""

    def __init__(self, upstream, day, tools_day, note):
        # type: (list, str, str, str) -> None
        self._upstream = upstream
        self._day = day
        self._tools_day = tools_day
        self._note = note

    def answer(self, path):
        # type: (str) -> tuple
        """(status, content type, body) for `/NUMBER/simple/NAME/`."""
        found = re.match(r"^/([0-9]+)/simple/([A-Za-z0-9._-]+)/?$", path)
        if found is None or int(found.group(1)) >= len(self._upstream):
            return 404, "text/plain", b"there is no such page here\n"
        name = re.sub(r"[-_.]+", "-", found.group(2)).lower()
        address = "%s/%s/" % (self._upstream[int(found.group(1))].rstrip("/"), name)
        request = urllib.request.Request(address, headers={"Accept": _JSON + ", text/html;q=0.1"})
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                kind, body, where = answer.headers.get("Content-Type", ""), answer.read(), answer.geturl()
        except urllib.error.HTTPError as error:
            return error.code, "text/plain", b"the index answered with an error\n"
        except OSError as error:
            return 502, "text/plain", ("the index does not answer: %s\n" % error).encode("utf-8", "replace")
        files = json.loads(body.decode("utf-8"))["files"] if "json" in kind else None
        kept = None if files is None else chosen(files, name, self._day, self._tools_day)
        if kept is None:
            with open(self._note, "w") as note:
                note.write("undated\n")
        if files is None:
            base = '<base href="%s">' % html.escape(where, quote=True)
            return 200, kind or "text/html", base.encode("utf-8") + body
        return 200, "text/html", page(files if kept is None else kept).encode("utf-8")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def __init__(self, indexes):
        # type: (Indexes) -> None
        super().__init__(("127.0.0.1", 0), Handler)
        self.indexes = indexes


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        # type: () -> None
        try:
            status, kind, body = self.server.indexes.answer(self.path.partition("?")[0])
        except (KeyError, TypeError, ValueError) as error:
            status, kind, body = 502, "text/plain", ("not an index's answer: %r\n" % error).encode("utf-8", "replace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        # type: (str, object) -> None
        pass


def upstream(environ):
    # type: (dict) -> list
    """The indexes that pip and uv would ask."""
    named = (environ.get(name) for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"))
    first = next(filter(None, named), "") or default()
    more = environ.get("PIP_EXTRA_INDEX_URL", "").split() + environ.get("UV_EXTRA_INDEX_URL", "").split()
    return list(dict.fromkeys([first] + more))


def default():
    # type: () -> str
    """What pip asks when nothing is set; the environment's own pip knows."""
    from pip._internal.models.index import PyPI

    return PyPI.simple_url


def variables(environ, port, count):
    # type: (dict, int, int) -> dict
    """The command's environment: the same, with our addresses in the place of the indexes'."""
    ours = ["http://127.0.0.1:%d/%d/simple" % (port, number) for number in range(count)]
    bypass = ",".join(filter(None, [environ.get("NO_PROXY") or environ.get("no_proxy"), "127.0.0.1"]))
    changes = {
        "PIP_INDEX_URL": ours[0],
        "PIP_EXTRA_INDEX_URL": " ".join(ours[1:]),
        "UV_DEFAULT_INDEX": ours[0],
        "UV_INDEX": " ".join(ours[1:]),
        "NO_PROXY": bypass,
        "no_proxy": bypass,
    }
    dropped = ("UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
    kept = {name: value for name, value in environ.items() if name not in dropped}
    kept.update({name: value for name, value in changes.items() if value})
    if not changes["PIP_EXTRA_INDEX_URL"]:
        kept.pop("PIP_EXTRA_INDEX_URL", None)
        kept.pop("UV_INDEX", None)
    return kept


def main(arguments):
    # type: (list) -> int
    day, tools_day, note = arguments[:3]
    environ = dict(os.environ)
    indexes = upstream(environ)
    server = Server(Indexes(indexes, day, tools_day, note))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code = subprocess.call(arguments[3:], env=variables(environ, server.server_address[1], len(indexes)))
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
