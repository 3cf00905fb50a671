"""Exit 0 when a Docker engine answers on the unix socket that is named; standard library only, for set-up."""

import socket
import sys


def answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(path)
        connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        return connection.recv(64).split(b" ")[1:2] == [b"200"]


if __name__ == "__main__":
    try:
        sys.exit(0 if answers(sys.argv[1]) else 1)
    except OSError:
        sys.exit(1)
