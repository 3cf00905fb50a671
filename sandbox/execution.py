"""One test run in one fresh container: what to start comes from a runner, what happened goes into a `TestRun`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from sandbox import shards
from sandbox.container import Container
from sandbox.errors import ContainerLost
from sandbox.layout import WORK
from sandbox.runners.protocol import PreparedRun, Runner, RunRequest
from sandbox.shards import Shards
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import Ended, EnvironmentPlan, ExecResult, RunKind, TestId, TestReport, TestRun

_REPORT_LIMIT = 64 << 20
"""Several are held at once, in the host's memory; a longer one counts as none."""
_TAIL = 4000
_CONFIRMED_LATER = (RunKind.WITNESS, RunKind.CANDIDATE)
"""What these show fixed is run once more: a container for that is started while their tests run."""


RUNNER_VARIABLES = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION")
"""What tells code that it is being tested, and no honest code needs where base's does not ask for it."""


@dataclass(frozen=True, kw_only=True)
class Variation:
    """What of a run's surroundings is not as usual: a test whose colour hangs on such things proves nothing."""

    seed: int
    """Not 0: of the tests' order and of hashes."""
    hidden: tuple[str, ...] = ()

    @property
    def env(self) -> Mapping[str, str]:
        # No daylight saving time: what a test sees does not depend on the season it is run in.
        return {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": str(1000 + self.seed), "HOME": f"{WORK}/tmp"}

    @property
    def words(self) -> tuple[str, ...]:
        return ("another order", "another time zone", "another hash seed", "another home directory") + (
            ("the runner's own variables hidden",) if self.hidden else ()
        )


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all runs of one verification share."""

    supply: Supply
    runner: Runner
    plan: EnvironmentPlan
    tail: int = _TAIL
    """How many of the output's last characters a run keeps."""

    def run(
        self,
        kind: RunKind,
        tree: GitTree,
        *,
        timeout: float,
        files: tuple[str, ...] = (),
        tests: tuple[TestId, ...] = (),
        variation: Variation | None = None,
        test_seconds: float = 0.0,
        without: tuple[TestId, ...] = (),
        part_of: int = 1,
    ) -> TestRun:
        """Everything when both selections are empty. Raises `SandboxError` where no container can be had.

        `part_of`: as one of so many containers that share what one may use.
        """
        request = RunRequest(
            nonce=secrets.token_hex(8),
            key=secrets.token_hex(32),
            files=files,
            tests=tests,
            plan=self.plan,
            order_seed=variation.seed if variation is not None else 0,
            hidden=variation.hidden if variation is not None else (),
            test_seconds=test_seconds,
            without=without,
        )
        prepared = self.runner.prepare(tree, request)
        result, report, ended = None, None, Ended.EXITED
        with self.supply.container(part_of) as container:
            try:
                container.put_tree(tree)
                container.put_files(prepared.files)
                if kind in _CONFIRMED_LATER:
                    self.supply.start_one_more()
                env = {**prepared.env, **(variation.env if variation is not None else {})}
                result = container.run(prepared.argv, timeout=timeout, env=env)
                report = self._report(container, prepared, request)
            except ContainerLost:
                ended = container.ended()
            ended = _ended(ended, result)
        return TestRun(
            kind=kind,
            tree=tree.digest,
            command=prepared.shown,
            ended=ended,
            exit_code=result.exit_code if result is not None else None,
            report=report,
            seconds=result.seconds if result is not None else 0.0,
            output_tail=result.output[-self.tail :] if result is not None else "",
            selection=tests,
            left_processes=result.left_processes if result is not None else 0,
            changed=variation.words if variation is not None else (),
            test_seconds=test_seconds,
            without=without,
        )

    def divided(
        self,
        kind: RunKind,
        tree: GitTree,
        parts: Shards,
        *,
        timeout: float,
        test_seconds: float = 0.0,
        without: tuple[TestId, ...] = (),
    ) -> TestRun:
        """As `run` of all tests, by the files of each part in a container of its own, all at once."""

        def one(files: tuple[str, ...]) -> TestRun:
            return self.run(
                kind,
                tree,
                timeout=timeout,
                files=files,
                test_seconds=test_seconds,
                without=without,
                part_of=len(parts),
            )

        with ThreadPoolExecutor(max_workers=len(parts)) as pool:
            runs = tuple(pool.map(one, parts))
        shown = self.runner.prepare(tree, RunRequest(nonce="0", plan=self.plan)).shown
        merged = shards.merged(runs, parts, lambda test: self.runner.file_of(tree, test))
        return replace(merged, command=shown)

    def _report(self, container: Container, prepared: PreparedRun, request: RunRequest) -> TestReport | None:
        try:
            data = container.read_file(prepared.report_path, _REPORT_LIMIT)
        except (FileNotFoundError, IsADirectoryError, ValueError):
            return None
        return self.runner.parse(data, request)


def _ended(ended: Ended, result: ExecResult | None) -> Ended:
    if result is None:
        # Lost before the command came back: an orderly end is impossible.
        return Ended.LOST if ended is Ended.EXITED else ended
    if result.timed_out:
        return Ended.TIMED_OUT
    return Ended.OUT_OF_MEMORY if result.out_of_memory and result.exit_code != 1 else ended
