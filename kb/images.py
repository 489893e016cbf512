"""Pictures of articles, kept in the store under the digest of their bytes."""

import hashlib
import re
from datetime import datetime

from sqlmodel import Field, Session, SQLModel

from kb.db import UtcDateTime, now
from kb.errors import Invalid

TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "svg": "image/svg+xml",
}
MAGIC = {
    "image/png": (b"\x89PNG",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF8",),
    "image/webp": (b"RIFF",),
}
MAX_BYTES = 10_000_000


class Image(SQLModel, table=True):
    """The bytes of one picture; two equal pictures are one row."""

    digest: str = Field(primary_key=True)
    media_type: str
    data: bytes
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


def image_address(name: str, data: bytes) -> str:
    """Where the site serves a picture; articles refer to it by this."""
    return f"/media/{digest_of(data)}/{safe_name(name)}"


def store_image(session: Session, name: str, data: bytes) -> str:
    """Keep a picture; its address. Raises Invalid for another type or too many bytes."""
    media_type = TYPES.get(safe_name(name).rsplit(".", 1)[-1].lower())
    if media_type is None or not data.startswith(MAGIC.get(media_type, (b"",))):
        raise Invalid(f"{name} is not a picture of a known type ({', '.join(sorted(TYPES))})")
    if len(data) > MAX_BYTES:
        raise Invalid(f"{name} has {len(data):,} bytes; the limit is {MAX_BYTES:,}")
    digest = digest_of(data)
    if session.get(Image, digest) is None:
        session.add(Image(digest=digest, media_type=media_type, data=data))
        session.flush()
    return image_address(name, data)


def digest_of(data: bytes) -> str:
    """The name that bytes go by."""
    return hashlib.sha256(data).hexdigest()[:16]


def safe_name(name: str) -> str:
    """The name in letters that any address can hold."""
    stem, dot, suffix = name.rpartition(".")
    kept = re.sub(r"[^\w.-]+", "-", stem, flags=re.ASCII).strip(".-")[:100] or "image"
    return kept + dot + re.sub(r"\W+", "", suffix, flags=re.ASCII)
