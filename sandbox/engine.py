"""The sandbox's engine: images that tests run in, and fresh containers with every limit of the design."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sandbox import access, baseimage, dockerfile, images, orphans, rendezvous, toolchains
from sandbox.access import PROXY_LIMITS, Access
from sandbox.build import BUILD_LIMITS, Build, BuildSettings
from sandbox.container import Container
from sandbox.daemon import Daemon
from sandbox.destinations import BuildPolicy, package_rules, system_rules, upstream
from sandbox.dockerfile import Dockerfile
from sandbox.errors import ImageBuildFailed, SetupError
from sandbox.images import Image
from sandbox.launcher import Launcher
from sandbox.layout import USER
from sandbox.proxy.policy import Rule
from sandbox.shelf import Shelf
from sandbox.toolchains import ToolchainSources
from sandbox.types import EnvironmentPlan, Limits, Progress, Tree

_ROOT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID")
"""What the distribution's package manager needs as root, in the one container that has no code of the repository."""
_log = logging.getLogger("redgreen.sandbox")


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """Passed in; nothing here is read from the environment."""

    docker_host: str = ""
    """Empty: the engine's default socket, or what the Docker client's own variables say."""
    runtime: str = ""
    """The OCI runtime, e.g. `runsc` for gVisor; empty: the engine's default."""
    base_image: str = ""
    """An image with python3 and git that the operator chose; empty: pulled, or built offline."""
    cache_dir: Path
    ca_bundle: Path | None = None
    """PEM file that builds trust besides their own; never in the finished image."""
    build_env: Mapping[str, str] = field(default_factory=dict)
    """Registry settings (PIP_INDEX_URL, ...) that build steps see and the finished image does not."""
    toolchains: ToolchainSources = field(default_factory=ToolchainSources)
    """Where versions of Python are that the base image lacks."""
    build_network: str = "bridge"
    """The engine's network by which the builds' proxy reaches the world."""
    build_policy: BuildPolicy = field(default_factory=BuildPolicy)
    """What builds may reach by it, besides the registries that `build_env` names."""
    build_proxy: bool = True
    """False: builds are in `build_network` themselves, and reach whatever it reaches."""
    build_seconds: float = BUILD_LIMITS.seconds
    """For all steps of one image."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch: what the ages of images are counted to."""
    meetings: Path | None = field(default_factory=rendezvous.default_parent)
    """Where the warm shells of a local engine get their sockets, for a moment each; None: never over a socket."""


