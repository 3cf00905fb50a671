"""One test run in one fresh container: what to start comes from a runner, what happened goes into a `TestRun`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sandbox.container import Container
from sandbox.errors import ContainerLost
from sandbox.runners.protocol import PreparedRun, Runner, RunRequest
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import Ended, EnvironmentPlan, ExecResult, RunKind, TestId, TestReport, TestRun

_REPORT_LIMIT = 64 << 20
"""Several are held at once, in the host's memory; a longer one counts as none."""
_TAIL = 4000
_CONFIRMED_LATER = (RunKind.WITNESS, RunKind.CANDIDATE)
"""What these show fixed is run once more: a container for that is started while their tests run."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all runs of one verification share."""

    supply: Supply
    runner: Runner
    plan: EnvironmentPlan

    def run(
        self,
        kind: RunKind,
        tree: GitTree,
        *,
        timeout: float,
        files: tuple[str, ...] = (),
        tests: tuple[TestId, ...] = (),
    ) -> TestRun:
        """Everything when both selections are empty. Raises `SandboxError` where no container can be had."""
        request = RunRequest(
            nonce=secrets.token_hex(8), key=secrets.token_hex(32), files=files, tests=tests, plan=self.plan
        )
        prepared = self.runner.prepare(tree, request)
        result, report, ended = None, None, Ended.EXITED
        with self.supply.container() as container:
            try:
                container.put_tree(tree)
                container.put_files(prepared.files)
                if kind in _CONFIRMED_LATER:
                    self.supply.start_one_more()
                result = container.run(prepared.argv, timeout=timeout, env=prepared.env)
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
            output_tail=result.output[-_TAIL:] if result is not None else "",
            selection=tests,
        )

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
