"""Settings: what is read, what is refused and how it is said, and that nobody else reads the environment."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from config.explain import MASK, defaults, effective, fields, group_model
from config.origins import SettingsRefused
from config.settings import (
    build_environment,
    build_proxies,
    ca_bundle,
    load,
    model_key,
    registries,
    toolchain_directories,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine that runs the tests, and an empty current directory."""
    for name in os.environ:
        if name.startswith(("REDGREEN_", "PIP_", "UV_", "NPM_", "GO")) or name.upper().endswith(("_PROXY", "_BUNDLE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.chdir(tmp_path)


def write(text: str) -> Path:
    path = Path("redgreen.toml")
    path.write_text(text, encoding="utf-8")
    return path


def source_of(key: str, path: Path | None = None) -> str:
    return next(row.source for row in effective(load(path)) if row.key == key)


def test_without_file_and_variables_everything_is_a_default() -> None:
    assert {row.source for row in effective(load())} == {"default"}
    home = str(Path.home())
    assert [row.value.replace(home, "~") for row in effective(load())] == [row.value for row in defaults()]


def test_the_default_server_listens_on_loopback_only() -> None:
    assert (load().server.host, load().server.port) == ("127.0.0.1", 8787)


def test_the_file_in_the_current_directory_is_read() -> None:
    write('[server]\nport = 9000\n[sandbox]\nmemory = "8 GiB"\n')
    assert load().server.port == 9000
    assert load().sandbox.memory == 8 << 30


def test_a_variable_wins_over_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    write('[server]\nport = 9000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("REDGREEN_SERVER__PORT", "9001")
    assert (load().server.port, load().server.host) == (9001, "0.0.0.0")
    assert source_of("server.port") == "$REDGREEN_SERVER__PORT"
    assert source_of("server.host") == "redgreen.toml:3"
    assert source_of("log.level") == "default"


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDGREEN_SERVER__PORT", "")
    assert load().server.port == 8787
    assert source_of("server.port") == "default"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("server.port = 1", 1),
        ("server = { port = 1 }", 1),
        ('\n[ "server" ] # words\nport = 1', 3),
        ('[github]\nprivate_key = """\n[server]\nport = 2\n"""\n[server]\nport = 1', 7),
    ],
)
def test_the_line_of_a_key_is_found_however_toml_writes_it(text: str, line: int) -> None:
    write(text)
    assert load().server.port == 1
    assert source_of("server.port") == f"redgreen.toml:{line}"


def test_redgreen_config_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("[log]\nlevel = 'debug'\n")
    monkeypatch.setenv("REDGREEN_CONFIG", "other.toml")
    assert load().log.level == "debug"


def test_the_argument_wins_over_redgreen_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDGREEN_CONFIG", "absent.toml")
    assert load(write("[log]\nlevel = 'debug'\n")).log.level == "debug"


def test_a_named_file_that_is_absent_is_refused() -> None:
    with pytest.raises(SettingsRefused, match=r"absent\.toml: cannot be read"):
        load(Path("absent.toml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nprot = 1", "redgreen.toml:2: unknown setting 'server.prot' (did you mean 'server.port'?)"),
        ("[servr]\nport = 1", "redgreen.toml:2: unknown setting 'servr.port' (did you mean 'server'?)"),
        ("nonsense = 1", "redgreen.toml:1: unknown setting 'nonsense'"),
        ("server = { prot = 1 }", "redgreen.toml:1: unknown setting 'server.prot' (did you mean 'server.port'?)"),
        ("[server]\n\nport = 70000", "redgreen.toml:3: server.port: Input should be less than or equal to 65535"),
        ("[sandbox]\nmemory = 'much'", "redgreen.toml:2: sandbox.memory: Value error, a size is a number of bytes"),
        ("[github]\napi_url = 'ftp://x'", "redgreen.toml:2: github.api_url: "),
        ("server = 3", "redgreen.toml:1: server: Input should be a valid dictionary"),
        ("[server", "redgreen.toml: not TOML: "),
    ],
)
def test_a_mistake_in_the_file_is_answered_with_its_key_and_line(text: str, said: str) -> None:
    path = write(text)
    with pytest.raises(SettingsRefused) as refused:
        load(path)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REDGREEN_SERVER__PROT", "1", "$REDGREEN_SERVER__PROT: unknown setting 'server.prot'"),
        ("REDGREEN_PORT", "1", "$REDGREEN_PORT: unknown setting 'port'"),
        ("REDGREEN_SERVER__PORT__X", "1", "$REDGREEN_SERVER__PORT__X: unknown setting 'server.port.x'"),
        ("REDGREEN_SERVER__PORT", "x", "$REDGREEN_SERVER__PORT: server.port: Input should be a valid integer"),
        ("REDGREEN_SANDBOX__BUILD_ENV", "{", "the environment: "),
    ],
)
def test_a_mistake_in_a_variable_is_answered_with_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsRefused) as refused:
        load()
    assert str(refused.value).startswith(said)


