"""Replies, articles and receipts as the plain dicts that become JSON; `shapes` describes them."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlmodel import Session

from assistant.answering import (
    LABELS,
    Abstained,
    Answered,
    Clarification,
    Outcome,
    Reply,
    Words,
)
from assistant.explanations import explain
from assistant.past import Past
from assistant.recall import Corrected, Corrections
from assistant.receipts import Receipt
from assistant.sealing import START, Seal, chain_before, seal_of
from assistant.signing import SigningKey
from kb.articles import Revision
from kb.audiences import visible_to
from kb.db import now
from kb.markdown import render
from kb.notices import Notice, Shown, Subject, current, in_words
from kb.publishing import Publication, live_publication
from kb.translations import is_outdated
from web.services import Services


def reply_json(services: Services, session: Session, reply: Reply) -> dict[str, Any]:
    """A Reply in the shape of the contract."""
    notices = current(session, visible_to(reply.receipt.audience))
    subjects = subjects_of(reply.outcome)
    return outcome_json(services, reply.question.locale, reply.outcome) | {
        "confidence": reply.confidence,
        "notice": gravest(services, notices, reply.question.locale, subjects),
        "receipt": {
            "id": reply.receipt.id,
            "epoch": reply.receipt.epoch,
            "issued_at": iso(reply.receipt.issued_at),
        },
    }


def subjects_of(outcome: Outcome) -> list[Subject]:
    """What a reply is about: the article that answers, or those that may."""
    if isinstance(outcome, Answered):
        return [subject_of(outcome.words.revision, outcome.words.slug)]
    if isinstance(outcome, Clarification):
        return [subject_of(words.revision, words.slug) for words in outcome.options]
    return []


def subject_of(revision: Revision, slug: str) -> Subject:
    """An article, as notices know it."""
    return Subject(revision.category, slug)


def gravest(
    services: Services, notices: list[Notice], locale: str, subjects: Iterable[Subject] = ()
) -> dict[str, Any] | None:
    """The first of the notices that concern it, if any does."""
    shown = in_words(notices, locale, services.settings.fallback_locale, subjects)
    return notice_json(services, shown[0]) if shown else None


def notice_json(services: Services, shown: Shown) -> dict[str, Any]:
    """An announcement in the words that a reader sees."""
    return {
        "id": shown.notice.id,
        "text": shown.text,
        "html": render(shown.text, services.settings.base_url),
        "severity": shown.notice.severity,
        "locale": shown.locale,
        "starts_at": iso(shown.notice.starts_at),
        "ends_at": iso(shown.notice.ends_at),
    }


def outcome_json(services: Services, locale: str, outcome: Outcome) -> dict[str, Any]:
    """What is said, without a receipt."""
    options = outcome.options if isinstance(outcome, Clarification) else ()
    related = () if isinstance(outcome, Clarification) else outcome.related
    return {
        "outcome": LABELS[type(outcome)],
        "locale": locale,
        "answer": _given_json(services, outcome) if isinstance(outcome, Answered) else None,
        "options": [link_json(services, words) for words in options],
        "related": [link_json(services, words) for words in related],
        "reason": outcome.reason if isinstance(outcome, Abstained) else None,
    }


def past_json(services: Services, past: Past) -> dict[str, Any]:
    """What would have been said at a moment, and what was."""
    judged = past.judged
    said = outcome_json(services, judged.question.locale, judged.outcome)
    return said | {
        "at": iso(past.at),
        "recorded": [
            {
                "id": receipt.id,
                "issued_at": iso(receipt.issued_at),
                "channel": receipt.channel,
                "outcome": receipt.outcome,
                "article": receipt.article,
                "version": receipt.version,
                "locale": receipt.answer_locale,
            }
            for receipt in past.recorded
        ],
    }


def _given_json(services: Services, answered: Answered) -> dict[str, Any]:
    answer = answer_json(services, answered.words.revision, answered.words.slug)
    passage = asdict(answered.passage) if answered.passage else None
    return answer | {"passage": passage_json(answer["url"], passage)}


def passage_json(url: str, passage: dict[str, Any] | None) -> dict[str, str] | None:
    """The part of an article that answers at length, and where to read it."""
    if passage is None:
        return None
    anchor = passage["anchor"]
    return {
        "heading": passage["heading"],
        "anchor": anchor,
        "url": f"{url}#{anchor}" if anchor else url,
        "text": passage["text"],
    }


def answer_json(services: Services, revision: Revision, slug: str) -> dict[str, Any]:
    """An answer, letter for letter, with where it comes from."""
    base = services.settings.base_url
    return {
        "article": slug,
        "version": revision.version,
        "locale": revision.locale,
        "title": revision.title,
        "text": revision.answer,
        "html": render(revision.answer, base),
        "url": f"{base}/{revision.locale}/articles/{slug}",
        "sha256": revision.answer_sha256,
        "approved_at": iso(revision.approved_at),
        "verified_at": iso(revision.verified_at),
    }


def link_json(services: Services, words: Words) -> dict[str, str]:
    """An article to choose or to read next."""
    locale = words.locale_asked
    return {
        "article": words.slug,
        "title": words.revision.title,
        "url": f"{services.settings.base_url}/{locale}/articles/{words.slug}",
    }


def summary_json(services: Services, live: Publication) -> dict[str, Any]:
    """A live article, as lists show it."""
    revision, slug = live.revision, live.article.slug
    return answer_json(services, revision, slug) | {"category": revision.category}


def article_json(
    services: Services, session: Session, revision: Revision, is_live: bool = False
) -> dict[str, Any]:
    """One Revision, whole, and whether it is what readers see now."""
    article = revision.article
    return answer_json(services, revision, article.slug) | {
        "slug": article.slug,
        "category": revision.category,
        "audience": revision.audience,
        "body": revision.body,
        "body_html": render(revision.body, services.settings.base_url),
        "phrasings": revision.phrasings,
        "verify_every": f"{revision.verify_days}d" if revision.verify_days else None,
        "tags": revision.tags,
        "state": revision.state,
        "live": is_live,
        "outdated": is_outdated(session, article, revision),
    }


def publication_json(
    services: Services, session: Session, publication: Publication
) -> dict[str, Any]:
    """A Revision that was published, and when it shows."""
    is_live = publication.is_live(now())
    return article_json(services, session, publication.revision, is_live) | {
        "starts_at": iso(publication.starts_at),
        "expires_at": iso(publication.expires_at),
    }


def receipt_json(
    services: Services, session: Session, receipt: Receipt, for_staff: bool = False
) -> dict[str, Any]:
    """A Receipt, the words it stands for, whether they are still live; to staff, why."""
    revision = session.get(Revision, receipt.revision_id) if receipt.revision_id else None
    live = live_publication(session, revision.article_id, revision.locale) if revision else None
    holds = bool(live and revision and live.revision_id == revision.id)
    return {
        "id": receipt.id,
        "issued_at": iso(receipt.issued_at),
        "epoch": receipt.epoch,
        "channel": receipt.channel,
        "question": receipt.question,
        "locale": receipt.locale,
        "outcome": receipt.outcome,
        "confidence": receipt.confidence,
        "answer": _kept_json(services, receipt, revision) if revision else None,
        "still_holds": holds if revision else None,
        "corrected": corrected_json(
            Corrections(session, [receipt.revision_id]).of(receipt.revision_id, receipt.issued_at),
            receipt.locale,
        ),
        "explanation": asdict(explain(receipt)) if for_staff else None,
        "proof": proof_json(session, receipt),
    }


def corrected_json(corrected: Corrected | None, locale: str) -> dict[str, Any] | None:
    """That an answer was wrong: since when we say so, why, and which version is right."""
    if corrected is None:
        return None
    return {
        "at": iso(corrected.correction.at),
        "why": corrected.why(locale),
        "version": corrected.right.version,
    }


def proof_json(session: Session, receipt: Receipt) -> dict[str, Any] | None:
    """A receipt's seal; `verbatim verify` checks it with nothing but the public keys."""
    sealed = seal_of(session, receipt)
    if sealed is None:
        return None
    return {
        "seq": sealed.seq,
        "statement": sealed.statement,
        "salt": sealed.salt if receipt.question else None,
        "previous": chain_before(session, sealed),
        "chain": sealed.chain,
        "key": sealed.key_id,
        "signature": sealed.signature,
    }


def head_json(sealed: Seal | None) -> dict[str, Any]:
    """The end of the chain; before the first receipt there is only its start."""
    return {
        "seq": sealed.seq if sealed else 0,
        "chain": sealed.chain if sealed else START,
        "key": sealed.key_id if sealed else None,
        "signature": sealed.signature if sealed else None,
        "sealed_at": iso(sealed.sealed_at) if sealed else None,
    }


def key_json(key: SigningKey) -> dict[str, Any]:
    """A public key as a JSON Web Key (RFC 8037)."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "use": "sig",
        "kid": key.id,
        "x": key.public,
        "created_at": iso(key.created_at),
        "retired_at": iso(key.retired_at),
    }


def _kept_json(services: Services, receipt: Receipt, revision: Revision) -> dict[str, Any]:
    answer = answer_json(services, revision, receipt.article or "")
    return answer | {"passage": passage_json(answer["url"], receipt.detail.get("passage"))}


def iso(at: datetime | None) -> str | None:
    """An instant as JSON has it."""
    return at.isoformat().replace("+00:00", "Z") if at else None
