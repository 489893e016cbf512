"""Where the links of a wording lead: which articles and anchors they name that are not there."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from sqlmodel import Session, select

from kb.articles import Article, Wording
from kb.images import Image
from kb.links import MEDIA_LINK, PAGE_LINK, is_whole
from kb.markdown import rewrite_links, sections
from kb.publishing import Publication, live_publications

Reason = Literal[
    "relative", "no_article", "not_live", "no_anchor", "no_picture", "no_page", "malformed"
]
# Addresses of the site that are no articles; what stands under them is not looked up.
OTHER_PAGES = ("/receipts/", "/static/", "/demo/")


@dataclass(frozen=True)
class BrokenLink:
    """A link that leads nowhere, and why."""

    field: str
    target: str
    reason: Reason


def broken_links(session: Session, wording: Wording, locale: str) -> list[BrokenLink]:
    """Internal links are looked up, others only read; nothing is asked of the network."""
    links = [(field, target) for field in ("answer", "body") for target in _targets(wording, field)]
    pages = {m[2] for _, target in links if (m := PAGE_LINK.fullmatch(target))}
    live = _live(session, pages)
    known = set(session.exec(select(Article.slug).where(Article.slug.in_(pages))))  # type: ignore[attr-defined]
    found = []
    for field, target in dict.fromkeys(links):
        reason = _reason(session, wording, target, live, known)
        if reason:
            found.append(BrokenLink(field, target, reason))
    return found


def _targets(wording: Wording, field: str) -> list[str]:
    targets: list[str] = []

    def note(target: str) -> str:
        targets.append(target)
        return target

    rewrite_links(getattr(wording, field), note)
    return targets


def _live(session: Session, slugs: set[str]) -> dict[tuple[str, str], Publication]:
    ids = [a.id for a in session.exec(select(Article).where(Article.slug.in_(slugs)))]  # type: ignore[attr-defined]
    live = live_publications(session, None, None, [i for i in ids if i is not None]) if ids else []
    return {(p.locale, p.article.slug): p for p in live}


def _reason(
    session: Session,
    wording: Wording,
    target: str,
    live: dict[tuple[str, str], Publication],
    known: set[str],
) -> Reason | None:
    if target.startswith("#"):
        return None if unquote(target[1:]) in _anchors(wording.body) else "no_anchor"
    if is_whole(target):
        return None if _is_sound(target) else "malformed"
    if not target.startswith("/"):
        return "relative"
    if media := MEDIA_LINK.fullmatch(target):
        return None if session.get(Image, media[1]) else "no_picture"
    if page := PAGE_LINK.fullmatch(target):
        return _page_reason(page[1], page[2], page[3] or "", live, known)
    return None if target.startswith(OTHER_PAGES) or target.count("/") <= 2 else "no_page"


def _page_reason(
    locale: str,
    slug: str,
    fragment: str,
    live: dict[tuple[str, str], Publication],
    known: set[str],
) -> Reason | None:
    if slug not in known:
        return "no_article"
    shown = live.get((locale, slug))
    if shown is None:
        return "not_live"
    anchors = _anchors(shown.revision.body)
    return None if not fragment[1:] or unquote(fragment[1:]) in anchors else "no_anchor"


def _anchors(body: str) -> set[str]:
    return {section.anchor for section in sections(body) if section.anchor}


def _is_sound(target: str) -> bool:
    try:
        parts = urlsplit(target)
        return parts.scheme in ("mailto", "tel") or (bool(parts.hostname) and " " not in target)
    except ValueError:
        return False
