"""What a tenant cannot reach: the host, the network, other tenants, more rights, the supervisor."""

from __future__ import annotations

import os
import socket

from sandbox.errors import ContainerLost
from sandbox.layout import MEETING, TMP, WORK
from sandbox.selfcheck.bench import SMALL, Bench, expect


def no_network_interface_but_loopback(bench: Bench) -> None:
    seen = bench.sh("ls /sys/class/net").output.split()
    expect(seen == ["lo"], seen)


def no_connection_leaves(bench: Bench) -> None:
    result = bench.python("import socket\nsocket.create_connection(('198.51.100.1', 80), timeout=3)")
    expect(result.exit_code != 0 and "unreachable" in result.output, result.output)


def no_name_is_resolved(bench: Bench) -> None:
    result = bench.python("import socket\nprint(socket.getaddrinfo('example.org', 80))")
    expect(result.exit_code != 0 and "gaierror" in result.output, result.output)


def loopback_works(bench: Bench) -> None:
    source = (
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\n"
        "c = socket.create_connection(s.getsockname())\nprint('connected')"
    )
    expect(bench.python(source).output == "connected\n", "no loopback")


def no_engine_socket(bench: Bench) -> None:
    result = bench.sh(
        "find / -xdev \\( -name '*docker*.sock' -o -name podman.sock \\) 2>/dev/null; ls /var/run/docker.sock"
    )
    expect("No such file" in result.output and len(result.output.splitlines()) == 1, result.output)


