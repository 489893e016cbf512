"""The part of an article's body that speaks loudest for it, as it was approved."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retriever.embeddings import Vectors
from retriever.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Passage:
    """Plain words from the body of one Revision; no heading and no anchor before its first one."""

    revision_id: int
    heading: str
    anchor: str
    text: str


def loudest_passage(shelf: Shelf, rows: range, loudness: Vectors) -> Passage | None:
    """The passage of an article's `rows`; None when a title, phrasing or answer is louder.

    `loudness` (rows,) says how strongly each text speaks. A heading stands for the loudest
    passage below it, and for itself where there is none.
    """
    best = rows[int(np.argmax(loudness))]
    if not shelf.texts[best].is_in_body:
        return None
    section = _section(shelf, rows, best)
    if shelf.texts[best].is_question:
        below = [row for row in section if not shelf.texts[row].is_question]
        best = max(below, key=lambda row: float(loudness[row - rows.start]), default=best)
    text = shelf.texts[best]
    return Passage(
        shelf.documents[best].revision_id, _heading(shelf, section), text.anchor, text.text
    )


def _section(shelf: Shelf, rows: range, best: int) -> list[int]:
    """The rows of the same wording that stand under the same heading, it among them."""
    revision_id, anchor = shelf.documents[best].revision_id, shelf.texts[best].anchor
    return [
        row
        for row in rows
        if shelf.texts[row].anchor == anchor
        and shelf.texts[row].is_in_body
        and shelf.documents[row].revision_id == revision_id
    ]


def _heading(shelf: Shelf, section: Sequence[int]) -> str:
    return next((shelf.texts[row].text for row in section if shelf.texts[row].is_question), "")
