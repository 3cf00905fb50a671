"""Building a repository's environment: its install steps run in a sandbox container with network, which is then kept.

Build steps are the repository's own code, so they get the same walls as its tests (no root, no capability, no new
privileges, the operator's runtime, memory, process and time limits); what they have besides is a writable file system
and a network in which there is nothing but a proxy to the package registries (`sandbox.access`). Registry settings and
the certificate authority reach them as the command's environment and as a file in the work area, which is no part of an
image: neither a layer nor the history holds them. The code that is built can read them, so a private registry's
credential should be one that may only read.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.registries import is_forward_proxy
from sandbox import culprits, dated_index, git_scripts
from sandbox.access import NO_ACCESS, Access
from sandbox.container import Container
from sandbox.dockerfile import Step
from sandbox.errors import ContainerLost, ImageBuildFailed, SetupError
from sandbox.layout import TREE, WORK
from sandbox.types import ExecResult, Limits, Progress, RootStep

BUILD_LIMITS = Limits(disk_bytes=4 << 30, file_bytes=2 << 30, pids=1024, output_bytes=4 << 20, seconds=1800.0)

_CA_FILE = f"{WORK}/build/ca.pem"
_APT_FILE = f"{WORK}/build/apt.conf"
_CONSTRAINT = "PIP_CONSTRAINT"
_DATED_INDEX = f"{WORK}/build/dated_index.py"
_UNDATED = f"{WORK}/build/undated"
_SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
_CA_VARIABLES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO",
)
_ALWAYS = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_CACHE_DIR": "off",  # to pip before 19 it means the opposite of what it says, to later ones any word is yes
    "PIP_NO_INPUT": "1",
    "UV_NO_CACHE": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
_LOG_TAIL = 6000
_REFUSALS_TOLD = 5
_URL_CREDENTIALS = re.compile(r"(?<=//)[^/\s@]+@")


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    ca_bundle: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    access: Access = NO_ACCESS
    """How the steps reach the registries."""
    seconds: float = BUILD_LIMITS.seconds
    """For all steps of one image together."""


class Build:
    """The steps of one image in one container. Raises `ImageBuildFailed` with the log's end; `SetupError` for us."""

    def __init__(self, container: Container, settings: BuildSettings, progress: Progress) -> None:
        self._container = container
        self._settings = settings
        self._progress = progress
        self._deadline = time.monotonic() + settings.seconds
        self._env = build_env(settings)
        self._secrets = secrets_of(settings.env)
        self._freed: list[str] = []

    def trust(self) -> None:
        """Lay the operator's certificate authorities, beside the image's own, where the steps find them.

        And what tools that read no variable need to reach the registries.
        """
        self._container.put_files(self._settings.access.files)
        bundle = self._settings.ca_bundle
        if bundle is None:
            return
        try:
            authorities = bundle.read_bytes()
        except OSError as error:
            raise SetupError(f"The certificate bundle {bundle} cannot be read: {error.strerror}.") from error
        self._container.put_files(
            {_CA_FILE: authorities, _APT_FILE: f'Acquire::https::CaInfo "{_CA_FILE}";\n'.encode()}
        )
        command = [
            "/bin/sh",
            "-c",
            f"if [ -f {_SYSTEM_CA} ]; then echo >> {_CA_FILE}; cat {_SYSTEM_CA} >> {_CA_FILE}; fi",
        ]
        self._container.run(command, timeout=60, cwd=WORK)

    def system(self, lines: tuple[str, ...]) -> None:
        for line in lines:
            self._required(["/bin/sh", "-c", line], line, cwd="/", extra={})

    def attempt(self, line: str, told: str = "") -> ExecResult:
        """A shell line for root that may fail. Raises `ImageBuildFailed` where the container is lost."""
        return self._run(["/bin/sh", "-c", line], told or line, cwd="/", extra={})

    def setup(self, steps: tuple[RootStep, ...]) -> None:
        """The repository's own Dockerfile, as root: in a container that is nobody else's."""
        for step in steps:
            line = f"{step.origin}: {shown(step.argv)}"
            self._required(list(step.argv), line, cwd=step.cwd, extra=dict(step.env))

    def steps(self, steps: tuple[Step, ...], env: Mapping[str, str], dated: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Carry them out in the tree; a sentence for each optional one that failed.

        `dated`: the package indexes are those of a day (`Dockerfile.dated`).
        """
        notes = []
        before: tuple[str, ...] = ()
        if dated:
            self._container.put_files({_DATED_INDEX: Path(dated_index.__file__).read_bytes()})
            before = ("python3", "-I", _DATED_INDEX, *dated, _UNDATED)
            env = {**env, "NPM_CONFIG_BEFORE": dated[0]}
        for step in steps:
            line, argv = shown(step.argv), [*before, *step.argv]
            if not step.optional:
                self._demanded(self._step(argv, line, env), line)
                continue
            for code, one in self._tried(step, before, env):
                notes.append(f"`{one}` failed with exit code {code} and was passed over.{self._refusals()}")
                self._progress(f"environment: {notes[-1]}")
        if dated and self._is_there(_UNDATED):
            notes.append(f"A package index does not say when files came: its packages are today's, not of {dated[0]}.")
        return (*self._freed, *notes)

    def _step(self, argv: list[str], line: str, env: Mapping[str, str]) -> ExecResult:
        """One command in the tree. One that fails where pip is held to a lock is run once more without that: not every
        index has every version that somebody locked."""
        result = self._run(argv, line, cwd=TREE, extra=env)
        if result.exit_code == 0 or result.timed_out or not env.get(_CONSTRAINT):
            return result
        again = self._run(argv, f"{line} (without the lock)", cwd=TREE, extra={**env, _CONSTRAINT: ""})
        if again.exit_code == 0:
            self._freed.append(f"`{line}` cannot be done with the lock's versions, and was done without them.")
        return again

    def _tried(self, step: Step, before: tuple[str, ...], env: Mapping[str, str]) -> Iterator[tuple[int, str]]:
        """(exit code, command line) of what failed of an optional step: of each of its pieces, where it has several."""
        line = shown(step.argv)
        result = self._step([*before, *step.argv], line, env)
        if result.exit_code == 0:
            return
        if not step.pieces:
            yield result.exit_code, line
        pieces = step.pieces
        while len(pieces) > 1:
            # What pip itself names is passed over, and the rest is tried together once more.
            head = pieces[0][:-1]
            guilty, rest = culprits.parted([piece[-1] for piece in pieces], result.output)
            if not guilty or not rest:
                break
            for one in guilty:
                yield result.exit_code, shown((*head, one))
            result = self._step([*before, *head, *rest], shown((*head, *rest)), env)
            if result.exit_code == 0:
                return
            pieces = tuple((*head, one) for one in rest)
        for piece in pieces:
            line = shown(piece)
            result = self._step([*before, *piece], line, env)
            if result.exit_code != 0:
                yield result.exit_code, line

    def _is_there(self, path: str) -> bool:
        try:
            self._container.read_file(path, 1000)
        except FileNotFoundError:
            return False
        except (IsADirectoryError, ValueError):
            return True  # the tree's code has been there; the note is right in doubt
        return True

    def keep_generated(self, linked: tuple[str, ...] = ()) -> None:
        """Pack what the steps made in the tree: the tree itself is no part of the image. `linked` is the plan's."""
        if linked:
            moved = self._container.run(
                ["/usr/bin/python3", "-I", "-c", git_scripts.KEEP_LINKED, *linked], timeout=600, env=git_scripts.ENV
            )
            if moved.exit_code != 0:
                raise ImageBuildFailed("What the build installed in the tree could not be kept.", log_tail=moved.output)
        result = self._container.run(["/bin/sh", "-c", git_scripts.KEEP_GENERATED], timeout=300, env=git_scripts.ENV)
        if result.exit_code != 0:
            raise ImageBuildFailed(
                "What the build generated in the tree could not be kept.", log_tail=self.redacted(result.output)
            )

    def _required(self, argv: list[str], line: str, *, cwd: str, extra: Mapping[str, str]) -> None:
        self._demanded(self._run(argv, line, cwd=cwd, extra=extra), line)

    def _demanded(self, result: ExecResult, line: str) -> None:
        if result.timed_out:
            why = f"did not end within the build's {self._settings.seconds:.0f} seconds"
        elif result.out_of_memory and result.exit_code != 0:
            why = "ran out of memory"
        elif result.exit_code != 0:
            why = f"ended with exit code {result.exit_code}"
        else:
            return
        raise ImageBuildFailed(
            f"The environment could not be built: `{self.redacted(line)}` {why}.{self._refusals()}",
            log_tail=self.redacted(result.output),
        )

    def _run(self, argv: list[str], line: str, *, cwd: str, extra: Mapping[str, str]) -> ExecResult:
        self._progress(f"environment: {self.redacted(line)}")
        left = self._deadline - time.monotonic()
        try:
            return self._container.run(argv, timeout=max(left, 0.1), cwd=cwd, env={**extra, **self._env})
        except ContainerLost as error:
            raise ImageBuildFailed(
                f"The environment could not be built: during `{self.redacted(line)}` {error}"
            ) from error

    def _refusals(self) -> str:
        """What the build could not reach, as sentences after another one."""
        found = self._settings.access.refusals()
        more = [f"And {len(found) - _REFUSALS_TOLD} more."] if len(found) > _REFUSALS_TOLD else []
        return "".join(f" {sentence}" for sentence in (*found[:_REFUSALS_TOLD], *more))

    def redacted(self, text: str) -> str:
        return redact(text, self._secrets)[-_LOG_TAIL:]


def build_env(settings: BuildSettings) -> dict[str, str]:
    """What build steps see: the operator's settings, except those that name a file of the host, and the way out.

    The operator's own forward proxies are no part of it: the builds' proxy goes on through them.
    """
    env = {name: value for name, value in settings.env.items() if not (_is_host_path(value) or is_forward_proxy(name))}
    env.update(_ALWAYS)
    env.update(settings.access.env)
    if settings.ca_bundle is not None:
        env.update(dict.fromkeys(_CA_VARIABLES, _CA_FILE), APT_CONFIG=_APT_FILE)
    return env


def _is_host_path(value: str) -> bool:
    return all(word.startswith(("/", "file:", "~")) for word in value.split()) and bool(value.strip())


def secrets_of(env: Mapping[str, str]) -> tuple[str, ...]:
    """Values that a log must not show: what variables with telling names hold, longest first."""
    telling = re.compile(r"TOKEN|PASSWORD|PASSWD|SECRET|AUTH|CREDENTIAL|_KEY$", re.IGNORECASE)
    return tuple(sorted((v for name, v in env.items() if v and telling.search(name)), key=len, reverse=True))


def shown(argv: Sequence[str]) -> str:
    """A command for people to read: of an argument that is a program, its beginning."""
    return shlex.join(word if "\n" not in word.strip() else f"{word.strip().splitlines()[0]} ..." for word in argv)


def redact(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return _URL_CREDENTIALS.sub("[secret]@", text)
