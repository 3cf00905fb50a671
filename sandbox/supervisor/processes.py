"""Every process of the container is a descendant of this one; who is alive is read from /proc, not believed."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import time

STRAGGLER_GRACE = 0.1
"""Seconds a command's children have to end by themselves after it, before they count as left behind."""
CLEAR_SECONDS = 10.0
TENANT_OOM_SCORE = b"900"


class Children:
    """Every process of the container is a descendant of this one; who is alive is read from /proc, not believed."""

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        """Wait status of the processes we started and have not asked for yet."""
        self.started: set[int] = set()
        self.wake, wake_write = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)

    def spawn(self, argv: list[str], env: dict[str, str], cwd: str, fds: tuple[int, ...]) -> int:
        """Start a process in a session of its own. Raises OSError as exec does."""
        os.chdir(cwd)
        try:
            program = find_program(argv[0], env)
            actions = [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate(fds)]
            # Python ignores these two; a command must see the usual defaults.
            defaults = [signal.SIGPIPE, signal.SIGXFSZ]
            pid = os.posix_spawn(program, argv, env, file_actions=actions, setsid=True, setsigdef=defaults)
        finally:
            os.chdir("/")
        self.started.add(pid)
        # Memory that lies in the work area belongs to no process: without this the kernel might choose us to die.
        with contextlib.suppress(OSError):
            fd = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY)
            try:
                os.write(fd, TENANT_OOM_SCORE)
            finally:
                os.close(fd)
        return pid

    def end(self, pid: int) -> None:
        """Kill a process that we started, and forget it."""
        if pid in self.started:
            self.kill_each([pid])
            os.waitpid(pid, 0)
            self.started.discard(pid)
        self.ended.pop(pid, None)

    def reap(self) -> bool:
        """Collect what has ended; False when there is no process left besides this one."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid in self.started:
                self.started.discard(pid)
                self.ended[pid] = status

    def alive(self, keep: set[int]) -> list[int]:
        """Live processes except this one and the kept ones with their descendants."""
        parents: dict[int, int] = {}
        for name in os.listdir("/proc"):
            if name.isdigit() and name != "1":
                entry = read_stat(int(name))
                if entry is not None:
                    parents[int(name)] = entry
        return [pid for pid in parents if not descends(pid, parents, keep)]

    def clear(self, keep: set[int]) -> int:
        """Kill all but the kept ones, wherever they fled to; how many had been left alive. Ends us if it cannot."""
        now = time.monotonic()
        grace, patience, end = now + STRAGGLER_GRACE, now + CLEAR_SECONDS / 2, now + CLEAR_SECONDS
        left = 0
        while self.reap():
            alive = self.alive(keep)
            if not alive:
                break
            now = time.monotonic()
            if now > grace:
                left = max(left, len(alive))
                if now > end:
                    os._exit(70)
                # With nobody to keep, one call reaches all at once: not even a fork bomb outruns it.
                self.kill_each(alive) if keep and now < patience else self.kill_all()
            select.select([self.wake], [], [], 0.005)
        return left

    @staticmethod
    def kill_all() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)

    @staticmethod
    def kill_each(pids: list[int]) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def find_program(name: str, env: dict[str, str]) -> str:
    """As the shell finds it: over the command's own PATH, from the working directory."""
    if "/" in name:
        return name
    for directory in env.get("PATH", os.defpath).split(":"):
        path = os.path.join(directory or ".", name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise FileNotFoundError(errno.ENOENT, "command not found", name)


def read_stat(pid: int) -> int | None:
    """The parent of a live process; None for a zombie or one that is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[1])


def descends(pid: int, parents: dict[int, int], roots: set[int]) -> bool:
    for _ in range(len(parents) + 1):
        if pid in roots:
            return True
        if pid not in parents:
            return False
        pid = parents[pid]
    return False
