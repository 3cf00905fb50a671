"""Which hosts, addresses, requests and tunnels the builds' proxy lets through."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.registries import ForwardProxies
from sandbox.destinations import BuildPolicy, package_rules, system_rules, upstream
from sandbox.errors import SetupError
from sandbox.proxy.policy import Rule, address_problem, find_rule, host_problem, is_address
from sandbox.proxy.requests import (
    BadRequest,
    Request,
    head_for_origin,
    head_for_proxy,
    is_established,
    parse,
    tunnel_head,
)
from sandbox.proxy.tls import server_name

RULES = (
    Rule("index.example", (443,)),
    Rule("mirror.example", (8443,), private=True),
    Rule("*.corp.example", (443, 80), private=True),
    Rule("10.1.2.3", (8081,), private=True),
    Rule("192.0.2.1", (443,)),
)


# --- names ---


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("index.example", 443),
        ("INDEX.Example.", 443),
        ("mirror.example", 8443),
        ("a.corp.example", 80),
        ("a.b.corp.example", 443),
        ("10.1.2.3", 8081),
    ],
)
def test_what_is_listed_may_be_asked_for(host: str, port: int) -> None:
    assert find_rule(RULES, host, port) is not None


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("index.example", 80),
        ("index.example", 22),
        ("mirror.example", 443),
        ("index.example.evil.example", 443),
        ("evilindex.example", 443),
        ("corp.example", 443),
        ("evil-corp.example", 443),
        ("..corp.example", 443),
        ("10.1.2.3.corp.example@index.example", 443),
        ("index.example\0.corp.example", 443),
        ("10.1.2.3", 443),
        ("192.0.2.1", 443),
        ("0x0a010203", 8081),
        ("167838211", 8081),
        ("10.1.515", 8081),
        ("127.1", 443),
        ("[::1]", 443),
        ("::ffff:10.1.2.3", 8081),
        ("", 443),
    ],
)
def test_nothing_else_may_be_asked_for(host: str, port: int) -> None:
    assert find_rule(RULES, host, port) is None


def test_an_address_is_below_no_name() -> None:
    rules = (Rule("*.2.3", (443,), private=True),)
    assert find_rule(rules, "10.1.2.3", 443) is None
    assert host_problem("*.10.1.2.3") == "an address has no names below it"


@pytest.mark.parametrize(
    "host", ["a b", "-a.example", "a..b", "x" * 64, "a." * 127 + "abc", "*", "a.*.b", "http://a", "é"]
)
def test_what_is_no_host_name_is_no_rule(host: str) -> None:
    assert host_problem(host)


# --- addresses ---


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("240.0.0.1", "reserved"),
        ("no address", "unreadable"),
    ],
)
def test_some_addresses_are_nobodys_registry(address: str, kind: str) -> None:
    assert address_problem(address, private=False) == address_problem(address, private=True) == kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("::ffff:192.168.1.1", "private"),
        ("64:ff9b::c0a8:101", "private"),
        ("2002:c0a8:101::", "private"),
        ("fd00::1", "private"),
        ("fec0::1", "private"),
        ("100.64.0.1", "carrier-grade NAT"),
        ("192.0.0.8", "special-purpose"),
        ("198.18.0.1", "special-purpose"),
        ("64:ff9b:1::1", "special-purpose"),
        ("2001::1", "special-purpose"),
    ],
)
def test_private_addresses_are_for_hosts_that_the_operator_named(address: str, kind: str) -> None:
    assert address_problem(address, private=False) == kind
    assert address_problem(address, private=True) == ""


@pytest.mark.parametrize(
    "address", ["203.0.113.80", "151.101.0.223", "172.32.0.1", "2a04:4e42::223", "64:ff9b::cb00:7150"]
)
def test_other_addresses_may_be_connected_to(address: str) -> None:
    assert address_problem(address, private=False) == ""


# --- requests ---


def test_a_tunnel_is_asked_for() -> None:
    request = parse(b"CONNECT Index.Example.:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n")
    assert (request.tunnel, request.target) == (True, "index.example:443")
    assert parse(b"CONNECT [2001:DB8::1]:443 HTTP/1.1\r\n\r\n").host == "2001:db8::1"


def test_a_plain_request_is_sent_on_with_its_own_host_and_without_what_is_between_client_and_proxy() -> None:
    request = parse(
        b"GET http://Archive.Example/dists/x?a=b#c HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: Basic x\r\n"
        b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\nRange: bytes=1-\r\n\r\n"
    )
    assert head_for_origin(request) == (
        b"GET /dists/x?a=b HTTP/1.1\r\nHost: archive.example\r\nConnection: close\r\nRange: bytes=1-\r\n\r\n"
    )
    assert head_for_proxy(request, "Basic y") == (
        b"GET http://archive.example/dists/x?a=b HTTP/1.1\r\nHost: archive.example\r\nConnection: close\r\n"
        b"Range: bytes=1-\r\nProxy-Authorization: Basic y\r\n\r\n"
    )
    assert b"Proxy-Authorization" not in head_for_proxy(request, "")


def test_a_port_and_an_empty_path_are_kept() -> None:
    request = parse(b"HEAD http://archive.example:8080 HTTP/1.0\r\n\r\n")
    assert head_for_origin(request).startswith(b"HEAD / HTTP/1.1\r\nHost: archive.example:8080\r\n")
    assert parse(b"GET http://archive.example?q HTTP/1.1\r\n\r\n").path == "/?q"


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: index.example\r\n\r\n",
        b"GET https://index.example/ HTTP/1.1\r\n\r\n",
        b"GET http:///x HTTP/1.1\r\n\r\n",
        b"GET http://user:secret@index.example/ HTTP/1.1\r\n\r\n",
        b"POST http://index.example/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"B\x01D http://index.example/ HTTP/1.1\r\n\r\n",
        b"GET http://index.example/ HTTP/2\r\n\r\n",
        b"GET http://index.example/\nX:y HTTP/1.1\r\n\r\n",
        b"GET http://index.example/ HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
        b"GET http://index.example/ HTTP/1.1\r\n folded\r\n\r\n",
        b"GET http://index.example/ HTTP/1.1\r\nB c: d\r\n\r\n",
        b"GET http://index.example:99999/ HTTP/1.1\r\n\r\n",
        b"CONNECT index.example HTTP/1.1\r\n\r\n",
        b"CONNECT index.example:0 HTTP/1.1\r\n\r\n",
        b"CONNECT :443 HTTP/1.1\r\n\r\n",
        b"CONNECT index.example:443:443 HTTP/1.1\r\n\r\n",
        b"CONNECT ind\xc3\xa9x.example:443 HTTP/1.1\r\n\r\n",
    ],
)
def test_what_no_package_manager_asks_is_refused(head: bytes) -> None:
    with pytest.raises(BadRequest):
        parse(head)


@given(st.binary(max_size=200))
def test_no_head_is_more_than_refused(head: bytes) -> None:
    try:
        parse(head + b"\r\n\r\n")
    except BadRequest:
        return


def test_a_proxy_behind_is_asked_for_a_tunnel() -> None:
    request = Request(tunnel=True, host="index.example", port=443)
    assert tunnel_head(request, "") == b"CONNECT index.example:443 HTTP/1.1\r\nHost: index.example:443\r\n\r\n"
    assert b"\r\nProxy-Authorization: Basic eA==\r\n" in tunnel_head(request, "Basic eA==")
    assert b"CONNECT [2001:db8::1]:443 " in tunnel_head(Request(tunnel=True, host="2001:db8::1", port=443), "")


@pytest.mark.parametrize(
    ("head", "holds"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 200 \r\n\r\n", True),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", False),
        (b"200\r\n\r\n", False),
        (b"\r\n\r\n", False),
    ],
)
def test_only_200_opens_a_tunnel(head: bytes, holds: bool) -> None:
    assert is_established(head) is holds


# --- what is in a tunnel ---


def hello(name: str | None) -> bytes:
    """What this machine's own TLS sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    out = ssl.MemoryBIO()
    connection = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return out.read()


