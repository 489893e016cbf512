"""What lies before a translator: source and translation, passage by passage."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from starlette.datastructures import FormData

from kb.agreement import Difference
from kb.articles import LAST_VERSION, Revision, Wording
from kb.differences import Piece, difference, is_changed
from kb.fact_uses import Stated
from kb.passages import aligned, joined, passages, traced
from kb.placeholders import fill
from kb.translations import differences_between


@dataclass(frozen=True)
class Draft:
    """What the translator has typed."""

    title: str
    answer: str
    body: tuple[str, ...]
    phrasings: tuple[str, ...]
    based_on: int | None
    source_version: int | None
    is_final: bool


@dataclass(frozen=True)
class Passage:
    """One row of the page; `source` is None where the source has nothing there any more."""

    field: str
    source: str | None
    target: str
    change: tuple[Piece, ...] = ()

    @property
    def lines(self) -> int:
        """How tall its text field begins."""
        longest = max((self.source or "", self.target), key=len)
        return max(longest.count("\n") + 1, len(longest) // 60 + 1, 2)


@dataclass(frozen=True)
class Said:
    """Words as they stand on the page, to be held against the source."""

    locale: str
    title: str
    answer: str
    body: str


@dataclass(frozen=True)
class Bench:
    """Source, newest translation, and the version of the source that it was made from."""

    source: Revision
    newest: Revision | None
    made_from: Revision | None
    locale: str
    passages: tuple[Passage, ...]
    phrasings: tuple[str, ...]
    # Shared facts that the source states, and what every fact is in the translation's language.
    stated: tuple[Stated, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The article's."""
        return self.source.article.slug

    @property
    def based_on(self) -> int:
        """The version that a draft made here follows."""
        return self.newest.version if self.newest else 0

    @property
    def is_outdated(self) -> bool:
        """The source has moved on since."""
        return self.made_from is not None and self.made_from.version < self.source.version

    @property
    def changed(self) -> int:
        """How many passages of the source have changed since."""
        return sum(is_changed(passage.change) for passage in self.passages)

    def of(self, field: str) -> list[Passage]:
        """The rows of a field."""
        return [passage for passage in self.passages if passage.field == field]

    @cached_property
    def warnings(self) -> list[Difference]:
        """Facts that differ."""
        texts = {name: joined([p.target for p in self.of(name)]) for name in ("title", "answer")}
        body = joined([passage.target for passage in self.of("body")])
        words = (texts["title"], texts["answer"], body)
        said = Said(self.locale, *(fill(text, self.values).text for text in words))
        written = (name for name in ("title", "answer", "body") if getattr(said, name).strip())
        kept = set(written)
        return [d for d in differences_between(self.source, said) if d.field in kept]

    def wording(self, form: Draft) -> Wording:
        """What was typed, with everything that is not translated as it was."""
        base = (self.newest or self.source).wording
        return replace(
            base,
            title=form.title,
            answer=form.answer,
            body=joined(form.body),
            phrasings=form.phrasings,
        ).tidied()


def read_form(form: FormData) -> Draft:
    """The fields of the page; numbers that are none count as not sent."""
    lines = _text(form.get("phrasings")).splitlines()
    return Draft(
        title=" ".join(_text(form.get("title")).split()),
        answer=_text(form.get("answer")),
        body=tuple(_text(value) for value in form.getlist("body")),
        phrasings=tuple(line.strip() for line in lines if line.strip()),
        based_on=_number(form.get("based_on")),
        source_version=_number(form.get("source_version")),
        is_final=form.get("then") == "submit",
    )


def _text(value: Any) -> str:
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    digits = _text(value)
    is_whole = digits.isascii() and digits.isdigit() and len(digits) < 11
    return int(digits) if is_whole and int(digits) <= LAST_VERSION else None


def bench_of(
    source: Revision,
    newest: Revision | None,
    made_from: Revision | None,
    locale: str,
    form: Draft | None = None,
) -> Bench:
    """Lay everything out; what was typed comes before what is stored."""
    before = made_from or source
    rows = [
        Passage(name, getattr(source, name), getattr(newest, name, ""), change)
        for name in ("title", "answer")
        for change in [_change(getattr(before, name), getattr(source, name))]
    ]
    rows += _body_rows(before, source, newest, bool(made_from))
    phrasings = tuple(newest.phrasings) if newest else ()
    if form:
        rows, phrasings = _typed(rows, form), form.phrasings
    return Bench(source, newest, made_from, locale, tuple(rows), phrasings)


def _change(before: str, after: str) -> tuple[Piece, ...]:
    pieces = difference(before, after)
    return pieces if is_changed(pieces) else ()


def _body_rows(
    before: Revision, source: Revision, newest: Revision | None, is_known: bool
) -> Iterator[Passage]:
    """Old source, new source and translation in one order."""
    old, new = passages(before.body), passages(source.body)
    done = passages(newest.body) if newest else []
    partner, extra = _partners(old, done)
    yield from (Passage("body", None, done[j]) for j in extra.get(-1, []))
    for i, j in traced(old, new):
        target = done[partner[i]] if i is not None and i in partner else ""
        was, now = old[i] if i is not None else "", new[j] if j is not None else None
        change = _change(was, now or "") if is_known else ()
        if now is not None or target:
            yield Passage("body", now, target, change)
        for more in extra.get(i, []) if i is not None else []:
            yield Passage("body", None, done[more])


def _partners(
    old: Sequence[str], done: Sequence[str]
) -> tuple[dict[int, int], dict[int, list[int]]]:
    """Translations by the place of their source, and those without one by what they follow."""
    partner: dict[int, int] = {}
    extra: dict[int, list[int]] = {}
    last = -1
    for i, j in aligned(old, done):
        last = i if i is not None else last
        if i is not None and j is not None:
            partner[i] = j
        elif j is not None:
            extra.setdefault(last, []).append(j)
    return partner, extra


def _typed(rows: list[Passage], form: Draft) -> list[Passage]:
    """The same rows with what was typed; if there are more passages than rows, they follow."""
    body = list(form.body)
    made = []
    for row in rows:
        if row.field == "body":
            made.append(replace(row, target=body.pop(0) if body else ""))
        else:
            made.append(replace(row, target=getattr(form, row.field)))
    return made + [Passage("body", None, text) for text in body]
