"""What a checkout is called elsewhere, and that `self_hosted_only` holds for it by any of its names."""

from __future__ import annotations

import pytest

from agents.wall import Wall
from bot.checkouts import Checkout, checkout, names_in
from bot.house import House
from bot.repo_config import RepoConfig
from sandbox.remotes import Remote, Remotes

SILENT = RepoConfig()


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/secret",
        "https://github.com/acme/secret.git",
        "https://github.com/acme/secret.GIT/",
        "https://token:x@github.example:8443/acme/secret.git",
        "http://github.com//acme//secret/",
        "https://github.com/%61cme/secret",
        "https://github.com/other/../acme/secret",
        "https://github.com/acme/secret?x=1#y",
        "https://github.com/acme/secret.git/info/refs",
        "https://git.example/scm/acme/secret.git",
        "https://proxy.example/https://github.com/acme/secret",
        "ssh://git@github.com:22/acme/secret.git",
        "git+ssh://git@github.com/acme/secret",
        "git://github.com/acme/secret",
        "git@github.com:acme/secret.git",
        "git@github.com:/acme/secret",
        "hub:acme/secret",
        "[git.example:22]:acme/secret",
        "/srv/git/acme/secret.git",
        "../acme/secret",
        "file:///srv/acme/secret",
        "FILE:///srv/acme/secret/",
        "ext::ssh box git-upload-pack /acme/secret",
    ],
)
def test_every_form_of_an_address_gives_the_name(address: str) -> None:
    assert "acme/secret" in names_in(address)


@pytest.mark.parametrize("address", ["", "box:secret.git", "https://git.example/", "https://git.example/secret", "/x"])
def test_an_address_that_is_no_path_of_two_gives_none(address: str) -> None:
    assert names_in(address) == ()


def test_the_end_of_an_address_is_its_first_name_and_directories_of_a_person_are_none() -> None:
    assert names_in("https://git.example/scm/acme/secret") == ("acme/secret", "scm/acme")
    assert names_in("/srv/acme/work/secret") == ("work/secret",)


def known(*pairs: tuple[str, str], unread: str = "") -> Checkout:
    found = tuple(Remote(name=name, address=address) for name, address in pairs)
    return checkout("/srv/me/clone", Remotes(known=found, unread=unread))


def test_rules_look_at_what_origin_is_called_else_the_first_remote_else_the_directory() -> None:
    up, own = ("upstream", "git@github.com:acme/secret"), ("origin", "https://github.com/me/fork")
    assert known(up, own).name == "me/fork"
    assert known(up).name == "acme/secret"
    assert known().name == "/srv/me/clone"


# --- the wall ----------------------------------------------------------------------------------------------------

HOUSE = House(repositories=("other/*", "Acme/*"), hosts=("llm.acme.example",))


def around(*pairs: tuple[str, str], unread: str = "", config: RepoConfig = SILENT, house: House = HOUSE) -> Wall:
    return house.around(known(*pairs, unread=unread), config)


def test_any_remote_of_a_listed_name_puts_the_wall_there_and_says_which() -> None:
    wall = around(("origin", "https://github.com/me/fork"), ("upstream", "git@github.com:ACME/secret.git"))
    assert (wall.self_hosted_only, wall.listed) == (True, ("llm.acme.example",))
    assert wall.because == "models.self_hosted_only lists Acme/*, and the remote upstream is ACME/secret"


def test_other_names_and_no_remote_leave_it_open() -> None:
    assert around(("origin", "https://github.com/me/fork")) == Wall(listed=HOUSE.hosts)
    assert around() == Wall(listed=HOUSE.hosts)


def test_remotes_are_never_a_way_out() -> None:
    """Whatever a checkout's configuration names besides, it is no freer than without."""
    house = House(repositories=("/srv/me/*", "acme/*"))
    assert around(("origin", "https://github.com/free/one"), house=house).self_hosted_only
    assert around(("origin", "hub:free/one"), ("o", "hub:acme/x"), house=house).self_hosted_only
    own = RepoConfig(self_hosted_only=True)
    assert around(("origin", "hub:free/one"), config=own).because == "its own file says self_hosted_only"


def test_what_cannot_be_read_is_taken_for_listed_where_anything_is() -> None:
    wall = around(unread="git config: bad line 3")
    assert wall.self_hosted_only
    assert wall.because == "whether models.self_hosted_only lists it cannot be told: git config: bad line 3"
    assert not around(unread="git config: bad line 3", house=House()).self_hosted_only


@pytest.mark.parametrize("address", ["box:secret.git", "ext::sh -c x/y z/w"])
def test_an_address_without_a_name_is_one_that_cannot_be_read(address: str) -> None:
    wall = around(("or\x1b[2Jigin", address))
    assert "the address of its remote or\\x1b[2Jigin names no OWNER/NAME" in wall.because


def test_a_listed_name_is_told_before_what_could_not_be_read() -> None:
    assert "lists Acme/*" in around(("origin", "hub:acme/x"), unread="more").because
    found = checkout("t", Remotes(known=(Remote(name="a", address="x"),), unread="first"))
    assert (found.unread, found.names) == ("first", ())
