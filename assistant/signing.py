"""Ed25519 signatures (RFC 8032): the only file that knows `cryptography`.

Each server folder has a private key of its own, which never leaves it; the store keeps the public
keys of all of them for good, so that what an old or another server signed can be checked.
"""

import base64
import hashlib
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Engine
from sqlmodel import Field, Session, SQLModel, col, select

from kb.db import UtcDateTime, now, reading, transaction
from kb.errors import VerbatimError

KEY_FILE = "receipts.key"
KEY_BYTES = 32


class SigningKey(SQLModel, table=True):
    """A public key; its id is the start of its SHA-256."""

    id: str = Field(primary_key=True)
    public: str
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


@dataclass(frozen=True)
class Signer:
    """A private key in memory."""

    key_id: str
    private: Ed25519PrivateKey = field(repr=False)

    def sign(self, text: str) -> str:
        """The signature of a text, in URL-safe base 64."""
        return encoded(self.private.sign(text.encode()))


def open_signer(engine: Engine, home: Path) -> Signer:
    """The folder's key, made the first time, its public half in the store.

    Raises VerbatimError when the file cannot be read or is no key.
    """
    signer = _signer_of(_seed_in(home / KEY_FILE))
    with reading(engine) as session:
        known = session.get(SigningKey, signer.key_id)
    if known is None:
        with transaction(engine) as session:
            session.merge(SigningKey(id=signer.key_id, public=_public_of(signer)))
    return signer


def rotate(engine: Engine, home: Path) -> Signer:
    """A new key from here on; the old one signs nothing more, and what it signed stays valid."""
    before = open_signer(engine, home)
    _write(home / KEY_FILE, secrets.token_bytes(KEY_BYTES))
    with transaction(engine) as session:
        retired = session.get(SigningKey, before.key_id)
        assert retired is not None
        retired.retired_at = now()
        session.add(retired)
    return open_signer(engine, home)


def public_keys(session: Session) -> list[SigningKey]:
    """All keys that ever signed here, oldest first."""
    return list(session.exec(select(SigningKey).order_by(col(SigningKey.created_at))))


def is_signed(public: str, text: str, signature: str) -> bool:
    """Whether the owner of that public key signed exactly this text."""
    try:
        key = Ed25519PublicKey.from_public_bytes(decoded(public))
        key.verify(decoded(signature), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id_of(public: str) -> str:
    """The name of a public key, so that nobody can pass off another under it."""
    return hashlib.sha256(decoded(public)).hexdigest()[:16]


def encoded(data: bytes) -> str:
    """URL-safe base 64 without padding, as in JSON Web Keys (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes of URL-safe base 64. Raises ValueError for anything else."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _seed_in(path: Path) -> bytes:
    try:
        if not path.exists():
            _write(path, secrets.token_bytes(KEY_BYTES), only_new=True)
        seed = decoded(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise VerbatimError(f"cannot read the key in {path}; restore it or remove it") from error
    if len(seed) != KEY_BYTES:
        raise VerbatimError(f"{path} holds no key of 32 bytes; restore it or remove it")
    return seed


def _write(path: Path, seed: bytes, only_new: bool = False) -> None:
    """Whole or not at all, and readable by nobody else; of two processes the first one's stays."""
    beside = path.with_name(f"{path.name}-{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(encoded(seed) + "\n")
        file.flush()
        os.fsync(file.fileno())
    if only_new:
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    else:
        beside.replace(path)


def _signer_of(seed: bytes) -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = encoded(private.public_key().public_bytes_raw())
    return Signer(key_id_of(public), private)


def _public_of(signer: Signer) -> str:
    return encoded(signer.private.public_key().public_bytes_raw())
