"""The worker process: the dispatching thread, the queue's jobs, the periodic pass, and an orderly end."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.arrows import PAUSES
from bot.dispatcher import Dispatcher
from bot.engine import Engine, QueueConfig, Steps, Workflow
from bot.errors import StoreError
from bot.forge.protocol import Permission
from bot.gate import Gate
from bot.pipeline import Pipeline
from bot.reconcile import reconcile
from bot.routing import Policy
from bot.tools import Tools
from bot.types import JobId, JobState
from sandbox.collection import Removal

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    queue: QueueConfig
    policy: Policy
    minimum: Permission = Permission.WRITE
    poll_seconds: float = 0.25
    """Between looks for new deliveries."""
    reconcile_seconds: float = 300.0
    collect_seconds: float = 86400.0
    """Between looks for images that may go; the first is at the start."""
    pauses: Sequence[float] = PAUSES
    stop_seconds: float = 60.0
    """How long an orderly end waits for steps under way."""


class Worker:
    """Everything a worker process runs. `stop` may be called from any thread, or by a signal."""

    def __init__(
        self,
        config: WorkerConfig,
        tools: Tools,
        *,
        collect_orphans: Callable[[], int] = lambda: 0,
        collect_images: Callable[[], Sequence[Removal]] = tuple,
        steps: Callable[[Gate], Steps] = Steps,
    ) -> None:
        """Raises `bot.errors.UsageError` when another worker runs."""
        self._config, self._tools, self._collect_orphans = config, tools, collect_orphans
        self._collect_images = collect_images
        pipeline = Pipeline(tools, pauses=config.pauses)
        workflows: Mapping[str, Workflow] = {
            "job": self._outermost(pipeline.job, self._job_failed),
            "outcome": self._outermost(pipeline.outcome, lambda _text, _why: None),
        }
        self._engine = Engine(config.queue, workflows, steps=steps)
        self._dispatcher = Dispatcher(
            store=tools.store,
            forges=tools.forges,
            queue=self._engine,
            policy=config.policy,
            minimum=config.minimum,
            on_bug=lambda error: log.error("bug in dispatching", exc_info=error),
        )
        self._stopping = threading.Event()

    def run(self) -> bool:
        """Until `stop`; True when everything under way ended in time. Raises `StoreError` when it cannot start."""
        self._engine.start()
        dispatching = threading.Thread(target=self._dispatch, name="dispatcher", daemon=True)
        dispatching.start()
        log.info("worker started")
        next_pass = next_collection = 0.0
        while not self._stopping.wait(0.2):
            if time.monotonic() >= next_pass:
                self._reconcile()
                next_pass = time.monotonic() + self._config.reconcile_seconds
            if time.monotonic() >= next_collection:
                self._collect()
                next_collection = time.monotonic() + self._config.collect_seconds
        dispatching.join()
        drained = self._engine.stop(self._config.stop_seconds)
        log.info("worker stopped", everything_ended=drained)
        return drained

    def stop(self) -> None:
        self._stopping.set()

    def stop_on_signals(self) -> None:
        """SIGTERM and Ctrl-C end it orderly. Only in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            handled = 0
            try:
                handled = self._dispatcher.run_once()
            except StoreError as error:
                log.error("the store is away", error=str(error))
                self._stopping.wait(2.0)
            except Exception as bug:
                log.error("bug in dispatching", exc_info=bug)
                self._stopping.wait(2.0)
            if not handled:
                self._stopping.wait(self._config.poll_seconds)

    def _reconcile(self) -> None:
        try:
            found = reconcile(self._tools.store, self._engine, self._collect_orphans)
        except Exception as error:  # noqa: BLE001 - outermost of the pass: the next one tries again
            log.error("the periodic pass failed", error=f"{type(error).__name__}: {error}")
            return
        for stuck in found.stuck:
            log.warning("stuck in the queue", id=stuck.id, why=stuck.why)
        if found.removed_containers or found.abandoned_jobs:
            log.info("cleaned up", containers=found.removed_containers, jobs=list(found.abandoned_jobs))

    def _collect(self) -> None:
        try:
            removed = self._collect_images()
        except Exception as error:  # noqa: BLE001 - outermost of the collection: tomorrow's tries again
            log.error("images could not be collected", error=f"{type(error).__name__}: {error}")
            return
        for removal in removed:
            log.info("image removed", image=removal.image.name, why=removal.why)

    def _outermost(self, workflow: Workflow, failed: Callable[[str, str], None]) -> Workflow:
        """Where a bug ends: logged with its trace, and noted with the job, which it ends."""

        def run(steps: Steps, argument: str) -> None:
            try:
                workflow(steps, argument)
            except Exception as bug:
                log.error("bug in a job", argument=argument[:100], exc_info=bug)
                why = f"internal error: {type(bug).__name__}"
                steps.run("failed", lambda: failed(argument, why))
                raise

        return run

    def _job_failed(self, job_id: str, why: str) -> None:
        self._tools.store.jobs.ended(JobId(job_id), JobState.FAILED, why)
