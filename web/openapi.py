"""How the API describes itself: every reply with its shape and an example, errors as problems."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from web import chat_examples, chat_shapes, desk_examples, desk_shapes, examples
from web.live import EventStream
from web.shapes import Problem

PARTS = "#/components/"
Responses = dict[int | str, dict[str, Any]]
Security = list[dict[str, list[str]]]
BEARER = {"type": "http", "scheme": "bearer"}
SCHEMES = {
    "key": BEARER | {"description": "`verbatim key add --role R` makes a key and prints it."},
    "conversation": BEARER | {"description": "`token` of `POST /api/v1/conversations`."},
}
# What an operation does with a key: nothing without one, or more with one.
NEEDED: Security = [{"key": []}]
ACCEPTED: Security = [{}, *NEEDED]
# A conversation's own calls carry its token; no key opens them.
TOKEN: Security = [{"conversation": []}]


def gives(
    model: type[BaseModel],
    *named: str,
    status: int = 200,
    key: Security | None = None,
    also: Responses | None = None,
) -> dict[str, Any]:
    """A route's arguments for a reply in this shape, with examples by name.

    The shape describes and checks nothing. Routes give plain dicts and say so, which FastAPI
    writes ten times faster than with `response_model=None`.
    """
    replies = {status: reply_of(model, *named)} | (also or {}) | ERRORS
    return {"status_code": status, "responses": replies} | takes(key)


def done(key: Security) -> dict[str, Any]:
    """A route's arguments for a reply that says nothing."""
    return {"status_code": 204, "responses": ERRORS} | takes(key)


def streams(events: Mapping[str, type[BaseModel]], named: str, key: Security) -> dict[str, Any]:
    """A route's arguments for server-sent events; `x-events` has the shape of each one's data."""
    content = {
        "examples": {named: {"$ref": f"{PARTS}examples/{named}"}},
        "x-events": {
            name: {"$ref": f"{PARTS}schemas/{model.__name__}"} for name, model in events.items()
        },
    }
    reply = {"description": "Events without end", "content": {EventStream.media_type: content}}
    replies = {"response_class": EventStream, "responses": {200: reply} | ERRORS}
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


SHOWN = examples.REPLIES | chat_examples.REPLIES | desk_examples.REPLIES
# Shapes that FastAPI does not see: those of errors and of events.
UNNAMED: tuple[type[BaseModel], ...] = (
    Problem,
    *chat_shapes.EVENTS.values(),
    *desk_shapes.EVENTS.values(),
)


def complete(app: FastAPI) -> None:
    """Make the description whole: the shapes alone, Problem, keys, examples that hold null."""
    described = app.openapi

    def completed() -> dict[str, Any]:
        document = described()
        for content in _contents(document):
            _keep_reference(content)
        for model in UNNAMED:
            schema = model.model_json_schema(ref_template=PARTS + "schemas/{model}")
            parts = schema.pop("$defs", {}) | {model.__name__: schema}
            document["components"]["schemas"] = parts | document["components"]["schemas"]
        document["components"]["examples"] = {
            name: {"value": example} for name, example in SHOWN.items()
        }
        document["components"]["securitySchemes"] = SCHEMES
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
