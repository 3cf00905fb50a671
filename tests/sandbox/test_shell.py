"""The host's end of the stream against everything but a supervisor: whatever comes, the container is given up."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import ContainerLost, SetupError
from sandbox.frames import Transport
from sandbox.orphans import this_process
from sandbox.rendezvous import Rendezvous
from sandbox.shell import Shell

STDOUT, STDERR = 1, 2


def docker(data: bytes, stream: int = STDOUT) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


def frame(header: object, body: bytes = b"") -> bytes:
    head = json.dumps(header).encode()
    return struct.pack(">II", len(head), len(body)) + head + body


ANSWER = {"exit": 3, "seconds": 0.5, "left": 1, "out_of_memory": True, "truncated": True}


class World:
    """A shell, the other end of its stream, and how often its container was discarded."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.ours = ours
        self.discarded = 0
        self.shell = Shell(ours, output_limit=1000, discard=self.discard, guard_seconds=0.2)

    def discard(self) -> None:
        self.discarded += 1

    def run(self) -> object:
        return self.shell.run("true", timeout=0.1, cwd="/", env={})


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.ours.close()
    world.theirs.close()


def test_an_answer_cut_into_any_pieces_is_read(world: World) -> None:
    data = frame(ANSWER, b"out\xff")
    for at in range(len(data)):
        world.theirs.sendall(docker(data[at : at + 1]) + docker(b"noise", STDERR))
    result = world.shell.run(["x"], timeout=5, cwd="/", env={})
    assert (result.exit_code, result.output, result.left_processes) == (3, "out\ufffd", 1)
    assert result.out_of_memory
    assert result.truncated


@pytest.mark.parametrize(
    "data",
    [
        docker(b"\xff" * 8),
        docker(struct.pack(">II", 4, 1 << 31) + b"null"),
        docker(struct.pack(">II", 4, 0) + b"{{{{"),
        docker(frame([1])),
        docker(struct.pack(">II", 4, 0) + b"{}{}"),
        docker(struct.pack(">II", 3, 0) + b" {}"),
        docker(struct.pack(">II", 2, 0) + b"\xff\xfe"),
    ],
)
def test_what_is_no_frame_loses_the_container(world: World, data: bytes) -> None:
    world.theirs.sendall(data)
    with pytest.raises(ContainerLost):
        world.run()
    assert world.discarded == 1


def test_the_end_of_the_stream_loses_it_with_the_supervisors_last_words(world: World) -> None:
    world.theirs.sendall(docker(b"MemoryError\n", STDERR))
    world.theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(ContainerLost, match="it said: MemoryError"):
        world.run()


def test_no_answer_in_time_loses_it(world: World) -> None:
    started = time.monotonic()
    with pytest.raises(ContainerLost, match="time limit"):
        world.run()
    assert time.monotonic() - started < 5


def test_half_an_answer_in_time_loses_it(world: World) -> None:
    world.theirs.sendall(docker(frame(ANSWER)[:-1]))
    with pytest.raises(ContainerLost):
        world.run()


def test_what_was_lost_stays_lost(world: World) -> None:
    world.theirs.close()
    for _ in range(2):
        with pytest.raises(ContainerLost):
            world.run()
    assert world.discarded == 1


def test_input_that_cannot_be_produced_loses_the_container_not_the_reason(world: World) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.shell.run(["cat"], timeout=5, cwd="/", env={}, stdin=chunks())
    assert world.shell.is_lost


def test_a_supervisor_that_is_not_process_one_is_refused(world: World) -> None:
    world.theirs.sendall(docker(frame({"ready": 7})))
    with pytest.raises(SetupError):
        world.shell.start(env={}, directories=())
    assert world.discarded == 1


# --- a socket instead of the attach stream ---


@pytest.fixture
def rendezvous(tmp_path: Path) -> Iterator[Rendezvous]:
    rendezvous = Rendezvous(tmp_path / "meetings", this_process())
    yield rendezvous
    rendezvous.close()


@pytest.fixture
def supervisor(rendezvous: Rendezvous) -> Iterator[socket.socket]:
    """One that has connected to the rendezvous, and said nothing yet."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(rendezvous.directory / rendezvous.SOCKET))
        yield sock


def met(world: World, rendezvous: Rendezvous, supervisor: socket.socket) -> None:
    supervisor.sendall(rendezvous.nonce.encode() + frame({}))
    world.theirs.sendall(docker(frame({"ready": 1})) + docker(frame({})))
    world.shell.start(env={}, directories=(), rendezvous=rendezvous)


def test_the_shell_goes_on_over_the_socket_it_met_its_supervisor_on(
    world: World, rendezvous: Rendezvous, supervisor: socket.socket
) -> None:
    met(world, rendezvous, supervisor)
    assert world.shell.transport is Transport.SOCKET
    for piece in (frame(ANSWER, b"o")[:5], frame(ANSWER, b"o")[5:]):
        supervisor.sendall(piece)
    world.theirs.sendall(docker(frame({"exit": 0, "seconds": 0}, b"forged")))
    assert world.shell.run(["x"], timeout=5, cwd="/", env={}).output == "o"
    world.shell.close()


def test_a_supervisor_that_cannot_connect_is_spoken_to_over_the_attach_stream(
    world: World, rendezvous: Rendezvous
) -> None:
    world.theirs.sendall(docker(frame({"ready": 1}) + frame({"error": "meet", "text": "no such file"}) + frame({})))
    world.shell.start(env={}, directories=(), rendezvous=rendezvous)
    assert world.shell.transport is Transport.ATTACH
    world.theirs.sendall(docker(frame(ANSWER, b"out")))
    assert world.shell.run(["x"], timeout=5, cwd="/", env={}).output == "out"


def test_one_who_does_not_know_the_nonce_loses_the_container(
    world: World, rendezvous: Rendezvous, supervisor: socket.socket
) -> None:
    supervisor.sendall(b"0" * len(rendezvous.nonce))
    world.theirs.sendall(docker(frame({"ready": 1})) + docker(frame({})))
    with pytest.raises(ContainerLost, match="another than the supervisor"):
        world.shell.start(env={}, directories=(), rendezvous=rendezvous)
    assert world.discarded == 1


def test_the_end_of_the_socket_loses_it_with_the_supervisors_last_words(
    world: World, rendezvous: Rendezvous, supervisor: socket.socket
) -> None:
    met(world, rendezvous, supervisor)
    supervisor.shutdown(socket.SHUT_RDWR)
    world.theirs.sendall(docker(b"MemoryError\n", STDERR))
    world.theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(ContainerLost, match="it said: MemoryError"):
        world.run()
    assert world.discarded == 1
    world.shell.close()


# --- answers ---


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("missing", FileNotFoundError),
        ("directory", IsADirectoryError),
        ("value", ValueError),
        ("gone", ContainerLost),
        ("system", SetupError),
        ("anything", SetupError),
    ],
)
def test_refusals_are_told_apart_and_lose_nothing(world: World, kind: str, raised: type[Exception]) -> None:
    world.theirs.sendall(docker(frame({"error": kind, "text": "why"})))
    with pytest.raises(raised, match="why"):
        world.shell.read("/work/x", root="/work", limit=1)
    assert not world.shell.is_lost


def test_an_empty_argument_list_is_no_command(world: World) -> None:
    with pytest.raises(ValueError):
        world.shell.run([], timeout=1, cwd="/", env={})
