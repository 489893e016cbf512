"""Another help desk hears of every case: the whole story, signed, once it has said yes."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import BaseModel, ValidationError
from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.desk.cases import cancel, reopen
from assistant.ending import erase
from assistant.helpdesks import BuiltInDesk, WebhookDesk, handoff_sender, help_desk_of
from assistant.outgoing import Outgoing, deliver_due
from kb.db import now, reading, transaction
from kb.settings import Settings
from tests.assistant.talks import handed_off, resolved, talk
from tests.web.conftest import Keys
from tests.web.receiver import Receiver, receiver
from web.package_shapes import Badge
from web.packages import case_json
from web.services import Services
from web.shapes import Corrected, Notice
from web.turn_shapes import ChatReply, Corrects, Kind, Turn

SECRET = "a secret of thirty-two characters"
ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "handoff-1.schema.json").read_text())
LATER = timedelta(days=1)


def strictly(schema: Any) -> Any:
    """The same schema, taking no name that it does not describe."""
    if isinstance(schema, list):
        return [strictly(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return {name: strictly(value) for name, value in schema.items()} | closed


STRICT = Draft202012Validator(strictly(SCHEMA), format_checker=FormatChecker())


@pytest.fixture
def desk() -> Iterator[Receiver]:
    with receiver() as opened:
        yield opened


def deliver(services: Services, desk: Receiver, after: timedelta = timedelta()) -> tuple[int, int]:
    webhook = WebhookDesk(desk.url, SECRET)
    send = handoff_sender(services.engine, webhook, partial(case_json, services))
    return deliver_due(services.engine, {"handoff": send}, now() + after)


def told(desk: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _headers, body in desk.requests]


def test_every_event_of_a_case_is_told_with_its_whole_story(
    services: Services, desk: Receiver
) -> None:
    with transaction(services.engine) as session:
        conversation = talk(session, name="Ana", page_url="https://shop.example/cart")
        handed_off(session, conversation)
        cancel(session, conversation)
        resolved(session, conversation)
        reopen(session, conversation)
    assert deliver(services, desk) == (5, 0)
    cases = told(desk)
    assert [case["event"] for case in cases] == [
        "created", "cancelled", "created", "resolved", "reopened",
    ]  # fmt: skip
    for case in cases:
        STRICT.validate(case)
    assert cases[0]["customer"]["name"] == "Ana"
    assert cases[0]["answers"][0]["article"] == "delivery-costs"
    assert [turn["author"] for turn in cases[0]["transcript"]][:3] == [
        "customer", "assistant", "note",
    ]  # fmt: skip


def test_schema_knows_every_name_that_the_desk_gives(
    services: Services, client: TestClient, keys: Keys
) -> None:
    with transaction(services.engine) as session:
        conversation = talk(
            session,
            customer_id="c1",
            pages=[{"url": "https://x/", "title": "X", "at": ""}],
            searches=[{"q": "cost", "at": ""}],
            facts=[{"kind": "order", "value": "QH-1", "turn": 1}],
        )
        talk(session, customer_id="c1")
        id_ = handed_off(session, conversation).id
    given = client.get(f"/api/v1/handoffs/{id_}", headers=keys["agent"]).json()
    STRICT.validate(given)
    assert given["earlier"]
    assert given["suggestions"]


@pytest.mark.parametrize(
    ("of", "name", "known"),
    [
        ("turn", "kind", get_args(Kind)),
        ("reply", "outcome", get_args(ChatReply.model_fields["outcome"].annotation)),
        ("suggestion", "badges", get_args(Badge)),
    ],
)
def test_schema_knows_every_word_that_may_stand_there(
    of: str, name: str, known: tuple[str, ...]
) -> None:
    described = SCHEMA["$defs"][of]["properties"][name]
    assert set(described.get("items", described)["enum"]) == set(known)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("corrected", Corrected), ("corrects", Corrects), ("notice", Notice), ("turn", Turn)],
)
def test_schema_has_the_names_of_the_api(name: str, shape: type[BaseModel]) -> None:
    assert set(SCHEMA["$defs"][name]["properties"]) == set(shape.model_fields)


def test_schema_is_served_as_documented(client: TestClient) -> None:
    served = client.get("/schemas/handoff-1.json")
    assert served.json() == SCHEMA
    assert served.headers["content-type"] == "application/schema+json"
    Draft202012Validator.check_schema(SCHEMA)


def test_signature_is_checked_as_the_documentation_says(services: Services, desk: Receiver) -> None:
    with transaction(services.engine) as session:
        handed_off(session, talk(session))
    deliver(services, desk)
    headers, body = desk.requests[0]
    page = (ROOT / "docs" / "handoff.md").read_text()
    written = re.search(r"```python\n(.+?)```", page, re.S)
    assert written
    names: dict[str, Any] = {"hmac": hmac, "hashlib": hashlib, "time": time}
    exec(written[1], names)
    is_genuine = names["is_genuine"]
    assert is_genuine(SECRET, headers["Verbatim-Signature"], body)
    assert not is_genuine(SECRET, headers["Verbatim-Signature"], body + b" ")
    assert not is_genuine("another", headers["Verbatim-Signature"], body)
    assert headers["Verbatim-Event"] == "handoff.created"
    assert SECRET not in str(desk.requests)


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_was_not_taken_comes_again_as_the_same_delivery(
    services: Services, desk: Receiver, status: int
) -> None:
    with transaction(services.engine) as session:
        handed_off(session, talk(session))
    desk.status = status
    assert deliver(services, desk) == (0, 1)
    desk.status = 200
    assert deliver(services, desk) == (0, 0)
    assert deliver(services, desk, LATER) == (1, 0)
    first, second = (headers["Verbatim-Delivery"] for headers, _ in desk.requests)
    assert first == second


def test_desk_that_is_away_leaves_a_reason_without_its_address(services: Services) -> None:
    with transaction(services.engine) as session:
        handed_off(session, talk(session))
    gone = Receiver()
    gone.url = "http://127.0.0.1:9/hush"
    deliver(services, gone)
    with reading(services.engine) as session:
        error = session.exec(select(Outgoing.error)).one()
    assert "ConnectError" in error
    assert "hush" not in error


def test_deleted_case_is_told_without_a_word_of_it(services: Services, desk: Receiver) -> None:
    with transaction(services.engine) as session:
        conversation = talk(session, name="Ana")
        handed_off(session, conversation)
        erase(session, conversation)
    deliver(services, desk)
    assert [case["event"] for case in told(desk)] == ["deleted"]
    STRICT.validate(told(desk)[0])
    assert b"Ana" not in desk.requests[0][1]


def test_built_in_desk_needs_to_be_told_nothing(engine: Engine) -> None:
    def present(_session: Session, _handoff: object) -> dict[str, Any]:
        raise AssertionError

    with transaction(engine) as session:
        handed_off(session, talk(session))
    desk = help_desk_of(Settings())
    assert isinstance(desk, BuiltInDesk)
    assert deliver_due(engine, {"handoff": handoff_sender(engine, desk, present)}) == (1, 0)


def test_webhook_without_a_secret_is_refused() -> None:
    settings = Settings(webhook_url="https://desk.example.com/hush", webhook_secret=SECRET)
    assert isinstance(help_desk_of(settings), WebhookDesk)
    assert "hush" not in repr(settings) + repr(help_desk_of(settings))
    with pytest.raises(ValidationError, match="32 characters"):
        Settings(webhook_url="https://desk.example.com/hush")
    with pytest.raises(ValidationError, match="whole address"):
        Settings(webhook_url="desk.example.com", webhook_secret=SECRET)
