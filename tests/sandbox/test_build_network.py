"""What a build reaches: the package registries by its proxy, and nothing else, whatever it tries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot import wiring
from config import settings
from config.registries import ForwardProxies
from sandbox import orphans
from sandbox.access import Access, proxy_env, proxy_files, refusal_text, unguarded
from sandbox.build import BuildSettings, build_env
from sandbox.daemon import Daemon
from sandbox.destinations import BuildPolicy
from sandbox.engine import Engine, EngineConfig
from sandbox.errors import ImageBuildFailed, SetupError
from sandbox.images import Image
from sandbox.layout import USER
from sandbox.proxy.policy import Rule
from sandbox.proxy.server import Config, Proxy
from sandbox.specs import ContainerSpec
from sandbox.types import EnvironmentPlan, Limits
from tests.support.trees import MemoryTree

SMALL = Limits(memory_bytes=512 << 20, disk_bytes=64 << 20)
PROBE = """
import json, os, socket, ssl, threading, urllib.error, urllib.request

neighbour = os.environ["NEIGHBOUR"]
seen = {}

def direct(name, host, port):
    try:
        socket.create_connection((host, port), timeout=4).close()
        seen[name] = "connected"
    except OSError as error:
        seen[name] = "refused by the other side" if isinstance(error, ConnectionRefusedError) else "no way"

def proxied(name, address):
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            seen[name] = answer.status
    except urllib.error.HTTPError as error:
        seen[name] = error.code
    except OSError as error:
        seen[name] = str(error)

def tunnel(target):
    host, port = os.environ["https_proxy"].rpartition("/")[2].split(":")
    sock = socket.create_connection((host, int(port)), timeout=20)
    sock.sendall(f"CONNECT {target} HTTP/1.1\\r\\n\\r\\n".encode())
    return sock, sock.recv(4096).split(b" ")[1].decode()

own = os.environ["https_proxy"].rpartition("/")[2].split(":")[0]
gateway = own.rpartition(".")[0] + ".1"
def name():
    try:
        seen["name"] = str(socket.getaddrinfo("pypi.org", 443))
    except OSError:
        seen["name"] = "unknown"

tries = [threading.Thread(target=direct, args=(f"own gateway {port}", gateway, port)) for port in (1, 22, 80, 2375)]
tries += [
    threading.Thread(target=direct, args=("engine's gateway", neighbour.rpartition(".")[0] + ".1", 22)),
    threading.Thread(target=direct, args=("another container", neighbour, 8099)),
    threading.Thread(target=direct, args=("metadata", "169.254.169.254", 80)),
    threading.Thread(target=direct, args=("somewhere", "198.51.100.1", 443)),
    threading.Thread(target=direct, args=("proxy, another port", own, 22)),
    threading.Thread(target=name),
]
for one in tries:
    one.start()
for one in tries:
    one.join()
seen["interfaces"] = sorted(os.listdir("/sys/class/net"))
seen["ipv6"] = sorted({line.split()[5] for line in open("/proc/net/if_inet6")} - {"lo"})
proxied("not listed", "https://example.org/")
proxied("not listed, plain", "http://example.org/")
proxied("metadata by proxy", "http://169.254.169.254/latest/meta-data/")
proxied("gateway by proxy", f"http://{gateway}/")
seen["tunnel to loopback"] = tunnel("127.0.0.1:443")[1]
proxied("public by proxy", "https://pypi.org/simple/six/")
proxied("operator's own, private", f"http://{neighbour}:8099/etc/debian_version")
proxied("operator's own, another port", f"http://{neighbour}:8098/")
seen["tunnel to a port"] = tunnel("pypi.org:22")[1]
sock, status = tunnel("pypi.org:443")
sock.sendall(b"SSH-2.0-x\\r\\n")
seen["no TLS in a tunnel"] = [status, sock.recv(10).decode()]
sock, status = tunnel("pypi.org:443")
try:
    ssl.create_default_context().wrap_socket(sock, server_hostname="example.org")
    seen["another name in a tunnel"] = "agreed"
except OSError:
    seen["another name in a tunnel"] = "closed"
json.dump(seen, open("/opt/redgreen/probe.json", "w"))
"""


def quiet(_: str) -> None:
    pass


# --- in Docker ---


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    connected = Daemon.connect(settings.load().sandbox.docker_host)
    yield connected
    connected.close()


@pytest.fixture(scope="module")
def neighbour(daemon: Daemon, base_image: Image) -> Iterator[str]:
    """The address of another container, in the engine's own network, that answers on port 8099."""
    spec = ContainerSpec(
        image=base_image.id,
        command=("python3", "-m", "http.server", "8099", "--directory", "/"),
        user=USER,
        environment={},
        labels={orphans.LABEL: orphans.this_process().label()},
        memory_bytes=128 << 20,
        cpus=1.0,
        pids=32,
        file_bytes=1 << 20,
        tmpfs={},
        network="bridge",
    )
    container = daemon.create(spec)
    daemon.start(container)
    yield daemon.address(container, "bridge")
    daemon.remove(container)


