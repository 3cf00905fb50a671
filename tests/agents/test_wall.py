"""Self-hosted only: the judgement of a host, and the connections that a real client makes or does not make."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx2
import pytest

from agents.errors import ModelRefused
from agents.models import build
from agents.models.exchange import Exchange
from agents.models.tokens import TokenCounter, discover
from agents.models.transport import HostRefused, Timeouts, http_client
from agents.probe.asking import probe
from agents.probe.record import Found
from agents.terms import Terms
from agents.types import Message, Role, Text
from agents.wall import OPEN, Wall
from config.models import ModelSpec, TokenizerRoute, default_lineup, load
from tests.support.endpoints import PATIENT
from tests.support.model_server import Answer, model_server, openai_message

WALL = Wall(self_hosted_only=True)
WALLED = Terms(wall=WALL)
ASKED = [Message(role=Role.USER, parts=(Text(text="the repository's source"),))]


class Listener:
    """Counts the connections that it gets, and answers none."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()
    try:
        yield listener
    finally:
        listener.socket.close()


@pytest.fixture
def outside() -> Iterator[Listener]:
    """Stands for the world: nothing walled may reach it."""
    with listening() as listener:
        yield listener
        assert listener.connections == 0


def row(endpoint: str, extra: str = "self_hosted = true", adapter: str = "openai") -> ModelSpec:
    text = (
        f"[models.m]\nadapter = '{adapter}'\nendpoint = '{endpoint}'\nmodel_id = 'x'\nwindow = 8000\noutput_limit = 100"
    )
    return load(f"{text}\n{extra}").get("m")


# --- the judgement -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.9.10", "::1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd12::1",
     "::ffff:10.0.0.1", "fd00::1%eth0"],
)  # fmt: skip
def test_private_and_loopback_addresses_are_of_the_house(address: str) -> None:
    assert WALL.admitted("model.house", [address]) == (address,)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "2002:808:808::1", "2002:a00:1::1",
     "64:ff9b::808:808", "169.254.169.254", "fe80::1", "100.64.0.1", "0.0.0.0", "::", "224.0.0.1",
     "255.255.255.255", "192.0.2.1", "not-an-address"],
)  # fmt: skip
def test_every_other_address_is_outside(address: str) -> None:
    assert WALL.admitted("model.house", [address]) == ()


def test_a_name_that_is_in_the_house_and_elsewhere_is_not_trusted() -> None:
    assert WALL.admitted("model.house", ["10.0.0.1", "8.8.8.8"]) == ()
    assert WALL.admitted("model.house", ["10.0.0.1", "10.0.0.2"]) == ("10.0.0.1", "10.0.0.2")
    assert WALL.admitted("model.house", []) == ()


def test_the_operator_can_list_names_and_networks() -> None:
    wall = Wall(self_hosted_only=True, listed=("LLM.example.com", "100.64.0.0/10", "2001:db8::/32", "198.51.100.7"))
    assert wall.admitted("llm.example.com.", ["8.8.8.8"]) == ("8.8.8.8",)
    assert wall.admitted("x.llm.example.com", ["8.8.8.8"]) == ()
    assert wall.admitted("any", ["100.64.3.4"]) == ("100.64.3.4",)
    assert wall.admitted("any", ["2001:db8::9"]) == ("2001:db8::9",)
    assert wall.admitted("any", ["198.51.100.7"]) == ("198.51.100.7",)
    assert wall.admitted("any", ["198.51.100.8"]) == ()


def test_a_row_that_is_not_called_self_hosted_is_refused_unasked() -> None:
    lineup = default_lineup()
    assert "only self-hosted" in WALL.refuses(lineup.get("claude-opus"))
    assert WALL.refuses(lineup.get("qwen2_5-coder")) == ""
    assert WALL.refuses(lineup.get("repair")) == ""
    assert OPEN.refuses(lineup.get("claude-opus")) == ""


# --- the connections ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_model_of_the_house_is_reached_by_address_and_by_name(host: str) -> None:
    with model_server(openai_message(text="here")) as server:
        endpoint = server.openai_url.replace("127.0.0.1", host)
        model = build(row(endpoint), None, WALLED)
        assert model is not None
        assert model.query(ASKED, (), max_output_tokens=50).message.text == "here"
        assert server.requests[0].headers["host"] == endpoint.split("/")[2]
        assert server.violations == []


