"""The studio's frame: who may enter, and where everybody's day begins."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from assistant.changes import STATES
from assistant.gap_decisions import ACTIONS
from tests.conftest import ROOT
from web.studio.history import KIND_NAMES

# What writes an event takes its kind after the session.
RECORDERS = ("record", "record_about", "_record", "_keep", "_end", "take_down")


@pytest.mark.parametrize(("role", "home"), [("agent", "/desk"), ("contributor", "/studio")])
def test_everybody_begins_where_their_work_is(
    sign_in: Callable[[str], str], role: str, home: str
) -> None:
    assert sign_in(role) == home


def test_studio_asks_strangers_to_sign_in_and_brings_them_back(client: TestClient) -> None:
    response = client.get("/studio?locale=ko", follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == "/login?next=%2Fstudio%3Flocale%3Dko"


def test_studio_opens_in_the_editors_language(
    sign_in: Callable[[str], str], client: TestClient
) -> None:
    sign_in("contributor")
    page = client.get("/studio?locale=fa").text
    assert 'dir="rtl"' in page
    assert "استودیو" in page


def test_who_may_not_enter_a_room_is_told_that_it_is_their_role(
    client: TestClient, sign_in: Callable[[str], str]
) -> None:
    sign_in("contributor")
    refused = client.get("/studio/people", headers={"accept-language": "it"})
    assert refused.status_code == 403
    assert "Il tuo ruolo non lo permette" in refused.text


def test_every_kind_of_event_has_a_name_in_the_history() -> None:
    named = {f"feedback_{state}" for state in STATES} | {f"questions_{act}" for act in ACTIONS}
    written = set().union(
        *map(_kinds_in, (p for d in ("kb", "assistant", "web") for p in _files(d)))
    )
    assert len(written) > 25
    assert written | named <= KIND_NAMES.keys()


def _files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _kinds_in(path: Path) -> set[str]:
    """Words that are handed over as an event's kind, directly or by the name `kind`."""
    text = path.read_text("utf-8")
    nodes = (
        list(ast.walk(ast.parse(text))) if "kb.history" in text or "import history" in text else []
    )
    given = [arg for node in nodes if isinstance(node, ast.Call) for arg in _kind_given(node)]
    given += [
        n.value for n in nodes if isinstance(n, ast.Assign) and "kind" in map(_name, n.targets)
    ]
    parts = (part for value in given for part in ast.walk(value))
    return {c.value for c in parts if isinstance(c, ast.Constant) and isinstance(c.value, str)}


def _kind_given(call: ast.Call) -> list[ast.expr]:
    given = call.args[1:] if _name(call.func) in RECORDERS else []
    return [arg for arg in given if isinstance(arg, ast.Constant | ast.IfExp)]


def _name(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))
