"""XLIFF 2.0: a locale's articles as one file for translators, and their work back as drafts.

One `<file>` an article, one `<unit>` a passage. Markdown stays as it is typed, as plain text:
every tool shows it, and nothing is lost between its inline codes and ours.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from xml.etree.ElementTree import (
    Element,
    ParseError,
    SubElement,
    indent,
    register_namespace,
    tostring,
)

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from sqlmodel import Session

from kb.articles import LAST_VERSION, Article, Revision, Wording, find_article, latest_revision
from kb.errors import Invalid, NotAllowed
from kb.passages import aligned, joined, passages
from kb.people import Person, require
from kb.publishing import draft
from kb.settings import LOCALE_NAMES
from kb.translations import differences_between, source_of

NAMESPACE = "urn:oasis:names:tc:xliff:document:2.0"
METADATA = "urn:oasis:names:tc:xliff:metadata:2.0"
register_namespace("", NAMESPACE)
register_namespace("mda", METADATA)
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
# A locale of ten thousand articles takes about a third of it.
LARGEST = 200_000_000
# Characters that may stand in a text and not in XML 1.0.
NOT_IN_XML = re.compile("[\ufffe\uffff]")
PHRASINGS_NOTE = "One question a line, in customers' own words; need not be translated one by one."


@dataclass(frozen=True)
class Returned:
    """What became of one `<file>`: `draft`, `unchanged` or `refused`; notes say what to look at."""

    slug: str
    locale: str
    outcome: str
    version: int | None = None
    notes: tuple[str, ...] = ()


# -- out ---------------------------------------------------------------------------------


def export_xliff(session: Session, slugs: Iterable[str], locale: str) -> bytes:
    """These articles for translators into a locale, with the translations that there are.

    Raises Invalid where none of them can be translated into it.
    """
    pairs = [pair for slug in slugs if (pair := _to_translate(session, slug, locale))]
    if not pairs:
        raise Invalid(f"there is nothing to translate into {locale[:40]!r} here", "locale")
    source_locale = pairs[0][1].locale
    root = Element(f"{{{NAMESPACE}}}xliff", version="2.0", srcLang=source_locale, trgLang=locale)
    for article, source in pairs:
        # All files of a document share one source language.
        if source.locale == source_locale:
            assert article.id is not None
            _add_file(root, article.slug, source, latest_revision(session, article.id, locale))
    indent(root)
    document: bytes = tostring(root, "utf-8", xml_declaration=True)
    return document


def _to_translate(session: Session, slug: str, locale: str) -> tuple[Article, Revision] | None:
    article = find_article(session, slug)
    source = source_of(session, article) if article else None
    if article is None or source is None or locale == article.source_locale:
        return None
    return (article, source) if locale in LOCALE_NAMES else None


def _add_file(root: Element, slug: str, source: Revision, newest: Revision | None) -> None:
    file = SubElement(root, f"{{{NAMESPACE}}}file", id=slug, original=slug, canResegment="no")
    metadata = SubElement(file, f"{{{METADATA}}}metadata")
    group = SubElement(metadata, f"{{{METADATA}}}metaGroup", category="verbatim")
    SubElement(group, f"{{{METADATA}}}meta", type="source-version").text = str(source.version)
    is_current = bool(newest and newest.source_version == source.version)
    for id_, text, target, note in _units(source, newest):
        _add_unit(file, id_, text, target, note, is_current)


def _units(source: Revision, newest: Revision | None) -> Iterator[tuple[str, str, str, str]]:
    for name in ("title", "answer"):
        yield name, getattr(source, name), getattr(newest, name, ""), ""
    parts, done = passages(source.body), passages(newest.body) if newest else []
    partner = {i: done[j] for i, j in aligned(parts, done) if i is not None and j is not None}
    for place, part in enumerate(parts):
        yield f"body-{place + 1}", part, partner.get(place, ""), ""
    if source.phrasings:
        ours = "\n".join(newest.phrasings) if newest else ""
        yield "phrasings", "\n".join(source.phrasings), ours, PHRASINGS_NOTE


def _add_unit(file: Element, id_: str, text: str, target: str, note: str, is_current: bool) -> None:
    unit = SubElement(file, f"{{{NAMESPACE}}}unit", {"id": id_, SPACE: "preserve"})
    if note:
        notes = SubElement(unit, f"{{{NAMESPACE}}}notes")
        SubElement(notes, f"{{{NAMESPACE}}}note").text = note
    state = "translated" if target and is_current else "initial"
    segment = SubElement(unit, f"{{{NAMESPACE}}}segment", id="1", state=state)
    SubElement(segment, f"{{{NAMESPACE}}}source").text = NOT_IN_XML.sub("", text)
    if target:
        SubElement(segment, f"{{{NAMESPACE}}}target").text = NOT_IN_XML.sub("", target)


# -- in ----------------------------------------------------------------------------------


def import_xliff(session: Session, document: bytes, by: Person) -> list[Returned]:
    """A draft for each article in the document. Raises Invalid for what is no such document."""
    require(by, "write")
    root = _parsed(document)
    locale = root.get("trgLang", "").split("-")[0].lower()
    if locale not in LOCALE_NAMES:
        raise Invalid(f"trgLang is {root.get('trgLang', '')[:40]!r}; {_choices()}", "trgLang")
    files = root.findall(f"{{{NAMESPACE}}}file")
    if not files:
        raise Invalid("the document holds no <file>", "file")
    return [_take_back(session, file, locale, by) for file in files]


def _choices() -> str:
    return f"write one of {', '.join(LOCALE_NAMES)}"


def _parsed(document: bytes) -> Element:
    if len(document) > LARGEST:
        raise Invalid(f"the document is larger than {LARGEST // 1_000_000} MB; split it", "file")
    try:
        root: Element = fromstring(document, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Invalid("the document has a DOCTYPE or entities; remove them", "file") from error
    except (ParseError, ValueError, LookupError) as error:
        raise Invalid(f"this is not well-formed XML: {error}", "file") from error
    if root.tag != f"{{{NAMESPACE}}}xliff":
        raise Invalid("this is not XLIFF 2.0; export it as 2.0 from your tool", "file")
    return root


def _take_back(session: Session, file: Element, locale: str, by: Person) -> Returned:
    slug = (file.get("original") or file.get("id") or "")[:120]
    article = find_article(session, slug)
    source = source_of(session, article) if article else None
    if article is None or source is None:
        return Returned(slug, locale, "refused", notes=("there is no such article",))
    if locale == article.source_locale:
        return Returned(
            slug, locale, "refused", notes=(f"{locale} is its source, not a translation",)
        )
    texts = {unit.get("id", ""): _target(unit) for unit in file.iter(f"{{{NAMESPACE}}}unit")}
    lacking = [id_ for id_, text in texts.items() if not text.strip() and id_ != "phrasings"]
    lacking += [id_ for id_ in ("title", "answer") if id_ not in texts]
    if lacking:
        told = ", ".join(lacking[:8]) + (" …" if len(lacking) > 8 else "")
        return Returned(slug, locale, "refused", notes=(f"without translation: {told}",))
    try:
        return _write(session, article, source, texts, locale, _made_from(file), by)
    except (Invalid, NotAllowed) as error:
        return Returned(slug, locale, "refused", notes=(str(error),))


def _target(unit: Element) -> str:
    """All segments of a unit in a row; what a tool has marked inline counts as its text."""
    found = []
    for part in unit:
        name = part.tag.removeprefix(f"{{{NAMESPACE}}}")
        target = part.find(f"{{{NAMESPACE}}}target")
        if name == "ignorable" and target is None:
            target = part.find(f"{{{NAMESPACE}}}source")
        if name in ("segment", "ignorable") and target is not None:
            found.append("".join(target.itertext()))
    return "".join(found)


def _made_from(file: Element) -> int | None:
    for meta in file.iter(f"{{{METADATA}}}meta"):
        digits = (meta.text or "").strip()
        if meta.get("type") == "source-version" and digits.isascii() and digits.isdigit():
            return min(int(digits[:10]), LAST_VERSION)
    return None


def _write(
    session: Session,
    article: Article,
    source: Revision,
    texts: dict[str, str],
    locale: str,
    made_from: int | None,
    by: Person,
) -> Returned:
    assert article.id is not None
    newest = latest_revision(session, article.id, locale)
    wording = _wording(texts, newest, source)
    version = source.version if made_from is None else min(made_from, source.version)
    notes = _notes(source, version, made_from)
    if newest and newest.wording == wording and newest.source_version == version:
        return Returned(article.slug, locale, "unchanged", newest.version, notes)
    made = draft(session, article.slug, locale, wording, by, source_version=version)
    differing = len(differences_between(source, made))
    notes += (f"{differing} facts differ from the source",) if differing else ()
    return Returned(article.slug, locale, "draft", made.version, notes)


def _wording(texts: dict[str, str], newest: Revision | None, source: Revision) -> Wording:
    body = joined([text for id_, text in texts.items() if id_.startswith("body-")])
    lines = [line.strip() for line in texts.get("phrasings", "").splitlines() if line.strip()]
    kept = tuple(newest.phrasings) if newest else ()
    return replace(
        (newest or source).wording,
        title=" ".join(texts["title"].split()),
        answer=texts["answer"],
        body=body,
        phrasings=tuple(lines) or kept,
    ).tidied()


def _notes(source: Revision, version: int, made_from: int | None) -> tuple[str, ...]:
    if made_from is None:
        return ("the document does not say which version of the source it translates",)
    if version < source.version:
        return (f"outdated: translates version {version}, the source is at {source.version}",)
    return ()
