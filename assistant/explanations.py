"""Why a reply is what it is: which texts spoke for which articles, and how strongly."""

from dataclasses import dataclass
from typing import Any

from assistant.receipts import Receipt
from retriever.search import Findings

# As many articles and letters of a text as a receipt keeps.
ARTICLES = 3
LETTERS = 200


@dataclass(frozen=True)
class Voice:
    """One text that spoke for an article: how near in meaning, with what share of the words."""

    source: str
    locale: str
    text: str
    similarity: float
    words: float


@dataclass(frozen=True)
class Candidate:
    """An article that was weighed, with its share of the belief and its loudest texts."""

    article: str
    share: float
    witnesses: tuple[Voice, ...]


@dataclass(frozen=True)
class Explanation:
    """Articles best first; how surely the first is right, and that any can be."""

    confidence: float
    in_scope: float
    matches: tuple[Candidate, ...]


def detail_of(findings: Findings) -> dict[str, Any]:
    """What a receipt keeps of the findings, in few letters."""
    return {
        "confidence": findings.confidence,
        "in_scope": findings.in_scope,
        "matches": [
            {
                "article": match.slug,
                "share": round(match.share, 4),
                "witnesses": [
                    [w.text.source, w.text.locale, w.text.text[:LETTERS], w.similarity, w.words]
                    for w in match.witnesses
                ],
            }
            for match in findings.matches[:ARTICLES]
        ],
    }


def explain(receipt: Receipt) -> Explanation:
    """What a receipt kept, readable again."""
    kept = receipt.detail
    return Explanation(
        confidence=kept.get("confidence", receipt.confidence),
        in_scope=kept.get("in_scope", 0.0),
        matches=tuple(_candidate(match) for match in kept.get("matches", ())),
    )


def _candidate(match: dict[str, Any]) -> Candidate:
    witnesses = tuple(Voice(*witness) for witness in match["witnesses"])
    return Candidate(match["article"], match["share"], witnesses)
