"""How sure an answer must be in each language, and what that costs in questions left open."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from retriever.bars import Bars


def silence_report(
    bars: Bars | None, max_wrong: float | None, locales: Sequence[str]
) -> dict[str, Any]:
    """`max_wrong`, and by locale the learned bar with its coverage; None where none is learned,
    for want of phrasings, and the shipped bars hold without a guarantee.

    Before the store was ever asked there are no `bars`: nothing is `learned`, and no locale named.
    """
    learned = {} if bars is None else {locale: bars.get(locale) for locale in locales}
    return {
        "max_wrong": max_wrong,
        "learned": bars is not None,
        "locales": {
            locale: asdict(bar) | {"coverage": round(bar.coverage, 4)} if bar else None
            for locale, bar in learned.items()
        },
    }
