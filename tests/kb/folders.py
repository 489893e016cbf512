"""Folders of Markdown that the tests write, import and look into."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from kb.articles import Article, Revision
from kb.content import FileReport, ImportReport, import_folder
from kb.db import open_engine, reading
from kb.publishing import live_publications

LOCALES = ["en", "zh", "ko", "fa", "it"]
ARTICLE = "---\ntitle: Returns\nanswer: You have 30 days.\n---\n\nSend it back.\n"


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """The folder, with these files in it."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def take(engine: Engine, root: Path) -> ImportReport:
    """The report of importing the folder, English unless a folder says otherwise."""
    return import_folder(engine, root, LOCALES)


def report_of(report: ImportReport, path: str) -> FileReport:
    """What became of one file."""
    return next(file for file in report.files if file.path == path)


def outcomes(report: ImportReport) -> dict[str, str]:
    """What became of each file."""
    return {file.path: file.outcome for file in report.files}


def live(engine: Engine, slug: str, locale: str = "en") -> Revision:
    """The wording that shows."""
    with reading(engine) as session:
        found = {(p.article.slug, p.locale): p.revision for p in live_publications(session)}
        return found[slug, locale]


def hashes(engine: Engine) -> dict[tuple[str, str], str]:
    """The digest of the newest wording in each place."""
    with Session(engine) as session:
        query = select(Article.slug, Revision.locale, Revision.sha256).join(
            Revision, col(Revision.article_id) == Article.id
        )
        rows = session.exec(query.order_by(col(Revision.version)))
        return {(slug, locale): digest for slug, locale, digest in rows}


@contextmanager
def copied_store(blank: Path) -> Iterator[Engine]:
    """A store of its own, copied from an empty one; quicker than migrating."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{shutil.copy(blank, folder)}")
        yield engine
        engine.dispose()
