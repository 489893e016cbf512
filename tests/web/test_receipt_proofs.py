"""Proofs as an outsider checks them: from the API's JSON, with the public keys, offline."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from assistant.proofs import keys_in, verify_lines
from kb.errors import Invalid
from tests.web.conftest import run

Json = dict[str, Any]


@pytest.fixture(scope="module")
def receipt(reader: TestClient) -> Json:
    """The receipt of an answer, as the API gives it."""
    asked = reader.post("/api/v1/ask", json={"question": "i forgot my password"}).json()
    found: Json = reader.get(f"/api/v1/receipts/{asked['receipt']['id']}").json()
    return found


@pytest.fixture(scope="module")
def keys(reader: TestClient) -> dict[str, str]:
    """The public keys."""
    return keys_in(reader.get("/api/v1/keys").json())


def test_receipt_proves_itself(receipt: Json, keys: dict[str, str]) -> None:
    verdict = verify_lines([json.dumps(receipt)], keys)
    assert verdict.holds
    assert verdict.receipts == 1


def altered(path: str, value: object) -> Callable[[Json], None]:
    """Changes one value deep inside."""

    def change(data: Json) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            data = data[parent]
        data[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("answer.text", "We never said that.", "words are not those"),
        ("answer.version", 7, "its version"),
        ("outcome", "abstained", "its outcome"),
        ("issued_at", "2020-01-01T00:00:00Z", "its issued_at"),
        ("question", "something else", "its question"),
        ("proof.signature", "AAAA", "its signature"),
        ("proof.previous", "0" * 63 + "1", "statement was altered"),
        ("proof.key", "0123456789abcdef", "unknown key"),
        ("proof", None, "no proof yet"),
        ("proof", {}, "cannot be read"),
    ],
)
def test_altered_receipt_does_not_hold(
    receipt: Json, keys: dict[str, str], path: str, value: object, fault: str
) -> None:
    forged = json.loads(json.dumps(receipt))
    altered(path, value)(forged)
    verdict = verify_lines([json.dumps(forged)], keys)
    assert not verdict.holds
    assert any(fault in found for found in verdict.faults)


def test_head_of_the_chain_is_public(reader: TestClient, receipt: Json) -> None:
    head = reader.get("/api/v1/receipts/head").json()
    assert head["seq"] >= receipt["proof"]["seq"]
    assert len(head["chain"]) == 64


def test_false_name_of_a_key_is_refused(reader: TestClient) -> None:
    listed = reader.get("/api/v1/keys").json()
    listed["keys"][0]["kid"] = "0123456789abcdef"
    with pytest.raises(Invalid, match="not the start"):
        keys_in(listed)


# -- from one command to another ---------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three receipts of a small store, exported."""
    home = tmp_path_factory.mktemp("proofs")
    for _ in range(3):
        run(home, "ask", "hello there, do you sell tents")
    done = run(home, "receipts", "export", str(home / "receipts.jsonl"))
    assert done.stdout.startswith("3 receipts in ")
    return home / "receipts.jsonl"


def test_export_is_verified_by_the_command(exported: Path) -> None:
    done = run(exported.parent, "verify", str(exported))
    assert (done.returncode, done.stdout) == (0, "3 receipts: all hold\n")
    checked = run(exported.parent, "receipts", "check")
    assert (checked.returncode, checked.stdout) == (0, "3 receipts: all hold\n")


@pytest.mark.parametrize(("line", "told"), [(2, "is missing"), (-1, "without its head")])
def test_line_that_was_taken_out_shows(exported: Path, line: int, told: str) -> None:
    lines = exported.read_text("utf-8").splitlines()
    del lines[line]
    verdict = verify_lines(lines)
    assert not verdict.holds
    assert any(told in fault for fault in verdict.faults)


@pytest.mark.parametrize(
    ("content", "told"),
    [("no json", "line 1 is no JSON"), ("[]", "no receipt"), ('{"id": "x"}', "brings no keys"),
     ('{"format": "other/9"}', "reads verbatim-receipts/1"),
     ('{"format": "verbatim-receipts/1"}', "no list of keys")],
)  # fmt: skip
def test_other_files_are_one_clear_line(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "file").write_text(content)
    done = run(tmp_path, "verify", str(tmp_path / "file"))
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
