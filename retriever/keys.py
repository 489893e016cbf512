"""Under what a text's vector is kept: never its article, so that none can be stale."""

import hashlib


def text_key(kind: str, text: str) -> str:
    """The id of a text read as a question or as a passage."""
    return hashlib.sha256(f"{kind}\0{text}".encode()).hexdigest()[:32]
