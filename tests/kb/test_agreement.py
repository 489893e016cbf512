"""A translation that says something else is pointed out; a right one is left in peace."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from kb.agreement import Difference, Text, differing_facts
from kb.articles import Wording
from kb.facts import facts_of
from kb.frontmatter import parse_file

CONTENT = Path(__file__).resolve().parent.parent.parent / "content"
TRANSLATED = ("zh", "ko", "fa", "it")
PERSIAN = "۰۱۲۳۴۵۶۷۸۹"


@cache
def wordings(locale: str) -> dict[str, Wording]:
    """The sample company's articles in a language."""
    files = sorted((CONTENT / locale).rglob("*.md"))
    return {f.stem: parse_file(f.read_text("utf-8"), f.stem, "").wording for f in files}


def differences(slug: str, locale: str, **changed: str) -> list[Difference]:
    found = []
    for field in ("title", "answer", "body"):
        source = Text(getattr(wordings("en")[slug], field), "en")
        said = changed.get(field, getattr(wordings(locale)[slug], field))
        found += differing_facts(source, Text(said, locale), field)
    return found


def compared(source: str, target: str, locale: str = "it") -> list[tuple[str, str]]:
    found = differing_facts(Text(source, "en"), Text(target, locale), "answer")
    return [(difference.verdict, difference.kind) for difference in found]


@pytest.mark.parametrize("locale", TRANSLATED)
def test_right_translations_of_the_sample_company_are_left_in_peace(locale: str) -> None:
    found = {slug: differences(slug, locale) for slug in wordings(locale)}
    assert len(found) == 53
    assert {slug: some for slug, some in found.items() if some} == {}


@pytest.mark.parametrize("locale", TRANSLATED)
def test_a_changed_digit_is_found_nearly_always(locale: str) -> None:
    """One fact of each kind in each article and field has another first digit, one at a time."""
    tried: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for slug, wording in wordings(locale).items():
        for field in ("answer", "body"):
            text = getattr(wording, field)
            for kind, wrong in _mistakes(text, locale):
                tried[kind] += 1
                missed[kind] += not differences(slug, locale, **{field: wrong})
    assert {"money", "duration", "time", "link", "number"} <= set(tried)
    assert missed["money"] + missed["duration"] + missed["time"] + missed["link"] == 0
    assert missed.total() <= 0.02 * tried.total()


def _mistakes(text: str, locale: str) -> list[tuple[str, str]]:
    by_kind = {fact.kind: fact for fact in facts_of(text, locale) if fact.kind != "yes_no"}
    wrong = []
    for kind, fact in by_kind.items():
        words = text[fact.start : fact.end]
        changed = words.replace(".md", "x.md") if kind == "link" else _other_digit(words)
        if changed != words:
            wrong.append((str(kind), text[: fact.start] + changed + text[fact.end :]))
    return wrong


def _other_digit(words: str) -> str:
    def next_digit(found: re.Match[str]) -> str:
        digits = PERSIAN if found[0] in PERSIAN else "0123456789"
        return digits[(digits.index(found[0]) + 6) % 9 + 1]

    return re.sub("[0-9۰-۹]", next_digit, words, count=1)


def test_a_wrong_price_is_shown_with_both_sentences() -> None:
    source = Text("Delivery costs €3.95. It is quick.", "en")
    (found,) = differing_facts(source, Text("La consegna costa 3,59 €. È veloce.", "it"), "answer")
    assert found.verdict == "different"
    assert found.source
    assert found.target
    assert (found.source.text, found.target.text) == ("€3.95", "3,59 €")
    assert found.target.sentence == "La consegna costa 3,59 €."


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("30 minutes", "30 ore", [("different", "duration")]),
        ("two weeks", "tre settimane", [("different", "duration")]),
        ("3 working days", "3 giorni", [("different", "duration")]),
        ("Pay €5 by card.", "Paga con la carta.", [("missing", "money")]),
        ("Pay by card.", "Paga 5 € con la carta.", [("extra", "money")]),
        ("Yes, you can.", "No, non puoi.", [("different", "yes_no")]),
        ("Pay with Trilio.", "Paga con Trillio.", [("different", "name")]),
        ("See [x](/en/articles/a).", "Vedi [x](/it/articles/b).", [("different", "link")]),
        ("14 days", "due settimane", []),
        ("2 years", "24 mesi", []),
        ("Use `SAVE 10`.", "Usa `SAVE 10`.", []),
        ("One lamp and a chair", "Una lampada e 1 sedia", []),
    ],
)
def test_what_is_told(source: str, target: str, told: list[tuple[str, str]]) -> None:
    assert compared(source, target) == told


def test_prices_that_have_changed_places_are_found() -> None:
    source = "| A | €3 |\n|---|---|\n| B | €5 |"
    assert compared(source, source.replace("€3", "5 €").replace("| €5", "| 3 €")) == [
        ("different", "money"),
        ("different", "money"),
    ]


def test_a_name_that_the_source_does_not_know_is_extra() -> None:
    assert compared("Pay with Trilio.", "使用 Klarna 付款。", "zh") == [("extra", "name")]


def test_a_sentence_told_one_paragraph_later_is_no_difference() -> None:
    source = "It costs €5 a month.\n\nYou may leave."
    assert compared(source, "È mensile.\n\nPuoi andartene; costa 5 € al mese.") == []