class Engine:
    """Safe to share between threads; a container belongs to one."""

    def __init__(self, config: EngineConfig, daemon: Daemon) -> None:
        self._config = config
        self._daemon = daemon
        self._owner: Final = orphans.this_process()
        self._launcher: Final = Launcher(daemon, self._owner, runtime=config.runtime, meetings=config.meetings)
        self.shelf: Final = Shelf(daemon, config.cache_dir, self._owner.machine, config.clock)
        """The images that there are, and which of them may go."""

    @classmethod
    def connect(cls, config: EngineConfig) -> Engine:
        """Raises `EngineUnavailable`; its text says how to get an engine."""
        return cls(config, Daemon.connect(config.docker_host))

    def close(self) -> None:
        self._daemon.close()

    def holds(self, limits: Limits) -> int:
        """How many containers of these limits the engine's memory holds at once; at least one."""
        return max(1, self._daemon.memory_bytes // limits.memory_bytes)

    def ensure_base(self, progress: Progress) -> str:
        """The reference of the base image, which the engine then has. Raises `SetupError`."""
        return images.ensure_base(self._daemon, self._config.base_image, self._config.cache_dir, progress)

    def image(self, reference: str) -> Image:
        """An image that the engine has already, to run as it is. Raises `SetupError` where it has none."""
        found = self._daemon.image(reference)
        if found is None:
            raise SetupError(f"The engine has no image {reference}.")
        return Image(id=found.id, tag=reference, cached=True)

    @contextmanager
    def container(self, image: Image, limits: Limits) -> Iterator[Container]:
        """A fresh container, started; killed and removed at the end, however that comes.

        Raises `SetupError` where it does not start, `EngineUnavailable`.
        """
        self.shelf.touch(image.id)
        with self._launcher.started(self._launcher.spec(image.id, limits), limits, image.env) as container:
            yield container

    def launch(self, image: Image, limits: Limits) -> Container:
        """As `container`, but the caller's to close."""
        self.shelf.touch(image.id)
        return self._launcher.launch(self._launcher.spec(image.id, limits), limits, image.env)

    def collect_orphans(self) -> int:
        """Remove the containers of processes of this machine that are dead; how many. Raises `EngineUnavailable`.

        Also what their rendezvous left, and the networks of their builds.
        """
        if self._config.meetings is not None:
            rendezvous.collect(self._config.meetings, self._owner)
        found = [
            id_ for id_, labels in self._daemon.containers(orphans.LABEL) if orphans.is_orphan(labels, self._owner)
        ]
        for container in found:
            self._daemon.remove(container)
        for network, labels in list(self._daemon.networks(orphans.LABEL)):
            if orphans.is_orphan(labels, self._owner):
                self._daemon.remove_network(network)
        return len(found)

    def abandon(self) -> None:
        """Kill and remove every container of this process, from whatever thread, and start no other: what waits for one
        gets a `SandboxError`. For work that is broken off for good. Raises `EngineUnavailable`."""
        self._launcher.abandon()
        own = self._owner.label()
        for container, labels in list(self._daemon.containers(orphans.LABEL)):
            if labels[orphans.LABEL] == own:
                self._daemon.remove(container)

    def ensure_image(self, plan: EnvironmentPlan, tree: Tree, progress: Progress, *, scope: str = "") -> Image:
        """The plan's image, built where the engine does not have it. `tree` must be the base's: its code is run.

        An image is shared within `scope` (a repository's name) and never beyond it: a build runs the tree's own code,
        so another repository with the same manifests could leave something in it.
        Raises `ImageBuildFailed` (the repository's fault, with the log's end), `SetupError`, `EngineUnavailable`.
        """
        base = self._daemon.image(self._base_of(plan, progress))
        if base is None:
            raise SetupError(f"The engine lost the base image of {plan.language} while it was asked for.")
        recipe = dockerfile.render(plan, tree, base.id, scope)
        tag = images.environment_tag(recipe.digest)

        def build() -> Image:
            prepared = self._ensure_prepared(recipe, base.id, progress)
            if recipe.setup:
                prepared = self._set_up(recipe, prepared, tree, progress, scope)
            return self._build(recipe, prepared, tag, plan, tree, progress, scope)

        with images.one_at_a_time(self._config.cache_dir / images.lock_of(tag)):
            found = self._daemon.image(tag)
            if found is None:
                return build()
            self.shelf.touch(found.id)
            notes = images.notes_of(found.labels)
            image = Image(id=found.id, tag=tag, cached=True, env=dict(plan.env), notes=notes)
            if not self.shelf.retry_due(found.id, found.created, incomplete=bool(notes)):
                return image
            return self._built_again(image, build, progress)

    def _built_again(self, image: Image, build: Callable[[], Image], progress: Progress) -> Image:
        """What was passed over may be to be had by now; where the whole cannot, the old image still serves."""
        progress("environment: what failed to install is tried again")
        try:
            return build()
        except (ImageBuildFailed, SetupError) as error:
            progress(f"environment: the earlier image is used ({error})")
            self.shelf.retried(image.id)
            return image

    def _base_of(self, plan: EnvironmentPlan, progress: Progress) -> str:
        if plan.base in ("", images.OFFLINE_BASE):
            for toolchain in plan.toolchains:
                if chosen := toolchains.image_of(toolchain, self._config.toolchains):
                    try:
                        return images.ensure_named(self._daemon, chosen, progress)
                    except SetupError as error:
                        raise toolchains.not_pulled(toolchain, chosen, error) from error
            return self.ensure_base(progress)
        return images.ensure_named(self._daemon, plan.base, progress)

    def _ensure_prepared(self, recipe: Dockerfile, base: str, progress: Progress) -> str:
        """Base, system packages, user and empty virtual environment: shared by repositories, made by root."""
        tag = images.prepared_tag(recipe.prepared_digest)
        with images.one_at_a_time(self._config.cache_dir / images.lock_of(tag)):
            found = self._daemon.image(tag)
            if found is not None:
                self.shelf.touch(found.id)
                return found.id
            with (
                self.build_access(self._system_rules(), progress) as way,
                self._launcher.build(base, way, "0:0", capabilities=_ROOT_CAPABILITIES) as container,
            ):
                build = Build(container, self._settings(way), progress)
                build.trust()
                build.system(recipe.system)
                for toolchain in recipe.toolchains:
                    toolchains.provide(container, build, toolchain, self._config.toolchains, progress)
                build.system(recipe.environment)
                return self._daemon.commit(container.id, tag, self._changes(()))

    def _set_up(self, recipe: Dockerfile, prepared: str, tree: Tree, progress: Progress, scope: str) -> str:
        """What the repository's own Dockerfile makes of it: root as the package manager has it, and no further."""
        rules = (*self._system_rules(), *package_rules(self._config.build_policy, self._config.build_env))
        with (
            self.build_access(rules, progress) as way,
            self._launcher.build(prepared, way, "0:0", capabilities=_ROOT_CAPABILITIES) as container,
        ):
            build = Build(container, self._settings(way), progress)
            build.trust()
            container.put_tree(tree)
            build.setup(recipe.setup)
            tag = images.environment_tag(f"setup-{recipe.digest}")
            return self._daemon.commit(container.id, tag, self._changes((), scope))

    def _build(
        self,
        recipe: Dockerfile,
        prepared: str,
        tag: str,
        plan: EnvironmentPlan,
        tree: Tree,
        progress: Progress,
        scope: str,
    ) -> Image:
        started = time.monotonic()
        rules = package_rules(self._config.build_policy, self._config.build_env)
        with (
            self.build_access(rules, progress) as way,
            self._launcher.build(prepared, way, USER, dict(plan.env)) as container,
        ):
            build = Build(container, self._settings(way), progress)
            build.trust()
            container.put_tree(tree)
            notes = build.steps(recipe.steps, dict(plan.env), recipe.dated)
            build.keep_generated(plan.linked)
            id_ = self._daemon.commit(container.id, tag, self._changes(notes, scope))
        progress(f"environment: built in {time.monotonic() - started:.0f} s")
        return Image(id=id_, tag=tag, cached=False, env=dict(plan.env), notes=notes)

    def _changes(self, notes: tuple[str, ...], scope: str = "") -> list[str]:
        return images.commit_changes(notes, machine=self._owner.machine, scope=scope)

    def _settings(self, way: Access) -> BuildSettings:
        config = self._config
        return BuildSettings(ca_bundle=config.ca_bundle, env=config.build_env, access=way, seconds=config.build_seconds)

    def _system_rules(self) -> tuple[Rule, ...]:
        policy = replace(self._config.build_policy, mirrors=baseimage.mirrors_of_machine())
        return system_rules(policy, self._config.build_env)

    @contextmanager
    def build_access(self, rules: tuple[Rule, ...], progress: Progress) -> Iterator[Access]:
        """The network of one build, with a way to what `rules` name. Raises `SetupError`, `EngineUnavailable`."""
        config = self._config
        if not config.build_proxy:
            yield access.unguarded(config.build_network)
            return
        base = self.image(self.ensure_base(progress))

        def launch(networks: tuple[str, ...]) -> Container:
            spec = replace(self._launcher.spec(base.id, PROXY_LIMITS), network=config.build_network, networks=networks)
            return self._launcher.launch_directly(spec, PROXY_LIMITS, {}, None)

        labels = {orphans.LABEL: self._owner.label()}
        through = upstream(config.build_policy.proxies)
        with access.opened(self._daemon, launch, labels, rules, through, outward=config.build_network) as opened:
            yield opened