def test_variables_of_the_test_suite_are_not_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDGREEN_TEST_DOCKER", "0")
    assert {row.source for row in effective(load())} == {"default"}


def test_lists_and_tables_can_be_given_as_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDGREEN_GITHUB__ALLOWED_BOTS", "renovate[bot], dependabot[bot]")
    monkeypatch.setenv("REDGREEN_SANDBOX__BUILD_ENV", '{"PIP_INDEX_URL": "https://mirror.example/simple"}')
    assert load().github.allowed_bots == ("renovate[bot]", "dependabot[bot]")
    assert build_environment(load())["PIP_INDEX_URL"] == "https://mirror.example/simple"


def test_settings_are_frozen() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.server.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.server = settings.server  # type: ignore[misc]


def test_directories_under_home_are_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load().store.directory == tmp_path / ".local/state/redgreen"


# --- secrets -----------------------------------------------------------------------------------------------------


def test_no_secret_appears_in_rows_or_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDGREEN_GITHUB__WEBHOOK_SECRET", "hush-hush")
    monkeypatch.setenv("REDGREEN_STORE__DATABASE_URL", "postgresql://u:hush-hush@db/x")
    monkeypatch.setenv(
        "REDGREEN_SANDBOX__BUILD_ENV",
        '{"PIP_INDEX_URL": "https://u:hush-hush@mirror/simple", "NPM_TOKEN": "hush-hush"}',
    )
    monkeypatch.setenv("REDGREEN_SANDBOX__DOCKER_HOST", "ssh://u:hush-hush@engine")
    rows = effective(load())
    assert "hush-hush" not in repr(rows)
    assert next(row.value for row in rows if row.key == "github.webhook_secret") == MASK
    assert "hush-hush" not in repr(load().github) + repr(load().store)


def test_a_refused_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    write('[github]\nwebhook_secret = ["hush-hush"]\n')
    with pytest.raises(SettingsRefused) as refused:
        load()
    assert "hush-hush" not in str(refused.value)


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    write("[github]\nwebhook_secret_file = 'secret'\n")
    assert load().github.secret().get_secret_value() == "hush"


def test_a_missing_secret_is_refused_with_the_variable_to_set() -> None:
    with pytest.raises(SettingsRefused, match=r"github\.webhook_secret is not set.*REDGREEN_GITHUB__WEBHOOK_SECRET"):
        load().github.secret()
    with pytest.raises(SettingsRefused, match=r"github\.private_key is not set"):
        load().github.app_key()


def test_an_empty_or_absent_secret_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    write("[github]\nwebhook_secret_file = 'empty'\nprivate_key_file = 'absent'\n")
    with pytest.raises(SettingsRefused, match="is not set"):
        load().github.secret()
    with pytest.raises(SettingsRefused, match=r"private_key_file: cannot be read"):
        load().github.app_key()


def test_a_secret_given_twice_is_refused() -> None:
    write("[github]\nwebhook_secret = 'a'\nwebhook_secret_file = 'b'\n")
    with pytest.raises(SettingsRefused, match="both set"):
        load().github.secret()


def test_a_model_key_is_read_by_the_name_that_the_lineup_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_VENDOR_KEY", "hush")
    key = model_key("SOME_VENDOR_KEY")
    assert key is not None
    assert key.get_secret_value() == "hush"
    assert model_key("ANOTHER_KEY") is None
    assert model_key("") is None


# --- the machine's registries and certificates -------------------------------------------------------------------


def test_pythons_are_looked_for_where_pyenv_and_uv_keep_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert toolchain_directories(load()) == ()
    (tmp_path / ".pyenv/versions").mkdir(parents=True)
    (tmp_path / ".local/share/uv/python").mkdir(parents=True)
    assert toolchain_directories(load()) == (tmp_path / ".pyenv/versions", tmp_path / ".local/share/uv/python")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "elsewhere"))
    assert toolchain_directories(load()) == (tmp_path / ".local/share/uv/python",)
    monkeypatch.setenv("REDGREEN_SANDBOX__TOOLCHAINS", '["~/mine"]')
    assert toolchain_directories(load()) == (tmp_path / "mine",)


