"""`redgreen web`, `worker` and `serve`: the long-running processes. Each holds only the secrets it needs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import structlog

from bot import logs, wiring
from bot.app import create_app
from bot.app import run as run_server
from bot.checkout import Mirrors
from bot.engine import QueueConfig
from bot.errors import UsageError
from bot.fixing import Forges, Tools
from bot.forge.app import AppIdentity, GitHubApp
from bot.forge.github import GitHubForge
from bot.forge.protocol import Permission
from bot.routing import Policy
from bot.store import Store
from bot.worker import Worker, WorkerConfig
from config.settings import Settings

STOP_SECONDS = 60.0


def web(settings: Settings) -> None:
    """Until SIGTERM or Ctrl-C. Raises `config.origins.SettingsRefused` without a webhook secret."""
    secret = settings.github.secret().get_secret_value()
    logs.configure(settings.log)
    log = structlog.get_logger()
    store = Store.open(wiring.database_url(settings))
    try:
        run_server(
            create_app(webhook_secret=secret, deliveries=store.deliveries),
            host=settings.server.host,
            port=settings.server.port,
            started=lambda port: log.info("listening", host=settings.server.host, port=port),
        )
    finally:
        store.close()


def serve(config: Path | None) -> int:
    """Web and worker as children of this process; when one ends the other is stopped. The worst exit code."""
    words = ["--config", str(config)] if config else []
    children = [subprocess.Popen([sys.executable, "-m", "bot", name, *words]) for name in ("web", "worker")]

    def pass_on(number: int, _frame: FrameType | None) -> None:
        for child in children:
            if child.poll() is None:
                child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    try:
        while all(child.poll() is None for child in children):
            time.sleep(0.2)
    except KeyboardInterrupt:  # the terminal has sent it to the children as well
        pass
    finally:
        codes = [_stopped(child) for child in children]
    return max((abs(code) for code in codes), default=0)


def _stopped(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def worker(settings: Settings) -> None:
    """Until SIGTERM or Ctrl-C. Raises `SettingsRefused` without an App key, `EngineUnavailable` without an engine."""
    identity = AppIdentity(
        app_id=_app_id(settings),
        private_key=settings.github.app_key(),
        api_url=settings.github.api_url,
        web_url=settings.github.web_url,
    )
    logs.configure(settings.log)
    state = wiring.state_directory(settings)
    engine = wiring.engine(settings)
    progress = logs.progress("worker")
    mirrors = Mirrors(directory=state / "mirrors", web_url=settings.github.web_url)
    store = Store.open(wiring.database_url(settings))
    try:
        tools = Tools(
            store=store,
            workshop=wiring.workshop(settings, engine, mirrors, progress),
            forges=_forges(GitHubApp(identity)),
            default_model=settings.models.default,
            draft=settings.policy.pull_request == "draft",
            repository_month_usd=settings.limits.repository_month_usd,
        )
        running = Worker(_worker_config(settings, state), tools, collect_orphans=engine.collect_orphans)
        running.stop_on_signals()
        running.run()
    finally:
        store.close()
        engine.close()


def _app_id(settings: Settings) -> int:
    if settings.github.app_id <= 0:
        raise UsageError("github.app_id is not set: it is on the App's settings page (docs/install.md)")
    return settings.github.app_id


def _forges(app: GitHubApp) -> Forges:
    return lambda repository: GitHubForge(app, repository)


def _worker_config(settings: Settings, state: Path) -> WorkerConfig:
    github = settings.github
    system = settings.store.system_database_url.get_secret_value()
    return WorkerConfig(
        queue=QueueConfig(
            url=system or f"sqlite:///{state / 'queue.db'}",
            lock_file=state / "worker.lock",
            workers=settings.limits.jobs,
        ),
        policy=Policy(
            review=settings.policy.review,
            handle=github.handle,
            label=github.label,
            models=frozenset(spec.name for spec in wiring.lineup(settings)),
            bots=frozenset(login.lower() for login in github.allowed_bots),
        ),
        minimum=Permission(settings.policy.minimum_permission),
    )