def test_the_name_in_a_real_hello_is_found_and_never_before_it_is_whole() -> None:
    data = hello("index.example")
    assert server_name(data) == "index.example"
    assert server_name(data + b"more") == "index.example"
    assert {server_name(data[:size]) for size in range(len(data))} == {None}


def test_a_hello_in_several_records_is_put_together() -> None:
    data = hello("index.example")
    parts = [data[5:90], data[90:]]
    records = b"".join(data[:3] + len(part).to_bytes(2, "big") + part for part in parts)
    assert server_name(records) == "index.example"


def test_a_hello_without_a_name_names_none() -> None:
    assert server_name(hello(None)) == ""
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\x13\x01" + b"\1\0"
    message = b"\1" + len(body).to_bytes(3, "big") + body
    assert server_name(b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message) == ""


def extensions(data: bytes) -> bytes:
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\x13\x01" + b"\1\0" + len(data).to_bytes(2, "big") + data
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message


def test_only_a_name_of_the_kind_host_is_a_host() -> None:
    assert server_name(extensions(b"\0\x2b\0\1\0")) == ""
    assert server_name(extensions(b"\0\0\0\6\0\4\1\0\1x")) == ""
    assert server_name(extensions(b"\0\0\0\6\0\4\0\0\1X")) == "x"


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x04\x01\0\5",
        b"\x16\x03\x01\0\0",
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\0\5\2\0\0\1\0",
        b"\x16\x03\x01\0\5\1\xff\xff\xff\0",
        b"\x16\x03\x01\0\5\1\0\0\1\0",
        extensions(b"\0\0\0\6\0\4\0\0\1\xff"),
        extensions(b"\0\0\0\6\0\4\0\0\2x"),
    ],
)
def test_what_is_no_hello_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        server_name(data)