def engine_with(**changes: Any) -> Engine:
    """As production makes it, with other settings of builds."""
    loaded = settings.load()
    config = EngineConfig(
        docker_host=loaded.sandbox.docker_host,
        cache_dir=loaded.sandbox.cache_dir,
        base_image=loaded.sandbox.base_image,
        ca_bundle=settings.ca_bundle(loaded),
        build_env=settings.build_environment(loaded),
        build_policy=wiring.build_policy(loaded),
    )
    return Engine.connect(replace(config, **changes))


def plan(*install: tuple[str, ...], env: tuple[tuple[str, str], ...] = ()) -> EnvironmentPlan:
    return EnvironmentPlan(
        language="python",
        runner="pytest",
        base="",
        install=install,
        env=env,
        command=("true",),
        manifests=("probe.py",),
    )


def own_networks(daemon: Daemon) -> list[str]:
    ours = orphans.this_process().label()
    return [id_ for id_, labels in daemon.networks(orphans.LABEL) if labels[orphans.LABEL] == ours]


@pytest.mark.docker
@pytest.mark.network
def test_a_build_reaches_the_registries_and_nothing_else(
    daemon: Daemon, neighbour: str, fresh_images: list[str]
) -> None:
    engine = engine_with(build_policy=BuildPolicy(listed=(f"{neighbour}:8099",)))
    tree = MemoryTree({"probe.py": PROBE.encode()})
    wanted = plan(("python3", "probe.py"), env=(("NEIGHBOUR", neighbour),))
    image = engine.ensure_image(wanted, tree, quiet)  # type: ignore[arg-type]
    fresh_images.append(image.tag)
    with engine.container(image, SMALL) as container:
        seen = json.loads(container.run("cat /opt/redgreen/probe.json", timeout=20).output)
    engine.close()
    unreachable = (
        *(f"own gateway {port}" for port in (1, 22, 80, 2375)),
        "engine's gateway",
        "another container",
        "metadata",
        "somewhere",
    )
    assert {name: seen[name] for name in unreachable} == dict.fromkeys(unreachable, "no way")
    assert seen["proxy, another port"] == "refused by the other side"
    assert seen["name"] == "unknown"
    assert seen["interfaces"] == ["eth0", "lo"]
    assert seen["ipv6"] == []
    refused = ("not listed, plain", "metadata by proxy", "gateway by proxy")
    assert {name: seen[name] for name in refused} == dict.fromkeys(refused, 403)
    assert "403" in seen["not listed"]
    assert seen["public by proxy"] == 200
    assert seen["operator's own, private"] == 200
    assert seen["operator's own, another port"] == 403
    assert seen["tunnel to a port"] == seen["tunnel to loopback"] == "403"
    assert seen["no TLS in a tunnel"] == ["200", ""]
    assert seen["another name in a tunnel"] == "closed"
    assert not own_networks(daemon)
    assert not [name for name in image.env if "proxy" in name.lower()]


@pytest.mark.docker
def test_a_failed_build_names_the_host_that_was_refused_and_leaves_no_network(daemon: Daemon) -> None:
    engine = engine_with(build_policy=BuildPolicy(public=False))
    step = ("python3", "-c", "import urllib.request as r; r.urlopen('https://registry.example:8443/x')")
    with pytest.raises(ImageBuildFailed) as failure:
        engine.ensure_image(plan(step), MemoryTree({}), quiet)  # type: ignore[arg-type]
    engine.close()
    assert "registry.example:8443, which is not among the hosts it may reach (sandbox.build_hosts)" in str(
        failure.value
    )
    assert not own_networks(daemon)


@pytest.mark.docker
@pytest.mark.network
def test_a_build_goes_through_the_operators_own_proxy(engine: Engine, fresh_images: list[str]) -> None:
    """The network of the second build has no way out but the first one's proxy, which stands for a company's."""
    with engine.build_access((Rule("pypi.org", (443,)), Rule("files.pythonhosted.org", (443,))), quiet) as company:
        proxies = ForwardProxies(https=company.env["https_proxy"])
        behind = engine_with(build_network=company.network, build_policy=BuildPolicy(proxies=proxies))
        step = ("python3", "-c", "import urllib.request as r; r.urlopen('https://pypi.org/simple/six/', timeout=20)")
        other = ("python3", "-c", "import urllib.request as r; r.urlopen('https://index.crates.io/config.json')")
        wanted = replace(plan(step), optional_install=(other,))
        image = behind.ensure_image(wanted, MemoryTree({"probe.py": b"1"}), quiet)  # type: ignore[arg-type]
        fresh_images.append(image.tag)
        behind.close()
        assert company.refusals() == (refusal_text("index.crates.io:443", "not allowed"),)
    assert "index.crates.io:443 in vain: the proxy behind this one answers HTTP/1.1 403" in image.notes[0]


