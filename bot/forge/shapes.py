"""The fields we read of GitHub's answers. Foreign bytes become values here; unknown fields are ignored."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, RootModel


class User(BaseModel):
    login: str


class Named(BaseModel):
    """A comment, review or reaction."""

    id: int
    html_url: str = ""
    body: str | None = None
    user: User | None = None


class Reaction(BaseModel):
    id: int


class Sha(BaseModel):
    sha: str


class Ref(BaseModel):
    object: Sha


class Author(BaseModel):
    name: str = ""


class Commit(BaseModel):
    sha: str
    message: str = ""
    tree: Sha
    parents: list[Sha] = []
    author: Author | None = None


class Content(BaseModel):
    type: str
    encoding: str = ""
    content: str = ""


class Contents(RootModel[Content | list[Any]]):
    """A file, link or submodule; or the list that stands for a directory."""


class RepositoryName(BaseModel):
    full_name: str


class Branch(BaseModel):
    ref: str
    sha: str
    repo: RepositoryName | None = None


class Pull(BaseModel):
    number: int
    title: str
    html_url: str
    body: str | None = None
    draft: bool = False
    state: str
    base: Branch
    head: Branch
    user: User | None = None


class Role(BaseModel):
    permission: str


class CheckOutput(BaseModel):
    annotations_count: int = 0


class Check(BaseModel):
    id: int
    html_url: str | None = None
    external_id: str | None = None
    output: CheckOutput = CheckOutput()
