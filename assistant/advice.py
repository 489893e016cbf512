"""What an editor can do about an evaluation, read from its questions."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]

# As many as the sample company writes in English.
FEW_PHRASINGS = 10


def advise(report: dict[str, Any]) -> dict[str, Any]:
    """Lists of questions to act on, each by what would help, the most pressing first."""
    records, articles = report["questions"], report["articles"]
    known = [record for record in records if record["expected"]]
    return {
        "wrong": sorted(filter(_is_wrong, records), key=_least_sure_last),
        "confusions": _confusions(known),
        "phrasings": _lacking_phrasings(known, articles),
        "clarifications": sorted(filter(_would_be_clarified, known), key=_least_sure_last),
        "unanswered": _unanswered(known),
        "not_live": sorted({slug for r in known for slug in r["expected"]} - articles.keys()),
    }


def _is_wrong(record: Record) -> bool:
    return record["said"] is not None and record["said"] not in record["expected"]


def _would_be_clarified(record: Record) -> bool:
    """Wrong or silent, though asking back would have shown the right article."""
    is_near = bool(set(record["expected"]) & set(record["first_three"]))
    return is_near and not record["right"] and record["outcome"] != "clarify"


def _least_sure_last(record: Record) -> float:
    return -float(record["confidence"])


def _confusions(known: Iterable[Record]) -> list[dict[str, Any]]:
    """Pairs of articles where one came first on the other's questions."""
    pairs: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in known:
        first = record["first_three"][:1]
        if first and first[0] not in record["expected"]:
            pairs[tuple(sorted([_meant(record), *first]))].append(record)
    found = [{"articles": pair, "questions": asked} for pair, asked in sorted(pairs.items())]
    return sorted(found, key=lambda pair: -len(pair["questions"]))


def _meant(record: Record) -> str:
    """The expected article that came nearest."""
    near = [slug for slug in record["first_three"] if slug in record["expected"]]
    return str([*near, *record["expected"]][0])


def _lacking_phrasings(known: Iterable[Record], articles: dict[str, Any]) -> list[dict[str, Any]]:
    """Wordings with few phrasings whose questions are missed."""
    asked: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in known:
        slug = _meant(record)
        if slug in articles:
            # A question of no locale is taken to be in the article's first.
            asked[slug, record["locale"] or next(iter(articles[slug]["phrasings"]))].append(record)
    found = []
    for (slug, locale), records in sorted(asked.items()):
        count = articles[slug]["phrasings"].get(locale, 0)
        missed = [record for record in records if not record["right"]]
        if missed and count < FEW_PHRASINGS:
            place = {"article": slug, "locale": locale, "phrasings": count}
            found.append({**place, "asked": len(records), "questions": missed})
    return sorted(found, key=lambda f: (-len(f["questions"]), f["phrasings"], f["asked"]))


def _unanswered(known: Iterable[Record]) -> list[dict[str, Any]]:
    """Questions that were met with silence or a question back, by the article that was meant."""
    asked: dict[str, list[Record]] = defaultdict(list)
    for record in known:
        if record["said"] is None:
            asked[_meant(record)].append(record)
    found = [{"article": slug, "questions": records} for slug, records in sorted(asked.items())]
    return sorted(found, key=lambda f: -len(f["questions"]))
