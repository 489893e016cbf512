"""Receipts that cannot be altered or removed unseen: each is signed over all that came before.

    statement   what a receipt says, as JSON; of the question only a salted digest
    chain       SHA-256 of the chain before it, a line feed and the statement
    signature   Ed25519, over the chain

A hash chain after Haber and Stornetta (1991). Receipts are sealed within seconds, in the order in
which they were issued, by whichever process comes first. Who keeps a head, which anybody may
ask for, can tell that later ones go on from it.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Field, Session, SQLModel, col, select, update

from assistant.receipts import Receipt
from assistant.signing import Signer, is_signed, public_keys
from kb.db import UtcDateTime, now, reading, transaction, written_once

START = "0" * 64
BATCH = 500
# A reply is committed within seconds; what turns up later was put there.
LATE = timedelta(minutes=10)


@written_once
class Seal(SQLModel, table=True):
    """A Receipt's place in the chain."""

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    receipt_id: str = Field(unique=True, index=True)
    statement: str
    salt: str
    chain: str
    key_id: str = Field(foreign_key="signingkey.id")
    signature: str
    sealed_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


@dataclass(frozen=True)
class Fault:
    """What does not hold: `gap`, `broken`, `forged`, `changed`, `removed` or `unsealed`."""

    kind: str
    seq: int | None
    receipt_id: str


def statement_of(receipt: Receipt, salt: str) -> str:
    """What a receipt says, always in the same bytes."""
    said = {
        "receipt": receipt.id,
        "issued_at": receipt.issued_at.isoformat().replace("+00:00", "Z"),
        "epoch": receipt.epoch,
        "channel": receipt.channel,
        "audience": receipt.audience,
        "question_sha256": question_digest(salt, receipt.question),
        "locale": receipt.locale,
        "outcome": receipt.outcome,
        "confidence": f"{receipt.confidence:.6f}",
        "article": receipt.article,
        "version": receipt.version,
        "answer_locale": receipt.answer_locale,
        "answer_sha256": receipt.answer_sha256,
    }
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def question_digest(salt: str, question: str) -> str:
    """SHA-256 of a question, salted so that nobody can try out likely ones without the salt."""
    return hashlib.sha256(f"{salt}\n{question}".encode(errors="replace")).hexdigest()


def linked(previous: str, statement: str) -> str:
    """The chain after a statement."""
    return hashlib.sha256(f"{previous}\n{statement}".encode(errors="replace")).hexdigest()


# -- sealing -----------------------------------------------------------------------


def has_unsealed(session: Session) -> bool:
    """Whether there is something to seal; one cheap look."""
    return session.exec(_unsealed(session).limit(1)).first() is not None


def seal(engine: Engine, signer: Signer) -> int:
    """Seal what has been issued since; how many receipts that was."""
    count = 0
    while True:
        with transaction(engine) as session:
            receipts = session.exec(_unsealed(session).limit(BATCH)).all()
            _append(session, signer, receipts)
        count += len(receipts)
        if len(receipts) < BATCH:
            return count


def _unsealed(session: Session) -> Any:
    query = select(Receipt).outerjoin(Seal, col(Seal.receipt_id) == col(Receipt.id))
    query = query.where(col(Seal.seq).is_(None))
    last = head(session)
    if last:
        issued = datetime.fromisoformat(json.loads(last.statement)["issued_at"])
        query = query.where(col(Receipt.issued_at) > issued - LATE)
    return query.order_by(col(Receipt.issued_at), col(Receipt.id))


def _append(session: Session, signer: Signer, receipts: Iterable[Receipt]) -> None:
    last = head(session)
    seq, chain = (last.seq, last.chain) if last else (0, START)
    for receipt in receipts:
        salt = secrets.token_hex(16)
        statement = statement_of(receipt, salt)
        seq, chain = seq + 1, linked(chain, statement)
        session.add(
            Seal(
                seq=seq,
                receipt_id=receipt.id,
                statement=statement,
                salt=salt,
                chain=chain,
                key_id=signer.key_id,
                signature=signer.sign(chain),
            )
        )
    session.flush()


def head(session: Session) -> Seal | None:
    """The newest seal."""
    return session.exec(select(Seal).order_by(col(Seal.seq).desc()).limit(1)).first()


def seal_of(session: Session, receipt: Receipt) -> Seal | None:
    """A receipt's seal, None for the seconds before it has one."""
    return session.exec(select(Seal).where(Seal.receipt_id == receipt.id)).first()


def chain_before(session: Session, sealed: Seal) -> str:
    """What a seal's statement was linked to."""
    before = session.get(Seal, sealed.seq - 1)
    return before.chain if before else START


# -- forgetting questions ----------------------------------------------------------


def hash_questions(engine: Engine, days: int, at: datetime) -> int:
    """Leave of sealed questions older than so many days only their digest; how many that was."""
    if days < 0:
        return 0
    sealed = select(Seal.seq).where(col(Seal.receipt_id) == col(Receipt.id))
    old = (
        col(Receipt.question) != "",
        col(Receipt.issued_at) <= at - timedelta(days=days),
        sealed.exists(),
    )
    with reading(engine) as session:
        if session.exec(select(Receipt.id).where(*old).limit(1)).first() is None:
            return 0
    with transaction(engine) as session:
        done = session.execute(update(Receipt).where(*old).values(question=""))
        return int(done.rowcount)  # type: ignore[attr-defined]


# -- examining ---------------------------------------------------------------------


def examine(session: Session) -> Iterator[Fault]:
    """Everything in the store that does not hold, in the order of the chain."""
    keys = {key.id: key.public for key in public_keys(session)}
    seq, chain = 0, START
    for sealed in _seals(session):
        if sealed.seq != seq + 1:
            yield Fault("gap", seq + 1, "")
        elif sealed.chain != linked(chain, sealed.statement):
            yield Fault("broken", sealed.seq, sealed.receipt_id)
        elif not is_signed(keys.get(sealed.key_id, ""), sealed.chain, sealed.signature):
            yield Fault("forged", sealed.seq, sealed.receipt_id)
        seq, chain = sealed.seq, sealed.chain
        kind = _differs(session.get(Receipt, sealed.receipt_id), sealed)
        if kind:
            yield Fault(kind, sealed.seq, sealed.receipt_id)
    yield from (Fault("unsealed", None, id_) for id_ in _late(session))


def _seals(session: Session) -> Iterator[Seal]:
    after = 0
    while True:
        page = session.exec(
            select(Seal).where(Seal.seq > after).order_by(col(Seal.seq)).limit(BATCH)
        ).all()
        # In one go, so that each is then found in memory.
        ids = [sealed.receipt_id for sealed in page]
        kept = session.exec(select(Receipt).where(col(Receipt.id).in_(ids))).all()
        yield from page
        if len(page) < BATCH:
            return
        after = page[-1].seq
        del kept


def _differs(receipt: Receipt | None, sealed: Seal) -> str | None:
    if receipt is None:
        return "removed"
    said, now_says = json.loads(sealed.statement), json.loads(statement_of(receipt, sealed.salt))
    if not receipt.question:
        # Only its digest is kept.
        now_says["question_sha256"] = said["question_sha256"]
    return None if said == now_says else "changed"


def _late(session: Session) -> list[str]:
    query = select(Receipt.id).outerjoin(Seal, col(Seal.receipt_id) == col(Receipt.id))
    return list(
        session.exec(
            query.where(col(Seal.seq).is_(None), col(Receipt.issued_at) < now() - LATE)
        ).all()
    )
