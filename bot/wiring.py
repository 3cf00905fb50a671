"""From settings to working parts: the one place where rooms are put together.

The workshop is imported when one is made: it brings every strategy with it, and most commands make none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.probe.choice import fitted
from agents.probe.shelf import Shelf
from agents.types import AttemptLimits
from agents.wall import Wall
from bot.choosing import Routes, mistakes
from bot.contest import Rules
from bot.errors import UsageError
from bot.house import House
from bot.money.budget import Limits as MoneyLimits
from bot.race import Lanes
from config.models import Adapter, Lineup, LineupError, UnknownModel, default_lineup, load
from config.settings import Settings, build_environment, build_proxies, ca_bundle, toolchain_directories
from sandbox.cache import RunCache
from sandbox.collection import Policy as ImagePolicy
from sandbox.destinations import BuildPolicy
from sandbox.engine import Engine, EngineConfig
from sandbox.shards import Division
from sandbox.toolchains import ToolchainSources
from sandbox.types import Limits, Progress

if TYPE_CHECKING:
    from bot.workshop_docker import DockerWorkshop, Sources


def engine(settings: Settings) -> Engine:
    """Raises `sandbox.errors.EngineUnavailable` with how to get one."""
    box = settings.sandbox
    return Engine.connect(
        EngineConfig(
            docker_host=box.docker_host,
            runtime=box.runtime,
            base_image=box.base_image,
            cache_dir=box.cache_dir,
            ca_bundle=ca_bundle(settings),
            build_env=build_environment(settings),
            toolchains=toolchain_sources(settings),
            build_network=box.build_network,
            build_policy=build_policy(settings),
            build_proxy=box.build_proxy,
            build_seconds=box.build_seconds,
        )
    )


def toolchain_sources(settings: Settings) -> ToolchainSources:
    return ToolchainSources(images=settings.sandbox.toolchain_images, directories=toolchain_directories(settings))


def build_policy(settings: Settings) -> BuildPolicy:
    box = settings.sandbox
    return BuildPolicy(listed=box.build_hosts, public=box.build_public_registries, proxies=build_proxies(settings))


def image_policy(settings: Settings) -> ImagePolicy:
    box = settings.sandbox
    return ImagePolicy(max_age=box.images_max_age * 86400, max_bytes=box.images_max_bytes)


def lineup(settings: Settings) -> Lineup:
    """The declared lineup, each row as its endpoint was found to be when it was probed. Raises `UsageError`."""
    kept = probes(settings)
    rows = declared(settings)
    return Lineup(models={spec.name: fitted(spec, kept.load(spec)) for spec in rows})


def rules(settings: Settings) -> Rules:
    """Who races and who falls back. Raises `UsageError` for a name that the lineup has not."""
    rows = lineup(settings)
    for key, names in (("models.fallback", settings.models.fallback), ("race.models", settings.race.models)):
        for name in names:
            try:
                rows.get(name)
            except UnknownModel as error:
                raise UsageError(f"{key}: {error}") from None
    embedded = frozenset(spec.name for spec in rows if spec.adapter is Adapter.NONE)
    return Rules(
        race=settings.race.models,
        samples=settings.race.samples,
        fallback=settings.models.fallback,
        at_home=embedded | frozenset(spec.name for spec in rows if spec.self_hosted),
        unvarying=embedded,
    )


def lanes(settings: Settings, docker: Engine) -> Lanes:
    """How many entrants of races work at the same time here."""
    return Lanes(settings.race.at_once or docker.holds(container_limits(settings)))


def probes(settings: Settings) -> Shelf:
    return Shelf(settings.store.directory / "probes")


def declared(settings: Settings) -> Lineup:
    """The built-in lineup with the operator's own file over it. Raises `UsageError`."""
    presets = default_lineup()
    file = settings.models.file
    if file is None:
        return presets
    try:
        return load(file.read_bytes(), source=str(file), presets=presets)
    except OSError as error:
        raise UsageError(f"models.file: {file} cannot be read: {error.strerror}") from None
    except LineupError as error:
        raise UsageError(str(error)) from None


def container_limits(settings: Settings) -> Limits:
    box = settings.sandbox
    return Limits(
        memory_bytes=box.memory,
        cpus=box.cpus,
        pids=box.pids,
        disk_bytes=box.disk,
        file_bytes=box.file_size,
        output_bytes=box.output,
        seconds=box.seconds,
    )


def division(settings: Settings) -> Division:
    """All parts together use what one container may, so without a number there is one for each of its processors."""
    box = settings.sandbox
    return Division(most=box.shards or max(1, int(box.cpus)), from_seconds=box.shard_seconds)


def attempt_limits(settings: Settings) -> AttemptLimits:
    limits = settings.limits
    return AttemptLimits(
        steps=limits.steps,
        input_tokens=limits.input_tokens,
        output_tokens=limits.output_tokens,
        cost_usd=limits.cost_usd,
        seconds=limits.seconds,
    )


def money_limits(settings: Settings) -> MoneyLimits:
    limits = settings.limits
    return MoneyLimits(
        attempt=limits.cost_usd,
        job=limits.job_usd,
        repository=limits.repository_month_usd,
        installation=limits.installation_month_usd,
        month=limits.month_usd,
        unpriced=limits.unpriced,
    )


def free_models(settings: Settings) -> frozenset[str]:
    """Names whose calls are nobody's bill: `repair`, and models of the operator's own without a price."""
    return frozenset(
        spec.name
        for spec in lineup(settings)
        if spec.adapter is Adapter.NONE or (spec.self_hosted and spec.price is None and not spec.price_provider)
    )


def house(settings: Settings) -> House:
    return House(repositories=settings.models.self_hosted_only, hosts=settings.models.self_hosted_hosts)


def routes(settings: Settings, models: Lineup) -> Routes:
    """Raises `UsageError` where the settings name a model that the lineup does not have."""
    routing = settings.routing
    found = Routes(
        default=settings.models.default,
        rules=routing.rules,
        allowed=routing.allowed,
        high_stakes_labels=routing.high_stakes_labels,
        high_stakes_paths=routing.high_stakes_paths,
        models=frozenset(models.models),
        at_home=frozenset(spec.name for spec in models if not Wall(self_hosted_only=True).refuses(spec)),
    )
    for mistake in mistakes(found):
        raise UsageError(mistake)
    return found


def workshop(settings: Settings, docker: Engine, sources: Sources, progress: Progress) -> DockerWorkshop:
    from bot.workshop_docker import Bench, DockerWorkshop

    bench = Bench(
        engine=docker,
        sources=sources,
        lineup=lineup(settings),
        cache=RunCache(settings.sandbox.cache_dir / "runs"),
        limits=container_limits(settings),
        attempt_limits=attempt_limits(settings),
        budget_seconds=settings.limits.verify_seconds,
        progress=progress,
        division=division(settings),
    )
    return DockerWorkshop(bench)
