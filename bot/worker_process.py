"""`redgreen worker`: the process that holds the App's key, the models' keys and the Docker engine."""

from __future__ import annotations

from pathlib import Path

from bot import logs, places, wiring
from bot.checkout import Mirrors
from bot.engine import QueueConfig
from bot.errors import UsageError
from bot.forge.app import AppIdentity, GitHubApp
from bot.forge.github import GitHubForge
from bot.forge.protocol import Permission
from bot.routing import Policy
from bot.store import Store
from bot.tools import Forges, Tools
from bot.worker import Worker, WorkerConfig
from config.settings import Settings


def worker(settings: Settings) -> None:
    """Until SIGTERM or Ctrl-C. Raises `SettingsRefused` without an App key, `EngineUnavailable` without an engine."""
    identity = AppIdentity(
        app_id=_app_id(settings),
        private_key=settings.github.app_key(),
        api_url=settings.github.api_url,
        web_url=settings.github.web_url,
    )
    logs.configure(settings.log)
    state = places.state_directory(settings)
    engine = wiring.engine(settings)
    progress = logs.progress("worker")
    mirrors = Mirrors(directory=state / "mirrors", web_url=settings.github.web_url)
    store = Store.open(places.database_url(settings))
    try:
        tools = Tools(
            store=store,
            workshop=wiring.workshop(settings, engine, mirrors, progress),
            forges=_forges(GitHubApp(identity)),
            default_model=settings.models.default,
            draft=settings.policy.pull_request == "draft",
            routes=wiring.routes(settings, wiring.lineup(settings)),
            limits=wiring.money_limits(settings),
            house=wiring.house(settings),
            rules=wiring.rules(settings),
            lanes=wiring.lanes(settings, engine),
            free_models=wiring.free_models(settings),
        )
        policy = wiring.image_policy(settings)
        running = Worker(
            _worker_config(settings, state),
            tools,
            collect_orphans=engine.collect_orphans,
            collect_images=lambda: engine.shelf.collect(policy),
        )
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