def test_a_row_that_is_called_self_hosted_and_is_not_is_refused_before_a_connection() -> None:
    for endpoint in (
        "http://8.8.8.8:9/v1", "http://134744072:9/v1", "http://0x08080808:9/v1", "http://[::ffff:8.8.8.8]:9/v1",
        "http://169.254.169.254/v1", "http://0.0.0.0:9/v1",
    ):  # fmt: skip
        model = build(row(endpoint), None, WALLED)
        assert model is not None
        with pytest.raises(ModelRefused, match="is not known as self-hosted") as refused:
            model.query(ASKED, (), max_output_tokens=50)
        assert refused.value.unpaid


@pytest.mark.parametrize("adapter", ["openai", "anthropic"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_sees_nothing(
    variable: str, adapter: str, outside: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, outside.url)
    with model_server(Answer(status=418)) as server:
        endpoint = server.openai_url if adapter == "openai" else server.url
        model = build(row(endpoint, adapter=adapter), None, WALLED)
        assert model is not None
        with pytest.raises(ModelRefused):
            model.query(ASKED, (), max_output_tokens=50)
        assert len(server.requests) == 1


@pytest.mark.parametrize("adapter", ["openai", "anthropic"])
def test_an_address_of_the_environment_is_not_asked(
    adapter: str, outside: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL"):
        monkeypatch.setenv(variable, outside.url)
    with model_server(Answer(status=418)) as server:
        endpoint = server.openai_url if adapter == "openai" else server.url
        model = build(row(endpoint, adapter=adapter), None, WALLED)
        assert model is not None
        with pytest.raises(ModelRefused):
            model.query(ASKED, (), max_output_tokens=50)
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("walled", [True, False])
def test_a_redirect_is_not_followed_behind_a_wall_or_without_one(status: int, walled: bool, outside: Listener) -> None:
    elsewhere = Answer(status=status, headers={"Location": f"{outside.url}/v1/chat/completions"})
    with model_server(elsewhere) as server:
        model = build(row(server.openai_url), None, WALLED if walled else Terms())
        assert model is not None
        with pytest.raises(ModelRefused, match="redirects elsewhere"):
            model.query(ASKED, (), max_output_tokens=50)
        assert len(server.requests) == 1


@pytest.mark.parametrize("wall", [WALL, OPEN], ids=["walled", "open"])
def test_a_client_goes_to_its_endpoints_origin_only(wall: Wall, outside: Listener) -> None:
    with model_server() as server:
        client = http_client(server.openai_url, wall, PATIENT)
        for url in (
            outside.url, f"http://127.0.0.1:{server.url.rpartition(':')[2]}@127.0.0.1:{outside.port}/",
            f"http://localhost:{outside.port}/", f"https://127.0.0.1:{outside.port}/",
        ):  # fmt: skip
            with pytest.raises(HostRefused, match="not the model's endpoint"):
                client.get(url)
        assert server.requests == []
        client.close()


def test_a_name_is_judged_by_where_it_leads_at_that_moment(outside: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name whose owner points it elsewhere between two lookups: the second lookup is never made."""
    answers = iter([[("127.0.0.1")], ["8.8.8.8"]])
    real = socket.getaddrinfo
    looked_up: list[str] = []

    def lookup(host: str, *arguments: object, **options: object) -> Sequence[object]:
        if host != "model.house":
            return real(host, *arguments, **options)  # type: ignore[arg-type]
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with model_server(openai_message(text="here")) as server:
        model = build(row(server.openai_url.replace("127.0.0.1", "model.house")), None, WALLED)
        assert model is not None
        assert model.query(ASKED, (), max_output_tokens=50).message.text == "here"
        assert looked_up == ["model.house"]
        with pytest.raises(ModelRefused, match=r"model\.house is not known as self-hosted"):
            model.query(ASKED, (), max_output_tokens=50)
        assert len(server.requests) == 1


def test_tokenizers_and_gaps_are_behind_the_same_wall() -> None:
    spec = row("http://8.8.8.8:9/v1", "self_hosted = true\ntokenizer = 'vllm'")
    exchange = Exchange(spec, None, wall=WALL, timeouts=PATIENT)
    assert discover(exchange, "x") is TokenizerRoute.NONE
    assert TokenCounter(spec, exchange).count("the source") > 0  # by the estimate
    with pytest.raises(ModelRefused, match="is not known as self-hosted"):
        exchange.root("/infill", {"input_prefix": "the source"})


def test_a_probe_is_behind_it_too() -> None:
    found = probe(row("http://8.8.8.8:9/v1"), None, WALLED, timeouts=PATIENT)
    assert found.reachable is Found.NO
    assert "is not known as self-hosted" in found.problems[0]


def test_without_a_wall_the_companys_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        client = http_client("http://model.example:9/v1", OPEN, Timeouts(connect=2, silence=2, whole=2))
        with pytest.raises(httpx2.TransportError):
            client.get("http://model.example:9/v1/models")
        assert proxy.connections == 1
        client.close()
