"""A receipt that was altered, removed or slipped in shows."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from assistant.receipts import Receipt
from assistant.sealing import (
    Fault,
    Seal,
    examine,
    has_unsealed,
    hash_questions,
    head,
    question_digest,
    seal,
)
from assistant.signing import KEY_FILE, is_signed, open_signer, public_keys, rotate
from kb.db import now, transaction
from kb.errors import VerbatimError
from tests.cast import silence


def issue(engine: Engine, count: int, **more: object) -> list[str]:
    """That many receipts."""
    with transaction(engine) as session:
        made = [silence(question=f"question {n}", **more) for n in range(count)]
        session.add_all(made)
        return [receipt.id for receipt in made]


def sealed(engine: Engine, home: Path, count: int = 3) -> list[str]:
    """The ids of that many sealed receipts, in the order of the chain."""
    issue(engine, count)
    seal(engine, open_signer(engine, home))
    with Session(engine) as session:
        return list(session.exec(select(Seal.receipt_id).order_by(Seal.seq)))  # type: ignore[arg-type]


def faults(engine: Engine) -> list[Fault]:
    """What does not hold."""
    with Session(engine) as session:
        return list(examine(session))


def test_sealed_receipts_hold(engine: Engine, tmp_path: Path) -> None:
    ids = sealed(engine, tmp_path)
    assert faults(engine) == []
    with Session(engine) as session:
        assert not has_unsealed(session)
        last = head(session)
    assert last is not None
    assert (last.seq, last.receipt_id) == (3, ids[-1])


def test_sealing_again_goes_on_where_the_chain_ends(engine: Engine, tmp_path: Path) -> None:
    sealed(engine, tmp_path)
    sealed(engine, tmp_path, 2)
    assert faults(engine) == []
    with Session(engine) as session:
        assert session.exec(select(Seal.seq).order_by(Seal.seq)).all() == [1, 2, 3, 4, 5]  # type: ignore[arg-type]


TAMPER: dict[str, tuple[str, list[str]]] = {
    "a receipt is altered": ("UPDATE receipt SET outcome = 'answered' WHERE id = :id", ["changed"]),
    "its question is altered": ("UPDATE receipt SET question = 'else' WHERE id = :id", ["changed"]),
    "a receipt is removed": ("DELETE FROM receipt WHERE id = :id", ["removed"]),
    "a seal is removed": ("DELETE FROM seal WHERE receipt_id = :id", ["gap"]),
    "its statement is altered": (
        "UPDATE seal SET statement = replace(statement, 'abstained', 'answered') "
        "WHERE receipt_id = :id",
        ["broken", "changed"],
    ),
    "its signature is altered": (
        "UPDATE seal SET signature = 'AAAA' WHERE receipt_id = :id",
        ["forged"],
    ),
}


@pytest.mark.parametrize("how", TAMPER)
def test_tampering_shows(engine: Engine, tmp_path: Path, how: str) -> None:
    ids = sealed(engine, tmp_path)
    statement, kinds = TAMPER[how]
    with engine.begin() as connection:
        connection.execute(text(statement), {"id": ids[1]})
    assert [fault.kind for fault in faults(engine)] == kinds


def test_receipt_slipped_in_afterwards_has_no_seal(engine: Engine, tmp_path: Path) -> None:
    sealed(engine, tmp_path)
    [false] = issue(engine, 1, issued_at=now() - timedelta(days=2))
    seal(engine, open_signer(engine, tmp_path))
    assert faults(engine) == [Fault("unsealed", None, false)]


def test_question_is_forgotten_and_its_digest_still_proves_it(
    engine: Engine, tmp_path: Path
) -> None:
    ids = sealed(engine, tmp_path)
    assert hash_questions(engine, 0, now()) == 3
    assert faults(engine) == []
    with Session(engine) as session:
        first = session.exec(select(Seal).where(Seal.receipt_id == ids[0])).one()
        kept = session.get(Receipt, ids[0])
    assert kept is not None
    assert kept.question == ""
    digests = {question_digest(first.salt, f"question {n}") for n in range(3)}
    assert any(digest in first.statement for digest in digests)


@pytest.mark.parametrize(("days", "gone"), [(-1, 0), (365, 0), (0, 2)])
def test_questions_are_kept_for_as_long_as_is_set(
    engine: Engine, tmp_path: Path, days: int, gone: int
) -> None:
    sealed(engine, tmp_path, 2)
    assert hash_questions(engine, days, now()) == gone


def test_question_without_a_seal_is_not_forgotten(engine: Engine) -> None:
    issue(engine, 1)
    assert hash_questions(engine, 0, now()) == 0


def test_folder_has_one_key_that_nobody_else_may_read(engine: Engine, tmp_path: Path) -> None:
    first, again = open_signer(engine, tmp_path), open_signer(engine, tmp_path)
    assert first.key_id == again.key_id
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_old_key_goes_on_proving_what_it_signed(engine: Engine, tmp_path: Path) -> None:
    sealed(engine, tmp_path)
    new = rotate(engine, tmp_path)
    sealed(engine, tmp_path, 1)
    assert faults(engine) == []
    with Session(engine) as session:
        keys = public_keys(session)
    assert [key.retired_at is None for key in keys] == [False, True]
    assert keys[1].id == new.key_id


def test_signature_is_of_this_text_alone(engine: Engine, tmp_path: Path) -> None:
    signer = open_signer(engine, tmp_path)
    with Session(engine) as session:
        public = public_keys(session)[0].public
    assert is_signed(public, "said", signer.sign("said"))
    assert not is_signed(public, "unsaid", signer.sign("said"))
    assert not is_signed("no key", "said", signer.sign("said"))


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe", b"A" * 100])
def test_spoilt_key_is_one_clear_error(engine: Engine, tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(VerbatimError, match=r"receipts\.key"):
        open_signer(engine, tmp_path)
