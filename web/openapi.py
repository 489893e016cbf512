"""How the API describes itself: every reply with its shape and an example, errors as problems."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from web import examples
from web.shapes import Problem

PARTS = "#/components/"
Responses = dict[int | str, dict[str, Any]]
Security = list[dict[str, list[str]]]
SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "`verbatim key add --role R` makes a key and prints it.",
}
# What an operation does with a key: nothing without one, or more with one.
NEEDED: Security = [{"key": []}]
ACCEPTED: Security = [{}, *NEEDED]


def gives(
    model: type[BaseModel], *named: str, status: int = 200, key: Security | None = None
) -> dict[str, Any]:
    """A route's arguments for a reply in this shape, with examples by name.

    The shape describes and checks nothing. Routes give plain dicts and say so, which FastAPI
    writes ten times faster than with `response_model=None`.
    """
    replies = {"status_code": status, "responses": {status: reply_of(model, *named)} | ERRORS}
    return replies | takes(key)


def takes(key: Security | None) -> dict[str, Any]:
    """A route's arguments for what it does with a key."""
    return {"openapi_extra": {"security": key}} if key else {}


def reply_of(model: type[BaseModel], *named: str) -> dict[str, Any]:
    """The description of a reply in this shape, with examples by name."""
    shown = {name: {"$ref": f"{PARTS}examples/{name}"} for name in named}
    return {
        "model": model,
        "description": model.__doc__,
        "content": {"application/json": {"examples": shown}},
    }


def _problem(status: int) -> dict[str, Any]:
    example = examples.PROBLEMS[status]
    content = {"schema": {"$ref": f"{PARTS}schemas/Problem"}, "example": example}
    return {
        "description": example["title"],
        "content": {"application/problem+json": content},
    }


ERRORS: Responses = {status: _problem(status) for status in examples.PROBLEMS}


def complete(app: FastAPI) -> None:
    """Make the description whole: the shapes alone, Problem, keys, examples that hold null."""
    described = app.openapi

    def completed() -> dict[str, Any]:
        document = described()
        for content in _contents(document):
            _keep_reference(content)
        problem = Problem.model_json_schema(ref_template=PARTS + "schemas/{model}")
        document["components"]["schemas"] |= problem.pop("$defs") | {"Problem": problem}
        document["components"]["examples"] = {
            name: {"value": example} for name, example in examples.REPLIES.items()
        }
        document["components"]["securitySchemes"] = {"key": SCHEME}
        return document

    app.openapi = completed  # type: ignore[method-assign]


def _contents(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        for operation in methods.values():
            for reply in operation["responses"].values():
                yield from reply.get("content", {}).values()


def _keep_reference(content: dict[str, Any]) -> None:
    # FastAPI puts the shape on top of what it makes of `dict[str, Any]`.
    if "$ref" in content["schema"]:
        content["schema"] = {"$ref": content["schema"]["$ref"]}
