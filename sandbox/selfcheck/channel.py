"""What a tenant cannot do with the way between supervisor and host: find it, take it over, speak on it."""

from __future__ import annotations

import shlex
from pathlib import Path

from sandbox.layout import MEETING
from sandbox.rendezvous import Rendezvous
from sandbox.selfcheck.bench import Bench, expect

_PLACE = f"{MEETING}/{Rendezvous.SOCKET}"
_OPEN = """
import os
for fd in range(256):
    try:
        name = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        continue
    if fd > 2 or "socket" in name:
        print(fd, name)
print("end")
"""
_TAKE = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
pidfd = libc.syscall(434, 1, 0)
print(sum(libc.syscall(438, pidfd, fd, 0) >= 0 for fd in range(32)) if pidfd >= 0 else 0)
"""
_MAKE = f"""
import os, socket
def bind():
    socket.socket(socket.AF_UNIX).bind({_PLACE!r})
for make in (bind, lambda: os.mkdir({_PLACE!r}), lambda: os.symlink("/", {_PLACE!r}), lambda: os.mkfifo({_PLACE!r}),
             lambda: open({_PLACE!r}, "w"), lambda: os.chmod({MEETING!r}, 0o777), lambda: os.utime({MEETING!r})):
    try:
        make()
        print("made")
    except OSError:
        pass
"""


def meeting_place_is_empty(bench: Bench) -> None:
    seen = bench.sh(f"ls -A {MEETING}").output
    expect(seen == "" or "No such file" in seen, seen)


def meeting_place_cannot_be_changed(bench: Bench) -> None:
    expect(bench.python(_MAKE).output == "", bench.python(_MAKE).output)
    for options in bench.sh(f"awk '$2 == \"{MEETING}\" {{ print $4 }}' /proc/self/mounts").output.split():
        expect("ro" in options.split(","), options)


def meeting_place_leads_nowhere(bench: Bench) -> None:
    """Its parent is the container's, and the host's path in the table of mounts names nobody."""
    expect(bench.sh(f"ls -a {MEETING}/..").output == bench.sh("ls -a /run").output or not _is_there(bench), "another")
    named = bench.sh(f"awk '$5 == \"{MEETING}\" {{ print $4 }}' /proc/self/mountinfo").output
    expect(str(Path.cwd()) not in named and str(Path.home()) not in named, named)


def nobody_meets_the_host_again(bench: Bench) -> None:
    result = bench.python(f"import socket\nsocket.socket(socket.AF_UNIX).connect({_PLACE!r})")
    expect(result.exit_code != 0 and "No such file" in result.output, result.output)


def no_socket_listens(bench: Bench) -> None:
    """Neither one with a name in the file system nor one without."""
    result = bench.sh("find / -type s -not -path '/proc/*' 2>/dev/null; grep -c ' 00010000 ' /proc/net/unix")
    expect(result.output == "0\n", result.output)


def commands_inherit_no_descriptor(bench: Bench) -> None:
    """However they are started: by the shell that waits for them, anew, or as a line channel."""
    line = f"python3 -c {shlex.quote(_OPEN)}"
    seen = [bench.sh(line).output, bench.sh(line).output, bench.python(_OPEN).output]
    seen.append(bench.shared.run(line, timeout=20, env={"A": "1"}).output)
    channel = bench.shared.open_lines(["python3", "-c", _OPEN])
    seen.append(f"{channel.receive(20)}\n")
    channel.close()
    expect(seen == ["end\n"] * len(seen), seen)


def supervisors_descriptors_cannot_be_taken(bench: Bench) -> None:
    expect(bench.python(_TAKE).output == "0\n", bench.python(_TAKE).output)


def _is_there(bench: Bench) -> bool:
    return bench.sh(f"test -d {MEETING}").exit_code == 0


CHECKS = (
    meeting_place_is_empty,
    meeting_place_cannot_be_changed,
    meeting_place_leads_nowhere,
    nobody_meets_the_host_again,
    no_socket_listens,
    commands_inherit_no_descriptor,
    supervisors_descriptors_cannot_be_taken,
)
