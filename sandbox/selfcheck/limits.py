"""What a tenant cannot exhaust or outlive: time, output, processes, memory, disk."""

from __future__ import annotations

import time
from dataclasses import replace

from sandbox.errors import ContainerLost
from sandbox.layout import TMP
from sandbox.selfcheck.bench import SMALL, Bench, expect
from sandbox.types import Ended

_ALONE = "ps -e -o pid= -o comm= | grep -cv -E ' (ps|grep|bash)$'"
"""Counts processes besides the question's own; process 1 is one of them."""
_FORK_MANY = """
import os, time
for count in range(1000):
    try:
        pid = os.fork()
    except BlockingIOError:
        break
    if pid == 0:
        time.sleep(60)
print(count)
"""


def time_limit_ends_a_command(bench: Bench) -> None:
    started = time.monotonic()
    result = bench.sh("sleep 60", timeout=0.5)
    expect(result.timed_out and result.exit_code == 124, result)
    expect(time.monotonic() - started < 5, "it took too long")


def time_limit_ends_one_that_ignores_signals(bench: Bench) -> None:
    result = bench.sh("trap '' TERM INT HUP; while :; do sleep 1; done", timeout=0.5)
    expect(result.timed_out and result.exit_code == 124 and result.seconds < 5, result)


def time_limit_ends_children_and_grandchildren(bench: Bench) -> None:
    result = bench.sh("(sleep 61 & (sleep 62 & sleep 63)) & sleep 64", timeout=0.5)
    expect(result.timed_out and bench.sh(_ALONE).output == "1\n", bench.sh("ps ax").output)


def time_limit_ends_who_fled_its_session(bench: Bench) -> None:
    result = bench.sh("setsid sh -c 'setsid sleep 61 & sleep 62' & sleep 63", timeout=0.5)
    expect(result.timed_out and bench.sh(_ALONE).output == "1\n", bench.sh("ps ax").output)


def a_daemon_ends_with_its_command(bench: Bench) -> None:
    source = (
        "import os, time\n"
        "if os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    time.sleep(60)\n  os._exit(0)\n"
        "time.sleep(0.1)"
    )
    result = bench.python(source)
    expect(result.exit_code == 0 and result.left_processes == 1, result)
    expect(bench.sh(_ALONE).output == "1\n", bench.sh("ps ax").output)


def partial_output_of_a_timeout_is_kept(bench: Bench) -> None:
    expect(bench.sh("echo before; sleep 60", timeout=0.5).output == "before\n", "output lost")


def output_flood_is_cut_in_the_middle(bench: Bench) -> None:
    result = bench.sh("echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last")
    expect(result.truncated and result.exit_code == 0, result.exit_code)
    expect(len(result.output) < 2 * SMALL.output_bytes, len(result.output))
    expect(result.output.startswith("first\n") and result.output.endswith("\nlast\n"), "the ends are lost")


def endless_output_ends_in_time(bench: Bench) -> None:
    result = bench.sh("yes", timeout=1)
    expect(result.timed_out and result.truncated and result.seconds < 5, result.seconds)


def fork_bomb_is_survived(bench: Bench) -> None:
    with bench.fresh(SMALL) as container:
        container.run("bomb() { bomb | bomb & }; bomb; sleep 60", timeout=2)
        result = container.run("echo on", timeout=20)
        expect(result.output == "on\n", result.output)


def processes_are_limited(bench: Bench) -> None:
    with bench.fresh(SMALL) as container:
        result = container.run(["python3", "-c", _FORK_MANY], timeout=20)
        expect(0 < int(result.output) < SMALL.pids, result.output)
        expect(result.left_processes == int(result.output), result)


def memory_is_limited(bench: Bench) -> None:
    """The one that takes too much is killed, and the result says why; or the container is, and its end does."""
    with bench.fresh(SMALL) as container:
        try:
            result = container.run(["python3", "-c", "x = bytearray(1 << 30); print(len(x))"], timeout=30)
        except ContainerLost:
            expect(container.ended() is Ended.OUT_OF_MEMORY, container.ended())
            return
        expect(result.exit_code == 137 and result.out_of_memory, result)
        expect(container.run("echo on", timeout=20).output == "on\n", "no answer afterwards")
        expect(container.ended() is Ended.OUT_OF_MEMORY, container.ended())


def disk_is_limited(bench: Bench) -> None:
    with bench.fresh(replace(SMALL, file_bytes=1 << 30)) as container:
        result = container.run(f"head -c 100000000 /dev/zero > {TMP}/big", timeout=30)
        expect(result.exit_code != 0 and "No space" in result.output, result)


def small_disks_are_limited_too(bench: Bench) -> None:
    with bench.fresh(replace(SMALL, file_bytes=1 << 30, memory_bytes=1 << 30)) as container:
        for place in ("/tmp", "/dev/shm"):
            result = container.run(f"head -c 400000000 /dev/zero > {place}/big", timeout=30)
            expect(result.exit_code != 0, f"{place}: {result}")


def file_size_is_limited(bench: Bench) -> None:
    with bench.fresh(SMALL) as container:
        result = container.run(f"head -c 30000000 /dev/zero > {TMP}/big; stat -c %s {TMP}/big", timeout=30)
        expect(result.output.splitlines()[-1] == str(SMALL.file_bytes), result.output)


def no_core_is_dumped(bench: Bench) -> None:
    expect(bench.sh("ulimit -Hc").output == "0\n", bench.sh("ulimit -Hc").output)


CHECKS = (
    time_limit_ends_a_command,
    time_limit_ends_one_that_ignores_signals,
    time_limit_ends_children_and_grandchildren,
    time_limit_ends_who_fled_its_session,
    a_daemon_ends_with_its_command,
    partial_output_of_a_timeout_is_kept,
    output_flood_is_cut_in_the_middle,
    endless_output_ends_in_time,
    fork_bomb_is_survived,
    processes_are_limited,
    memory_is_limited,
    disk_is_limited,
    small_disks_are_limited_too,
    file_size_is_limited,
    no_core_is_dumped,
)
