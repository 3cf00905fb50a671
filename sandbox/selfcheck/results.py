"""What comes back is what happened: exit codes, bytes, directories, environments, files."""

from __future__ import annotations

import json
import threading

from sandbox.errors import ContainerLost
from sandbox.layout import HOME, TMP, TREE, WORK
from sandbox.selfcheck.bench import SMALL, Bench, Broken, Sandbox, expect
from sandbox.types import Ended


def exit_codes_are_exact(bench: Bench) -> None:
    seen = [bench.sh(f"exit {code}").exit_code for code in (0, 1, 2, 42, 124, 137, 255)]
    expect(seen == [0, 1, 2, 42, 124, 137, 255], seen)


def death_by_signal_is_128_and_its_number(bench: Bench) -> None:
    seen = [bench.sh(f"kill -{name} $$; sleep 5").exit_code for name in ("TERM", "KILL", "SEGV", "PIPE")]
    expect(seen == [143, 137, 139, 141], seen)


def unknown_commands_are_127(bench: Bench) -> None:
    listed = bench.shared.run(["no-such-program"], timeout=20)
    expect(bench.sh("no-such-program").exit_code == 127 and listed.exit_code == 127, listed)


def arguments_arrive_as_given(bench: Bench) -> None:
    given = ["", " ", "*", "$HOME", "'\"", "a\nb", "é✓", "--", "\\"]
    result = bench.shared.run(
        ["python3", "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *given], timeout=20
    )
    expect(json.loads(result.output) == given, result.output)


def standard_input_is_empty(bench: Bench) -> None:
    expect(bench.sh("cat; echo end").output == "end\n", "there was input")


def both_outputs_come_in_order(bench: Bench) -> None:
    expect(bench.sh("echo 1; echo 2 >&2; echo 3").output == "1\n2\n3\n", "out of order")


def invalid_text_is_replaced(bench: Bench) -> None:
    result = bench.sh("printf 'a\\377\\376b\\000c'")
    expect(result.output == "a\ufffd\ufffdb\0c", repr(result.output))


def single_bytes_are_gathered(bench: Bench) -> None:
    source = "import os\nfor n in range(20000):\n  os.write(1, b'x')"
    expect(len(bench.python(source).output) == 20000, "bytes lost")


def commands_work_in_the_tree(bench: Bench) -> None:
    expect(bench.sh("pwd; echo $PWD").output == f"{TREE}\n{TREE}\n", bench.sh("pwd").output)


def a_missing_directory_is_said(bench: Bench) -> None:
    result = bench.shared.run("pwd", timeout=20, cwd=f"{WORK}/nowhere")
    expect(result.exit_code != 0 and "nowhere" in result.output, result)


def environment_is_clean_between_commands(bench: Bench) -> None:
    bench.shared.run("export LEAK=1; cd /; alias ls=false; f() { :; }; export -f f", timeout=20, env={"ONCE": "1"})
    result = bench.sh("echo [$LEAK$ONCE]; pwd; type f")
    expect(result.output.startswith(f"[]\n{TREE}\n") and "not found" in result.output, result.output)


def work_area_is_fresh(bench: Bench) -> None:
    with bench.fresh(SMALL) as container:
        result = container.run(f"find {WORK} /tmp /dev/shm -mindepth 1 | sort", timeout=20)
        expect(result.output.split() == [HOME, TREE, TMP], result.output)


def files_go_in_and_out_unchanged(bench: Bench) -> None:
    data = bytes(range(256)) * 40000
    path = f"{TMP}/päth with space/✓"
    bench.shared.put_files({path: data})
    expect(bench.shared.read_file(path, len(data)) == data, "changed on the way")
    bench.sh(f"rm -r {TMP}/p*")


def limit_on_reading_holds(bench: Bench) -> None:
    bench.shared.put_files({f"{TMP}/ten": b"0123456789"})
    expect(bench.shared.read_file(f"{TMP}/ten", 10) == b"0123456789", "not read")
    refused(bench.shared, f"{TMP}/ten", limit=9)


def paths_outside_are_refused(bench: Bench) -> None:
    for path in (
        "/etc/passwd",
        f"{WORK}/../etc/passwd",
        "work/x",
        WORK,
        f"{WORK}shop/x",
        "/proc/1/environ",
        f"{WORK}//x",
    ):
        refused(bench.shared, path)
        try:
            bench.shared.put_files({path: b""})
        except (ValueError, OSError):
            continue
        raise Broken(f"{path} was written")


def links_out_are_not_followed(bench: Bench) -> None:
    bench.sh(f"ln -s /etc {TMP}/dir; ln -s /etc/passwd {TMP}/file; ln -s /proc/1 {TMP}/proc")
    for path in (f"{TMP}/dir/passwd", f"{TMP}/file", f"{TMP}/proc/environ"):
        refused(bench.shared, path)
    try:
        bench.shared.put_files({f"{TMP}/dir/x": b""})
        raise Broken("wrote through a link")
    except ValueError:
        bench.sh(f"rm {TMP}/dir {TMP}/file {TMP}/proc")


def special_files_are_refused(bench: Bench) -> None:
    bench.sh(f"mkfifo {TMP}/fifo")
    refused(bench.shared, f"{TMP}/fifo")
    bench.sh(f"rm {TMP}/fifo")


def missing_files_and_directories_are_told_apart(bench: Bench) -> None:
    for path, kind in ((f"{TMP}/none", FileNotFoundError), (TMP, IsADirectoryError)):
        try:
            bench.shared.read_file(path, 10)
        except kind:
            continue
        raise Broken(f"{path}: no {kind.__name__}")


def lines_go_both_ways(bench: Bench) -> None:
    source = "import sys\nfor line in sys.stdin:\n  print(line.strip()[::-1], flush=True)"
    channel = bench.shared.open_lines(["python3", "-c", source])
    for line in ("abc", "é✓", "x" * 200_000):
        channel.send(line)
        expect(channel.receive(20) == line[::-1], "another line came back")
    expect(bench.sh("echo beside").output == "beside\n", "no command beside an open channel")
    channel.send("still")
    expect(channel.receive(20) == "llits", "the channel ended with a command")
    expect(channel.receive(0.1) is None, "a line out of nothing")
    channel.close()
    expect("python3" not in bench.sh("ps -e -o comm=").output.split("\n")[1:], bench.sh("ps ax").output)


def containers_work_at_the_same_time(bench: Bench) -> None:
    seen: list[str] = []

    def work(number: int) -> None:
        with bench.fresh(SMALL) as container:
            seen.extend(container.run(f"sleep 0.2; echo {number}", timeout=20).output for _ in range(3))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(sorted(seen) == sorted(f"{n}\n" for n in range(3) for _ in range(3)), seen)


def a_lost_container_is_said(bench: Bench) -> None:
    with bench.fresh(SMALL) as container:
        container.close()
        for _ in range(2):
            try:
                container.run("echo on", timeout=20)
            except ContainerLost:
                continue
            raise Broken("a removed container answered")
        expect(container.ended() is not Ended.OUT_OF_MEMORY, container.ended())
        container.close()


def refused(container: Sandbox, path: str, *, limit: int = 1 << 20) -> None:
    try:
        data = container.read_file(path, limit)
    except (ValueError, OSError):
        return
    raise Broken(f"{path} was read: {data[:50]!r}")


CHECKS = (
    exit_codes_are_exact,
    death_by_signal_is_128_and_its_number,
    unknown_commands_are_127,
    arguments_arrive_as_given,
    standard_input_is_empty,
    both_outputs_come_in_order,
    invalid_text_is_replaced,
    single_bytes_are_gathered,
    commands_work_in_the_tree,
    a_missing_directory_is_said,
    environment_is_clean_between_commands,
    work_area_is_fresh,
    files_go_in_and_out_unchanged,
    limit_on_reading_holds,
    paths_outside_are_refused,
    links_out_are_not_followed,
    special_files_are_refused,
    missing_files_and_directories_are_told_apart,
    lines_go_both_ways,
    containers_work_at_the_same_time,
    a_lost_container_is_said,
)