def test_registry_variables_are_carried_into_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "https://mirror.example/npm")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("PIP_CERT", "/etc/ssl/some.pem")
    carried = build_environment(load())
    assert carried == {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "NPM_CONFIG_REGISTRY": "https://mirror.example/npm",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
    }


def test_pip_configuration_is_carried_and_variables_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://a.example/simple\ntimeout = 9\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert registries().values["PIP_INDEX_URL"] == "https://a.example/simple"
    assert registries().values["PIP_TIMEOUT"] == "9"
    monkeypatch.setenv("PIP_INDEX_URL", "https://b.example/simple")
    assert registries().values["PIP_INDEX_URL"] == "https://b.example/simple"


def test_places_on_this_machine_are_not_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/srv/wheels")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///srv/simple https://mirror.example/simple")
    assert registries().values == {"PIP_EXTRA_INDEX_URL": "https://mirror.example/simple"}
    assert set(registries().left_out) == {"PIP_FIND_LINKS"}


def test_the_machines_proxies_are_for_the_builds_proxy_and_not_for_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hush-hush@proxy.example:3128")
    monkeypatch.setenv("http_proxy", "http://plain.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost, .Example.org")
    proxies = build_proxies(load())
    assert (proxies.http, proxies.https) == (
        "http://plain.example:3128",
        "http://user:hush-hush@proxy.example:3128",
    )
    assert proxies.bypass == ("localhost", ".example.org")
    assert "hush-hush" not in repr(proxies)
    assert build_environment(load()) == {}


def test_a_proxy_for_all_stands_for_what_is_not_named_and_the_settings_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://all.example:3128")
    assert (build_proxies(load()).http, build_proxies(load()).https) == ("http://all.example:3128",) * 2
    write("[sandbox.build_env]\nHTTPS_PROXY = 'http://own.example:3128'\n")
    assert (build_proxies(load()).http, build_proxies(load()).https) == ("", "http://own.example:3128")


def test_a_proxy_on_this_machines_loopback_is_out_of_a_containers_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    assert build_proxies(load()).https == ""


def test_a_registry_address_with_a_password_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:hush-hush@mirror.example/simple")
    assert registries().values == {}
    assert "password" in registries().left_out["PIP_INDEX_URL"]
    assert "hush-hush" not in repr(registries())


def test_the_machines_certificates_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert ca_bundle(load()) == bundle
    write("[sandbox]\nca_bundle = '/elsewhere.pem'\n")
    assert ca_bundle(load()) == Path("/elsewhere.pem")


# --- the house rules ---------------------------------------------------------------------------------------------


def test_every_setting_is_documented_under_its_field() -> None:
    assert [key for key, _, _, field in fields() if not field.description] == []


def test_a_field_of_the_settings_that_is_no_group_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="not a group"):
        group_model(FieldInfo(annotation=int))


def product_modules() -> Iterator[Path]:
    for room in ("bot", "agents", "sandbox", "config"):
        yield from (path for path in (ROOT / room).rglob("*.py") if "sample" not in path.parts)


INSIDE = {
    "private_key": "app_key",
    "private_key_file": "app_key",
    "webhook_secret": "secret",
    "webhook_secret_file": "secret",
    "ca_bundle": "ca_bundle",
    "build_env": "build_environment",
}
"""Settings that are read through a function of `config`."""


def test_every_setting_does_something() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in product_modules() if "config" not in path.parts[:-1])
    idle = [key for key, _, name, _ in fields() if not re.search(rf"\b{INSIDE.get(name, name)}\b", code)]
    assert idle == []


def environment_reads(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv" | "getenvb"):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            case ast.ImportFrom(module="os", names=names) if {"environ", "getenv"} & {name.name for name in names}:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


RUN_INSIDE = ("sandbox/runners/injected/", "sandbox/dated_index.py", "agents/repair/worker/")
"""Programs that are sent into the sandbox and run there, by the tenant's interpreter: not part of this process."""

LEAK_CHECK = "sandbox/selfcheck/walls.py:"
"""Looks for the host's values inside the sandbox, so it has to know them; it takes no setting from them."""


def test_only_the_settings_read_the_environment() -> None:
    readers = [read for path in product_modules() for read in environment_reads(path)]
    others = [read for read in readers if not read.startswith(("config/settings.py:", LEAK_CHECK, *RUN_INSIDE))]
    assert others == []
    assert any(read.startswith("config/settings.py:") for read in readers)