def no_path_of_the_host(bench: Bench) -> None:
    """Only what every engine lays in (name files, of its own), and the empty meeting place, may be from a disk."""
    mounts = [line.split() for line in bench.sh("cat /proc/self/mounts").output.splitlines()]
    laid_in = {"/", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts", MEETING}
    foreign = [words[1] for words in mounts if words[0].startswith("/dev/") and words[1] not in laid_in]
    expect(not foreign, foreign)


def no_name_of_the_host(bench: Bench) -> None:
    seen = bench.sh("cat /etc/hostname /proc/sys/kernel/hostname").output
    expect(socket.gethostname() not in seen, seen)


def no_variable_of_the_host(bench: Bench) -> None:
    seen = dict(line.split("=", 1) for line in bench.sh("env").output.splitlines() if "=" in line)
    allowed = {"PATH", "HOME", "TMPDIR", "LANG", "USER", "LOGNAME", "SHELL", "TERM", "PWD", "SHLVL", "_"}
    expect(set(seen) <= allowed, set(seen) - allowed)
    host = {v for k, v in os.environ.items() if len(v) > 7 and v not in seen["PATH"] and k not in allowed}
    expect(not host & set(seen.values()), "a value of the host's environment is inside")


def no_variable_of_the_supervisor(bench: Bench) -> None:
    result = bench.sh("cat /proc/1/environ")
    expect("Permission denied" in result.output, result.output)


def not_root(bench: Bench) -> None:
    expect(bench.sh("id -u; id -g; id -G").output.split() == ["10001"] * 3, bench.sh("id").output)


def no_capability(bench: Bench) -> None:
    status = bench.sh("grep -E '^Cap' /proc/self/status").output.split()
    expect(set(status[1::2]) == {"0000000000000000"}, status)


def no_new_privileges(bench: Bench) -> None:
    status = bench.sh("grep NoNewPrivs /proc/self/status").output.split()
    expect(status[-1] == "1", status)


def system_calls_are_filtered(bench: Bench) -> None:
    status = bench.sh("grep Seccomp: /proc/self/status").output.split()
    expect(status[-1] == "2", status)


def setuid_gives_nothing(bench: Bench) -> None:
    result = bench.sh("find / -xdev -perm -4000 -name su -exec {} -c id \\; </dev/null")
    expect("uid=0" not in result.output, result.output)


def root_is_read_only(bench: Bench) -> None:
    writable = bench.sh(
        "for d in / /etc /usr /usr/bin /opt /opt/venv /var /root /home; do touch $d/x 2>/dev/null && echo $d; done"
    )
    expect(writable.output == "", writable.output)


def nothing_can_be_mounted(bench: Bench) -> None:
    source = (
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"print(libc.mount(b'none', b'{TMP}', b'tmpfs', 0, None), libc.unshare(0x10000000), libc.unshare(0x20000))"
    )
    expect(bench.python(source).output.split() == ["-1", "-1", "-1"], bench.python(source).output)


def kernel_settings_are_closed(bench: Bench) -> None:
    result = bench.sh("echo 1 > /proc/sys/kernel/panic; echo c > /proc/sysrq-trigger; echo 1 > /sys/kernel/profiling")
    expect(result.exit_code != 0 and result.output.count("\n") >= 3, result.output)


def raw_devices_are_absent(bench: Bench) -> None:
    seen = set(bench.sh("find /dev -type b; ls /dev/mem /dev/kmsg /dev/kvm /dev/fuse 2>/dev/null").output.split())
    expect(not seen, seen)


def supervisor_cannot_be_read(bench: Bench) -> None:
    result = bench.sh("ls /proc/1/fd; cat /proc/1/mem; cat /proc/1/maps")
    expect(result.output.count("Permission denied") == 3, result.output)


def supervisor_cannot_be_traced(bench: Bench) -> None:
    source = "import ctypes\nprint(ctypes.CDLL(None).ptrace(16, 1, 0, 0))"
    expect(bench.python(source).output == "-1\n", "attached to process 1")


def supervisor_survives_signals(bench: Bench) -> None:
    """A tenant that kills all it can kills itself only: the shell answers, or the loss is said."""
    with bench.fresh(SMALL) as container:
        for signal in ("KILL", "STOP", "TERM", "INT", "SEGV"):
            try:
                container.run(f"kill -{signal} 1; kill -KILL -1", timeout=20)
                expect(container.run("echo on", timeout=20).output == "on\n", f"no answer after SIG{signal}")
            except ContainerLost:
                return


def its_stream_cannot_be_forged(bench: Bench) -> None:
    """What a command writes to any descriptor it can name is output, never an answer."""
    frame = '\\0\\0\\0\\020\\0\\0\\0\\0{\\"exit\\": 0, \\"x\\": 1}'
    result = bench.sh(f"for fd in 0 1 2 3 4 5 6 7; do printf '{frame}' >&$fd; done 2>/dev/null; exit 7")
    expect(result.exit_code == 7, result)


def two_containers_do_not_see_each_other(bench: Bench) -> None:
    with bench.fresh(SMALL) as one, bench.fresh(SMALL) as other:
        one.run(f"echo secret > {WORK}/secret; echo secret > /tmp/secret; echo secret > /dev/shm/secret", timeout=20)
        channel = one.open_lines(["sleep", "60"])
        seen = other.run(f"cat {WORK}/secret /tmp/secret /dev/shm/secret; ps ax", timeout=20)
        channel.close()
        expect("sleep 60" not in seen.output and seen.output.count("No such file") == 3, seen.output)


CHECKS = (
    no_network_interface_but_loopback,
    no_connection_leaves,
    no_name_is_resolved,
    loopback_works,
    no_engine_socket,
    no_path_of_the_host,
    no_name_of_the_host,
    no_variable_of_the_host,
    no_variable_of_the_supervisor,
    not_root,
    no_capability,
    no_new_privileges,
    system_calls_are_filtered,
    setuid_gives_nothing,
    root_is_read_only,
    nothing_can_be_mounted,
    kernel_settings_are_closed,
    raw_devices_are_absent,
    supervisor_cannot_be_read,
    supervisor_cannot_be_traced,
    supervisor_survives_signals,
    its_stream_cannot_be_forged,
    two_containers_do_not_see_each_other,
)
