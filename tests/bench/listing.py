"""The studio's list over ten thousand articles in five languages: server time of its pages."""

import time
from pathlib import Path

from sqlalchemy import Engine, insert
from sqlmodel import Session

from kb.articles import Article, Review, Revision, Wording
from kb.db import migrate, now, open_engine, reading, transaction
from kb.inventory import PER_PAGE, Filters, choices, find_articles, rows_of
from kb.people import add_person
from kb.publishing import Publication
from tests.bench.report import Report, percentile

ARTICLES, LOCALES = 10_000, ("en", "zh", "ko", "fa", "it")
LIMIT_MS = 300
ASKED = {
    "as it opens": Filters(),
    "search": Filters(q="delivery 99"),
    "drafts": Filters(state="draft"),
    "live": Filters(state="live"),
    "outdated": Filters(state="outdated"),
    "by title, one tag": Filters(sort="title", tag="tag-7"),
}


def run(report: Report, scratch: Path, _help_centre: Path | None) -> None:
    """All ids and the first page, with what there is to filter by, as the route asks for them."""
    engine = open_engine(f"sqlite:///{scratch / 'listing.db'}")
    migrate(engine)
    with transaction(engine) as session:
        fill_shelves(session, ARTICLES, LOCALES)
    for name, filters in ASKED.items():
        times = [_seconds(engine, filters) for _ in range(5)]
        took = f"{1000 * percentile(times, 0.5):.0f} ms"
        report.add(f"list of {ARTICLES:,} articles × 5, {name}", took, "", f"{LIMIT_MS} ms")
    engine.dispose()


def _seconds(engine: Engine, filters: Filters) -> float:
    started = time.perf_counter()
    with reading(engine) as session:
        rows_of(session, find_articles(session, filters, "en")[:PER_PAGE], "en")
        choices(session)
    return time.perf_counter() - started


def fill_shelves(session: Session, articles: int, locales: tuple[str, ...]) -> None:
    """Articles in these languages: most live, every tenth with a newer draft, some in review."""
    person = add_person(session, "bulk@example.com", "admin")
    connection, at = session.connection(), now()
    slugs = [
        {"id": n, "slug": f"article-{n}", "source_locale": "en", "created_at": at}
        for n in range(1, articles + 1)
    ]
    connection.execute(insert(Article), slugs)
    revisions, reviews, publications = [], [], []
    for n in range(1, articles + 1):
        for locale in locales:
            for version in (1, 2) if n % 10 == 0 else (1,):
                id_ = len(revisions) + 1
                wording = Wording(
                    title=f"Delivery question {n} {locale}",
                    answer=f"Answer {n} about delivery, returns and everything in {locale}. " * 4,
                    category=f"category-{n % 12}",
                    owner=f"owner{n % 9}@example.com",
                    tags=(f"tag-{n % 30}",),
                )
                revisions.append(
                    {
                        "id": id_,
                        "article_id": n,
                        "locale": locale,
                        "version": version,
                        "title": wording.title,
                        "answer": wording.answer,
                        "body": "",
                        "category": wording.category,
                        "audience": "public",
                        "owner": wording.owner,
                        "tags": list(wording.tags),
                        "sha256": wording.sha256,
                        "answer_sha256": "",
                        "author_id": person.id,
                        "source_version": None if locale == "en" else 1,
                        "created_at": at,
                    }
                )
                if version == 1:
                    reviews.append(_review(id_, "approved", person.id, at))
                    publications.append(_publication(id_, n, locale, person.id, at))
                elif n % 20 == 0:
                    reviews.append(_review(id_, "submitted", person.id, at))
    connection.execute(insert(Revision), revisions)
    connection.execute(insert(Review), reviews)
    connection.execute(insert(Publication), publications)


def _review(revision_id: int, verdict: str, by: int | None, at: object) -> dict[str, object]:
    return {"revision_id": revision_id, "verdict": verdict, "by_id": by, "at": at, "note": ""}


def _publication(
    revision_id: int, article_id: int, locale: str, by: int | None, at: object
) -> dict[str, object]:
    return {
        "revision_id": revision_id,
        "article_id": article_id,
        "locale": locale,
        "audience": "public",
        "by_id": by,
        "created_at": at,
        "starts_at": at,
        "start_recorded": True,
        "expiry_recorded": False,
    }
