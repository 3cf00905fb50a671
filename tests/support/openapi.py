"""Holds requests, answers and webhook payloads to GitHub's own OpenAPI description (see `tests/data/README.md`).

It cannot check meaning (a line inside the diff, a permission): only shapes, names and codes. `ALLOWED` lists, each with
its reason, where the description itself is known to be wrong.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

DATA = Path(__file__).resolve().parent.parent / "data" / "github-openapi.json.gz"
_BASE = "urn:github"
_OBJECTS = {"application/json", "application/scim+json"}

ALLOWED = (
    (r"^POST /repos/[^/]+/[^/]+/issues/\d+/labels: request", "PyGithub sends a bare list; the prose allows it"),
    (r"^PUT /repos/[^/]+/[^/]+/issues/\d+/labels: request", "the same"),
    (r"^GET /repos/[^/]+/[^/]+/contents/?: no such path", "PyGithub asks for the root so; GitHub answers"),
    (r"^GET /repos/[^/]+/[^/]+/contents/.+: answer 200: body: \[", "a folder: its discriminator is none of a list's"),
    (r"^GET /repos/[^/]+/[^/]+/git/matching-refs/?: no such path", "no prefix; GitHub answers"),
    (r"^GET /repos/[^/]+/[^/]+/git/refs/.+: no such path", "the former name of git/ref; GitHub answers"),
    (r"^POST /repos/.+/comments/\d+/replies: request: not for a GitHub App", "Apps do reply; the mark is questionable"),
    (r"^GET /app/installations: answer 200: \d+\.account: '\w+' is a required", "says allOf where it means anyOf"),
)


@dataclass(frozen=True, kw_only=True)
class Operation:
    pointer: str
    """JSON pointer of the operation in the description."""
    pattern: re.Pattern[str]
    value: Mapping[str, Any]


class Description:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        resource: Resource[Any] = Resource(contents=document, specification=DRAFT4)
        self._registry: Registry[Any] = Registry().with_resource(_BASE, resource)
        self._operations: dict[str, list[Operation]] = {}
        for path, operations in document["paths"].items():
            for method, value in operations.items():
                pointer = f"/paths/{_escape(path)}/{method}"
                found = Operation(pointer=pointer, pattern=self._pattern(path, value), value=value)
                self._operations.setdefault(method.upper(), []).append(found)
        for known in self._operations.values():
            known.sort(
                key=lambda one: len(one.pattern.pattern.replace("(.+)", "").replace("([^/]+)", "")), reverse=True
            )

    def _pattern(self, path: str, operation: Mapping[str, Any]) -> re.Pattern[str]:
        """GitHub marks parameters that hold slashes with `x-multi-segment`."""
        parameters = (self._deref(one) for one in operation.get("parameters", ()))
        wide = {one["name"] for one in parameters if one.get("x-multi-segment")}
        wide |= {"path", "basehead"} & set(re.findall(r"\{(\w+)\}", path))
        return re.compile(re.sub(r"\{(\w+)\}", lambda m: "(.+)" if m[1] in wide else "([^/]+)", path))

    def _deref(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in value:
            found: Any = self._document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            value = found
        return value

    def operation(self, method: str, path: str) -> Operation | None:
        return next((one for one in self._operations.get(method, ()) if one.pattern.fullmatch(path)), None)

    def check_request(
        self, method: str, path: str, query: Mapping[str, str], body: bytes, *, installation: bool = False
    ) -> list[str]:
        """What is wrong with a request; `path` is below the API's root. Empty: nothing, or nothing that counts."""
        where = f"{method} {path}: request"
        operation = self.operation(method, unquote(path))
        if operation is None:
            return _counting([f"{method} {path}: no such path"])
        found = [f"{where}: unknown query parameter {name}" for name in query if name not in self._queries(operation)]
        if installation and operation.value.get("x-github", {}).get("enabledForGitHubApps") is False:
            found.append(f"{where}: not for a GitHub App")
        content = self._deref(operation.value.get("requestBody", {})).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if body and schema is None and json.loads(body) not in ({}, None):
            found.append(f"{where}: takes no body")
        if schema is not None:
            value = json.loads(body or b"{}")
            pointer = f"{operation.pointer}/requestBody/content/application~1json/schema"
            found += [f"{where}: {problem}" for problem in self._problems(pointer, value)]
            found += [f"{where}: unknown field {name}" for name in self._unknown(schema, value)]
        return _counting(found)

    def _queries(self, operation: Operation) -> set[str]:
        parameters = (self._deref(one) for one in operation.value.get("parameters", ()))
        return {one["name"] for one in parameters if one["in"] == "query"}

    def _unknown(self, schema: Mapping[str, Any], value: Any, at: str = "") -> Iterator[str]:
        """Fields the description does not have; inside alternatives it cannot be told."""
        schema = self._deref(schema)
        properties = schema.get("properties", {})
        if isinstance(value, dict) and properties and not schema.get("additionalProperties"):
            for name, inner in value.items():
                if name in properties:
                    yield from self._unknown(properties[name], inner, f"{at}{name}.")
                else:
                    yield f"{at}{name}"
        elif isinstance(value, list) and "items" in schema:
            for inner in value:
                yield from self._unknown(schema["items"], inner, f"{at}[].")

    def check_response(self, method: str, path: str, status: int, media: str, body: bytes) -> list[str]:
        where = f"{method} {path}: answer {status}"
        operation = self.operation(method, unquote(path))
        if operation is None:
            return []
        kind = media.partition(";")[0].strip()
        responses = operation.value["responses"]
        if str(status) not in responses:
            known_error = status >= 400 and kind == "application/json" and "message" in json.loads(body)
            return [] if known_error else _counting([f"{where}: not described"])
        content = self._deref(responses[str(status)]).get("content", {})
        if not content:
            return _counting([f"{where}: takes no body"] if body and status < 400 else [])
        if kind not in _OBJECTS:
            return []
        base = f"{operation.pointer}/responses/{status}"
        if "$ref" in responses[str(status)]:
            base = responses[str(status)]["$ref"].removeprefix("#")
        pointer = f"{base}/content/application~1json/schema"
        return _counting([f"{where}: {problem}" for problem in self._problems(pointer, json.loads(body))])

    def check_webhook(self, event: str, payload: Mapping[str, Any]) -> list[str]:
        """A payload against `x-webhooks`; an event or action that is not described is itself a finding."""
        name = "-".join([event, *([str(payload["action"])] if "action" in payload else [])]).replace("_", "-")
        if name not in self._document["x-webhooks"]:
            return [f"{name}: no such webhook"]
        content = self._document["x-webhooks"][name]["post"]["requestBody"]["content"]
        pointer = f"/x-webhooks/{name}/post/requestBody/content/application~1json/schema"
        assert "application/json" in content
        return _counting([f"{name}: {problem}" for problem in self._problems(pointer, dict(payload))])

    def _problems(self, pointer: str, value: Any) -> Iterator[str]:
        validator = OAS30Validator(
            {"$ref": f"{_BASE}#{pointer}"}, registry=self._registry, format_checker=oas30_format_checker
        )
        for error in validator.iter_errors(value):
            yield from _leaves(error)


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _leaves(error: ValidationError) -> Iterator[str]:
    """The innermost complaints: of an alternative, those of the branch that came closest."""
    if error.validator in {"enum", "oneOf", "anyOf"} and error.instance is None and error.schema.get("nullable"):
        return  # the description means null too (`nullable` beside alternatives that lack it)
    if error.validator == "oneOf" and not error.context:
        return  # more than one branch fits: errors are told by two schemas that differ in nothing required
    if error.context:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        closest = min(branches.values(), key=len)
        told = [text for inner in closest for text in _leaves(inner)]
        yield from told
        return
    at = ".".join(str(part) for part in error.absolute_path)
    yield f"{at or 'body'}: {error.message[:200]}"


def _counting(problems: list[str]) -> list[str]:
    return [problem for problem in problems if not any(re.search(pattern, problem) for pattern, _ in ALLOWED)]


@functools.cache
def description() -> Description:
    with gzip.open(DATA) as file:
        return Description(json.load(file))