@pytest.fixture(scope="module")
def fresh_images(daemon: Daemon) -> Iterator[list[str]]:
    """Tags to be removed: these images must be built anew in each run of the tests."""
    tags: list[str] = []
    yield tags
    for tag in tags:
        daemon.remove_image(tag)


@pytest.mark.docker
def test_a_network_that_holds_no_proxy_is_refused_with_what_to_set() -> None:
    engine = engine_with(build_network="host")
    with pytest.raises(SetupError, match=r"sandbox\.build_proxy = false"), engine.build_access((), quiet):
        raise AssertionError("not reached")
    engine.close()


@pytest.mark.docker
def test_the_networks_of_dead_processes_are_removed(daemon: Daemon, engine: Engine) -> None:
    dead = replace(orphans.this_process(), boot="earlier")
    name = daemon.create_network("redgreen-build-test-of-orphans", {orphans.LABEL: dead.label()})
    engine.collect_orphans()
    labels = [labels[orphans.LABEL] for _, labels in daemon.networks(orphans.LABEL)]
    assert dead.label() not in labels, name


# --- without Docker: the proxy itself, on a socket pair's worth of loopback ---


async def asked(config: Config, request: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    proxy = Proxy(config)
    server = await asyncio.start_server(proxy.client, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        writer.write(request)
        answer = await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
        server.close()
        await server.wait_closed()
    return answer, proxy.report()


def config(*rules: Rule) -> Config:
    return Config(listen="127.0.0.1", rules=rules, tunnels=None, plain=None, bypass=())


@pytest.mark.parametrize("private", [False, True])
def test_an_allowed_name_that_resolves_to_loopback_is_refused(private: bool) -> None:
    allowed = config(Rule("localhost", (443, 80), private=private))
    answer, report = asyncio.run(asked(allowed, b"CONNECT localhost:443 HTTP/1.1\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert report[0][0] == "localhost:443"
    assert "a loopback address" in report[0][1]


def test_a_name_that_does_not_resolve_is_no_refusal_but_unreachable() -> None:
    answer, report = asyncio.run(asked(config(Rule("no.invalid", (80,))), b"GET http://no.invalid/ HTTP/1.1\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert report == [("no.invalid:80", "its name is not found")]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST http://index.example/ HTTP/1.1\r\n\r\n", b"400"),
        (b"GET http://index.example/ HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT 127.0.0.1:443 HTTP/1.1\r\n\r\n", b"403"),
    ],
)
def test_what_is_not_allowed_is_answered_and_noted(request_: bytes, status: bytes) -> None:
    answer, report = asyncio.run(asked(config(), request_))
    assert answer.split(b" ")[1] == status
    assert len(report) == 1


def test_an_endless_head_is_cut_off() -> None:
    answer, report = asyncio.run(asked(config(), b"GET " + b"x" * (1 << 20)))
    assert (answer, report) == (b"", [])


def test_the_proxys_configuration_is_read_as_it_is_told() -> None:
    told = {
        "listen": "192.0.2.1",
        "rules": [["index.example", [443], False]],
        "upstream": {"http": None, "https": ["proxy.example", 3128, "Basic eA=="], "bypass": [".corp.example"]},
    }
    read = Config.read(json.dumps(told))
    assert read.rules == (Rule("index.example", (443,)),)
    assert read.tunnels is not None
    assert (read.tunnels.host, read.tunnels.authorization, read.plain) == ("proxy.example", "Basic eA==", None)


# --- what a build is told ---


def test_every_package_manager_is_told_of_the_proxy_and_the_operators_own_is_not_shown() -> None:
    access = Access(network="n", env=proxy_env("192.0.2.1", 3128, "http://192.0.2.1:3128"), files={}, refusals=tuple)
    env = build_env(
        BuildSettings(env={"HTTPS_PROXY": "http://user:secret@own.example", "no_proxy": "x"}, access=access)
    )
    assert "own.example" not in repr(env)
    names = ("http_proxy", "HTTPS_PROXY", "npm_config_https_proxy", "YARN_HTTPS_PROXY", "CARGO_HTTP_PROXY")
    assert {env[name] for name in names} == {"http://192.0.2.1:3128"}
    assert env["no_proxy"] == "localhost,127.0.0.1,::1"
    assert "-Dhttps.proxyHost=192.0.2.1 -Dhttps.proxyPort=3128" in env["JAVA_TOOL_OPTIONS"]
    (path, text), *_ = proxy_files("192.0.2.1", 3128).items()
    assert path.endswith("/.m2/settings.xml")
    assert b"<protocol>https</protocol><host>192.0.2.1</host><port>3128</port>" in text


def test_without_a_proxy_a_build_is_told_of_none() -> None:
    assert unguarded("own-network").env == {}
    assert unguarded("own-network").resolves
    assert unguarded("own-network").refusals() == ()
