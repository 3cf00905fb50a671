"""What a Python repository's tests use and nothing declares: plugins that its pytest configuration has options for,
fixtures, marks, and well-known test libraries that its tests import. Pure.

Names of distributions come from the tables here, never from the repository: what a test imports under another name is
not looked for in an index, where anybody may have put something of that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.buildpacks import requirements
from sandbox.parts import classify
from sandbox.runners.pytest_config import PytestConfig
from sandbox.types import Part, RepoView

_READ = 200
"""How many modules of the tests are read."""

_INI: Mapping[str, str] = {
    "asyncio_mode": "pytest-asyncio",
    "asyncio_default_fixture_loop_scope": "pytest-asyncio",
    "django_settings_module": "pytest-django",
    "django_find_project": "pytest-django",
    "timeout": "pytest-timeout",
    "timeout_method": "pytest-timeout",
    "env": "pytest-env",
    "env_files": "pytest-dotenv",
    "qt_api": "pytest-qt",
    "mock_use_standalone_module": "pytest-mock",
    "mock_traceback_monkeypatch": "pytest-mock",
    "trio_mode": "pytest-trio",
    "bdd_features_base_dir": "pytest-bdd",
    "doctest_plus": "pytest-doctestplus",
    "doctest_subpackage_requires": "pytest-doctestplus",
    "remote_data_strict": "pytest-remotedata",
    "snapshot_dirname": "syrupy",
}
"""Keys of the configuration (lower case)."""

_OPTIONS: Mapping[str, str] = {
    "--timeout": "pytest-timeout",
    "--timeout-method": "pytest-timeout",
    "--asyncio-mode": "pytest-asyncio",
    "--ds": "pytest-django",
    "--reuse-db": "pytest-django",
    "--create-db": "pytest-django",
    "--nomigrations": "pytest-django",
    "--no-migrations": "pytest-django",
    "--benchmark-skip": "pytest-benchmark",
    "--benchmark-disable": "pytest-benchmark",
    "--benchmark-columns": "pytest-benchmark",
    "--benchmark-autosave": "pytest-benchmark",
    "--doctest-plus": "pytest-doctestplus",
    "--doctest-rst": "pytest-doctestplus",
    "--xdoctest": "xdoctest",
    "--allow-hosts": "pytest-socket",
    "--disable-socket": "pytest-socket",
    "--hypothesis-profile": "hypothesis",
    "--hypothesis-show-statistics": "hypothesis",
    "--snapshot-warn-unused": "syrupy",
    "--record-mode": "pytest-recording",
    "--block-network": "pytest-recording",
}
"""Options in `addopts`."""

_FIXTURES: Mapping[str, str] = {
    "mocker": "pytest-mock",
    "benchmark": "pytest-benchmark",
    "httpx_mock": "pytest-httpx",
    "respx_mock": "respx",
    "requests_mock": "requests-mock",
    "httpserver": "pytest-httpserver",
    "httpbin": "pytest-httpbin",
    "subtests": "pytest-subtests",
    "freezer": "pytest-freezer",
    "aiohttp_client": "pytest-aiohttp",
    "datadir": "pytest-datadir",
    "shared_datadir": "pytest-datadir",
    "data_regression": "pytest-regressions",
    "file_regression": "pytest-regressions",
    "snapshot": "syrupy",
    "qtbot": "pytest-qt",
    "django_user_model": "pytest-django",
    "script_runner": "pytest-console-scripts",
    "fs": "pyfakefs",
}
"""Parameters of test functions, unless a fixture of that name is the repository's own."""

_MARKS: Mapping[str, str] = {
    "asyncio": "pytest-asyncio",
    "trio": "pytest-trio",
    "django_db": "pytest-django",
    "timeout": "pytest-timeout",
    "anyio": "anyio",
    "benchmark": "pytest-benchmark",
    "vcr": "pytest-recording",
    "freeze_time": "pytest-freezer",
    "order": "pytest-order",
    "forked": "pytest-forked",
    "httpx_mock": "pytest-httpx",
}