# --- whose hosts ---


def hosts(rules: tuple[Rule, ...]) -> set[str]:
    return {rule.host for rule in rules}


def test_a_repositorys_steps_see_package_registries_and_our_own_commands_more() -> None:
    packages, system = package_rules(BuildPolicy(), {}), system_rules(BuildPolicy(), {})
    assert hosts(packages) < hosts(system)
    assert hosts(system) - hosts(packages) >= {"deb.debian.org", "github.com"}
    assert {port for rule in packages for port in rule.ports} == {443}
    assert not any(rule.private for rule in system)


def test_the_registries_that_the_operators_variables_name_may_be_private_ones() -> None:
    env = {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "UV_INDEX": "own=http://10.1.2.3:8081/simple",
        "GOPROXY": "https://go.example|direct",
        "NPM_CONFIG_REGISTRY": "https://mirror.example:8443/npm",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "SENTRY_DSN": "https://sentry.example/1",
    }
    rules = package_rules(BuildPolicy(public=False), env)
    assert rules == (
        Rule("mirror.example", (443, 8443), private=True),
        Rule("10.1.2.3", (8081,), private=True),
        Rule("go.example", (443,), private=True),
    )
    assert is_address(rules[1].host)


def test_listed_hosts_are_added_and_the_public_ones_can_be_left_out() -> None:
    policy = BuildPolicy(
        listed=("Git.Example", "nexus.example:8443", "*.corp.example", "[fd00::1]:8081", "fd00::2", "pypi.org"),
        mirrors=("http://archive.example/debian/",),
        public=False,
    )
    assert package_rules(policy, {}) == (
        Rule("git.example", (443, 80), private=True),
        Rule("nexus.example", (8443,), private=True),
        Rule("*.corp.example", (443, 80), private=True),
        Rule("fd00::1", (8081,), private=True),
        Rule("fd00::2", (443, 80), private=True),
        Rule("pypi.org", (443, 80), private=True),
    )
    assert system_rules(policy, {})[-1] == Rule("archive.example", (80,), private=True)


@pytest.mark.parametrize(
    "entry", ["https://a.example", "a.example/x", "a.example:0", "a.example:70000", "*", "1.2.3", ""]
)
def test_a_host_that_is_none_is_a_mistake_of_the_settings(entry: str) -> None:
    with pytest.raises(SetupError, match="build_hosts"):
        package_rules(BuildPolicy(listed=(entry,)), {})


@pytest.mark.parametrize("address", ["https://a_b c/", "https://:80/", "https://a.example:port/"])
def test_a_registry_address_that_names_no_host_is_said(address: str) -> None:
    with pytest.raises(SetupError, match="no host"):
        system_rules(BuildPolicy(mirrors=(address,)), {})


def test_the_operators_proxies_are_told_with_their_credential() -> None:
    proxies = ForwardProxies(
        http="proxy.example:3128", https="http://user:p%40ss@proxy.example", bypass=("*.corp.example", "localhost", "*")
    )
    assert upstream(proxies) == {
        "http": ["proxy.example", 3128, ""],
        "https": ["proxy.example", 80, "Basic dXNlcjpwQHNz"],
        "bypass": [".corp.example", "localhost", "*"],
    }
    assert upstream(ForwardProxies())["http"] is None


@pytest.mark.parametrize(
    "address", ["https://proxy.example", "socks5://proxy.example", "http://proxy.example:port", "http://"]
)
def test_a_proxy_that_cannot_be_used_is_said_without_its_address(address: str) -> None:
    with pytest.raises(SetupError, match="HTTPS_PROXY") as refusal:
        upstream(ForwardProxies(https=address))
    assert "proxy.example" not in str(refusal.value)
