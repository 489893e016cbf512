"""A follow-up as a stand-alone search, written by a language model where a company wants one.

It sees questions only, never an answer, and what it writes is looked up, never shown.
"""

from typing import Protocol


class Rewriter(Protocol):
    """Something that makes one search of a follow-up and the question before it."""

    @property
    def name(self) -> str:
        """Which model it is, for the receipt."""

    def rewrite(self, text: str, before: str) -> str | None:
        """The search; None when it cannot be had in time."""