_IMPORTS: Mapping[str, str] = {
    "anyio": "anyio",
    "ddt": "ddt",
    "factory": "factory-boy",
    "faker": "faker",
    "flaky": "flaky",
    "freezegun": "freezegun",
    "hypothesis": "hypothesis",
    "mock": "mock",
    "nose": "pynose",
    "numpy": "numpy",
    "parameterized": "parameterized",
    "pretend": "pretend",
    "psutil": "psutil",
    "pyfakefs": "pyfakefs",
    "pytest_asyncio": "pytest-asyncio",
    "pytest_benchmark": "pytest-benchmark",
    "pytest_django": "pytest-django",
    "pytest_httpbin": "pytest-httpbin",
    "pytest_httpserver": "pytest-httpserver",
    "pytest_lazyfixture": "pytest-lazy-fixture",
    "pytest_mock": "pytest-mock",
    "pytest_subtests": "pytest-subtests",
    "pytest_timeout": "pytest-timeout",
    "requests": "requests",
    "requests_mock": "requests-mock",
    "respx": "respx",
    "responses": "responses",
    "simplejson": "simplejson",
    "testfixtures": "testfixtures",
    "time_machine": "time-machine",
    "trio": "trio",
    "trustme": "trustme",
    "yaml": "pyyaml",
}
"""Top-level modules that tests import."""

_PARAMETERS = re.compile(r"^\s*(?:async\s+)?def\s+test\w*\s*\(([^)]*)\)", re.MULTILINE)
_FIXTURE = re.compile(
    r"@(?:pytest\.)?fixture\b[^\n]*(?:\n\s*(?:@|#)[^\n]*)*\n\s*(?:async\s+)?def\s+(\w+)", re.MULTILINE
)
_NAMED = re.compile(r"fixture\([^)]*name\s*=\s*[\"'](\w+)[\"']")
_MARK = re.compile(r"\bpytest\.mark\.(\w+)")
_IMPORT = re.compile(r"^(?P<indent>[ \t]*)(?:import|from)[ \t]+(\w+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Tool:
    distribution: str
    why: str


def tools(
    view: RepoView, paths: Sequence[str], config: PytestConfig, declared: Iterable[str], *, pytest: bool
) -> list[Tool]:
    """The tools, each once; `declared` are requirements that something else installs."""
    own = _own_modules(paths)
    found: dict[str, str] = {}
    if pytest:
        for distribution, why in _of_configuration(config):
            found.setdefault(distribution, why)
    texts = [(path, _text(view, path)) for path in _test_modules(paths)]
    fixtures = {name for _, text in texts for name in (*_FIXTURE.findall(text), *_NAMED.findall(text))}
    for path, text in texts:
        for distribution, why in _of_module(text, fixtures, own, pytest=pytest):
            found.setdefault(distribution, f"{path}: {why}")
    have = {requirements.normal(re.split(r"[^A-Za-z0-9._-]", item, maxsplit=1)[0]) for item in declared}
    return [Tool(distribution=name, why=why) for name, why in sorted(found.items()) if name not in have]


def _of_configuration(config: PytestConfig) -> Iterable[tuple[str, str]]:
    for key in config.keys:
        if key.lower() in _INI:
            yield _INI[key.lower()], f"{config.path}: the key {key}"
    for word in config.addopts:
        name = word.partition("=")[0]
        if name in _OPTIONS:
            yield _OPTIONS[name], f"{config.path}: the option {name}"


def _of_module(text: str, fixtures: set[str], own: frozenset[str], *, pytest: bool) -> Iterable[tuple[str, str]]:
    for match in _IMPORT.finditer(text):
        # An indented import is most often tried, and done without.
        if match[2] in _IMPORTS and match[2] not in own and not match["indent"]:
            yield _IMPORTS[match[2]], f"imports {match[2]}"
    if not pytest:
        return
    for parameters in _PARAMETERS.findall(text):
        for parameter in parameters.split(","):
            name = re.split(r"[:=]", parameter, maxsplit=1)[0].strip()
            if name in _FIXTURES and name not in fixtures:
                yield _FIXTURES[name], f"the fixture {name}"
    for mark in _MARK.findall(text):
        if mark in _MARKS:
            yield _MARKS[mark], f"the mark {mark}"


def _test_modules(paths: Iterable[str]) -> list[str]:
    """conftest modules first: nothing runs where one does not load."""
    modules = [path for path in paths if path.endswith(".py") and classify(path) in (Part.TEST, Part.TEST_CONFIG)]
    in_order = sorted(modules, key=lambda path: (not path.endswith("conftest.py"), path))
    return [path for path in in_order if path != "setup.py"][:_READ]


def _own_modules(paths: Iterable[str]) -> frozenset[str]:
    """Names that the repository itself may mean: any module or package directory, at any depth."""
    names: set[str] = set()
    for path in paths:
        if path.endswith(".py"):
            names.update(path[:-3].split("/"))
    return frozenset(names)


def _text(view: RepoView, path: str) -> str:
    return (view.read(path) or b"").decode("utf-8", "replace")
