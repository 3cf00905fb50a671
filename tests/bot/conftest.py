"""Databases for the store's tests: a SQLite file, and a PostgreSQL of the distribution."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store import Store
from tests.support import postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A running server. Without its binaries the tests fail; REDGREEN_TEST_POSTGRES=0 skips them."""
    if os.environ.get("REDGREEN_TEST_POSTGRES") == "0":
        pytest.skip("REDGREEN_TEST_POSTGRES=0")
    binaries = postgres.server_binaries()
    if binaries is None:
        pytest.fail("No PostgreSQL server here: apt-get install postgresql, or set REDGREEN_TEST_POSTGRES=0 to skip.")
    with postgres.running(binaries) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/redgreen.db"
        return
    server = request.getfixturevalue("postgres_url")
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(
        sa.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield sa.make_url(server).set(database=name).render_as_string()
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def store(database_url: str, clock: Time) -> Iterator[Store]:
    opened = Store.open(database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path, clock: Time) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/redgreen.db", clock=clock)
    yield opened
    opened.close()
