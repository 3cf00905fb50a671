"""The meeting place on the host: private, used once, gone afterwards, also after those who could not clean up."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.orphans import this_process
from sandbox.rendezvous import Rendezvous, collect

ME = this_process()


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    return tmp_path / "meetings"


@pytest.fixture
def rendezvous(parent: Path) -> Iterator[Rendezvous]:
    rendezvous = Rendezvous(parent, ME)
    yield rendezvous
    rendezvous.close()


@pytest.fixture
def guest(rendezvous: Rendezvous) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(rendezvous.directory / rendezvous.SOCKET))
        yield sock


def test_the_one_who_says_the_nonce_is_let_in(rendezvous: Rendezvous, guest: socket.socket) -> None:
    guest.sendall(rendezvous.nonce.encode() + b"more")
    with rendezvous.accept(5) as connection:
        assert connection.recv(100) == b"more"


def test_another_is_refused(rendezvous: Rendezvous, guest: socket.socket) -> None:
    guest.sendall(b"0" * len(rendezvous.nonce))
    with pytest.raises(PermissionError):
        rendezvous.accept(5)


def test_half_a_nonce_is_none(rendezvous: Rendezvous, guest: socket.socket) -> None:
    guest.sendall(rendezvous.nonce[:-1].encode())
    guest.shutdown(socket.SHUT_WR)
    with pytest.raises(PermissionError):
        rendezvous.accept(5)


def test_silence_is_not_waited_for(rendezvous: Rendezvous, guest: socket.socket) -> None:
    with pytest.raises(TimeoutError):
        rendezvous.accept(0.05)


def test_nobody_is_not_waited_for(rendezvous: Rendezvous) -> None:
    with pytest.raises(TimeoutError):
        rendezvous.accept(0.05)


def test_the_hosts_other_users_are_kept_out_and_the_containers_user_is_not(
    parent: Path, rendezvous: Rendezvous
) -> None:
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (parent, rendezvous.directory, rendezvous.directory / rendezvous.SOCKET)
    ]
    assert modes == [0o700, 0o755, 0o666]


def test_a_parent_that_was_open_to_others_is_closed(parent: Path) -> None:
    parent.mkdir()
    parent.chmod(0o777)
    Rendezvous(parent, ME).close()
    assert stat.S_IMODE(parent.stat().st_mode) == 0o700


def test_a_parent_that_somebody_put_there_is_refused(parent: Path, tmp_path: Path) -> None:
    parent.symlink_to(tmp_path)
    with pytest.raises(PermissionError):
        Rendezvous(parent, ME)


def test_a_long_path_is_no_hindrance(tmp_path: Path) -> None:
    rendezvous = Rendezvous(tmp_path / ("x" * 200), ME)
    assert (rendezvous.directory / rendezvous.SOCKET).is_socket()
    rendezvous.close()


def test_nothing_is_left_and_nobody_can_come_any_more(parent: Path, rendezvous: Rendezvous) -> None:
    place = rendezvous.directory / rendezvous.SOCKET
    os.link(place, parent / "kept")
    for _ in range(2):
        rendezvous.close()
    assert [path.name for path in parent.iterdir()] == ["kept"]
    with socket.socket(socket.AF_UNIX) as late, pytest.raises(ConnectionRefusedError):
        late.connect(str(parent / "kept"))


def test_what_a_killed_process_left_is_collected_and_nothing_else(parent: Path, rendezvous: Rendezvous) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from sandbox.orphans import this_process; from sandbox.rendezvous import Rendezvous\n"
        "Rendezvous(Path(sys.argv[1]), this_process()); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(parent)], timeout=60, check=False)
    (parent / "no-label.owner").write_text("{}")
    assert len(list(parent.iterdir())) == 5
    assert collect(parent, ME) == 1
    left = {path.name for path in parent.iterdir()}
    assert left == {"no-label.owner", rendezvous.directory.name, f"{rendezvous.directory.name}.owner"}


def test_there_may_be_nothing_to_collect(tmp_path: Path) -> None:
    assert collect(tmp_path / "none", ME) == 0
