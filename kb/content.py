"""A folder of Markdown into the store; `export` writes one.

`content/<locale>/<category>/<slug>.md`, or any help centre's own folder.
"""

import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import Engine, func
from sqlmodel import Session, select

from kb.articles import Article, Revision, Wording, check_slug, check_wording
from kb.db import reading, transaction
from kb.errors import Invalid, VerbatimError
from kb.fact_uses import expand, names_of
from kb.frontmatter import FileError, ParsedFile, parse_file
from kb.images import MAX_BYTES, image_address, store_image
from kb.links import IMAGE_SUFFIX, MEDIA_LINK, PAGE_LINK, is_whole
from kb.manifest import read_manifest
from kb.markdown import rewrite_links
from kb.people import Person, importer
from kb.publishing import Publication, adopt, draft, publish
from kb.settings import LOCALE_NAMES

SUFFIXES = {".md", ".markdown", ".mdx"}
MAX_FILE_BYTES = 1_000_000
FOLDER_PAGES = {"index", "readme"}
SKIPPED_FOLDERS = {"node_modules", "__pycache__"}
MISSING = re.compile(
    r"!?\[([^\[\]]*)\]\(\s*(?:<missing:[^<>\n]*>|missing:(?:[^()\s]|\([^()\s]*\))*)[^)]*\)"
)

Progress = Callable[[Iterable["SourceFile"]], Iterable["SourceFile"]]


@dataclass
class SourceFile:
    """A file found in the folder, and where it belongs."""

    path: Path
    shown: str
    locale: str
    category: str
    slug: str
    parsed: ParsedFile | None = None


@dataclass(frozen=True)
class FileReport:
    """What became of one file: created, changed, unchanged or refused."""

    path: str
    outcome: str
    reason: str = ""
    line: int | None = None
    notes: tuple[str, ...] = ()


@dataclass
class ImportReport:
    """What became of a folder."""

    files: list[FileReport] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        """How many files came to that."""
        return sum(file.outcome == outcome for file in self.files)


def import_folder(
    engine: Engine,
    root: Path,
    locales: list[str],
    locale: str | None = None,
    progress: Progress = iter,
) -> ImportReport:
    """Import every Markdown file below `root`; a bad one is reported and stops nothing.

    `locale` is the language of files that do not stand in a folder named for theirs.
    Raises Invalid when the folder or the locale does not exist.
    """
    if not root.is_dir():
        raise Invalid(f"{root} is not a folder; name the folder that holds the Markdown files")
    if locale is not None and locale not in LOCALE_NAMES:
        raise Invalid(f"unknown locale {locale!r}; choose from {', '.join(LOCALE_NAMES)}")
    return _Import(engine, root.resolve(), locales, locale or locales[0], progress).run()


class _Import:
    """One run over one folder."""

    def __init__(
        self, engine: Engine, root: Path, locales: list[str], locale: str, progress: Progress
    ) -> None:
        self.engine, self.root, self.locale, self.progress = engine, root, locale, progress
        self.locale_rank = {code: rank for rank, code in enumerate(locales)}
        self.report = ImportReport()
        self.pages: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []

    def run(self) -> ImportReport:
        files = self._unique(self._parsed(self._walk()))
        files.sort(key=lambda f: (self.locale_rank.get(f.locale, 99), f.slug))
        self.pages = {f.shown: (f.locale, f.slug) for f in files}
        self.slugs = {(f.locale, f.slug) for f in files}
        self.exported = read_manifest(self.root)
        known = self._known_hashes()
        with transaction(self.engine) as session:
            importer(session)
        for file in self.progress(files):
            self._take(file, known.get((file.slug, file.locale)))
        return self.report

    def _refuse(self, shown: str, reason: str, line: int | None = None) -> None:
        self.report.files.append(FileReport(shown, "refused", reason, line))

    # -- finding ------------------------------------------------------------------

    def _walk(self) -> Iterator[SourceFile]:
        for folder, subfolders, names in os.walk(self.root, followlinks=True):
            here = Path(folder)
            subfolders[:] = sorted(n for n in subfolders if self._may_enter(here, n))
            for name in sorted(names):
                path = here / name
                if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                    if self._is_inside(path):
                        yield self._placed(path)
                    else:
                        self._refuse(self._shown(path), "a symbolic link out of the folder")

    def _may_enter(self, here: Path, name: str) -> bool:
        if name.startswith(".") or name in SKIPPED_FOLDERS:
            return False
        path = here / name
        if not path.is_symlink():
            return True
        # A link to a folder inside the root would only show the same files twice.
        if not self._is_inside(path):
            self._refuse(self._shown(path), "a symbolic link out of the folder")
        return False

    def _is_inside(self, path: Path) -> bool:
        found = _resolved(path)
        return found is not None and found.is_relative_to(self.root)

    def _shown(self, path: Path) -> str:
        # A name that is not UTF-8 must not break the report it is printed in.
        return path.relative_to(self.root).as_posix().encode(errors="replace").decode()

    def _placed(self, path: Path) -> SourceFile:
        parts = list(path.relative_to(self.root).parts)
        locale = parts.pop(0) if len(parts) > 1 and parts[0] in LOCALE_NAMES else self.locale
        category = slugify(parts[0]) if len(parts) > 1 else "general"
        stem = parts[-2] if path.stem.lower() in FOLDER_PAGES and len(parts) > 1 else path.stem
        return SourceFile(path, self._shown(path), locale, category or "general", slug_of(stem))

    # -- reading ------------------------------------------------------------------

    def _parsed(self, files: Iterator[SourceFile]) -> Iterator[SourceFile]:
        for file in files:
            try:
                text = _read(file.path)
                file.parsed = parse_file(text, file.path.stem, file.category)
                file.slug = check_slug(file.parsed.slug) if file.parsed.slug else file.slug
                yield file
            except FileError as error:
                self._refuse(file.shown, str(error), error.line)
            except (VerbatimError, OSError) as error:
                self._refuse(file.shown, str(error))

    def _unique(self, files: Iterator[SourceFile]) -> list[SourceFile]:
        taken: dict[tuple[str, str], SourceFile] = {}
        for file in files:
            if not file.slug:
                self._refuse(file.shown, "the file's name gives no slug; use letters or digits")
                continue
            if (file.locale, file.slug) in taken:
                file.slug = f"{file.category}-{file.slug}"
            if other := taken.get((file.locale, file.slug)):
                self._refuse(file.shown, f"the same slug as {other.shown}; rename one of them")
                continue
            taken[file.locale, file.slug] = file
        return list(taken.values())

    def _known_hashes(self) -> dict[tuple[str, str], tuple[str, bool]]:
        """The newest hash of each place, and whether it was ever published."""
        newest = (
            select(Revision.article_id, Revision.locale, func.max(Revision.version).label("top"))
            .group_by(Revision.article_id, Revision.locale)  # type: ignore[arg-type]
            .subquery()
        )
        published = select(Publication.id).where(Publication.revision_id == Revision.id).exists()
        query = (
            select(Article.slug, Revision.locale, Revision.sha256, published)
            .join(Revision, Revision.article_id == Article.id)  # type: ignore[arg-type]
            .join(
                newest,
                (newest.c.article_id == Revision.article_id)
                & (newest.c.locale == Revision.locale)
                & (newest.c.top == Revision.version),
            )
        )
        with reading(self.engine) as session:
            return {(slug, code): (digest, out) for slug, code, digest, out in session.exec(query)}

    # -- writing ------------------------------------------------------------------

    def _take(self, file: SourceFile, known: tuple[str, bool] | None) -> None:
        assert file.parsed is not None
        self.notes = list(file.parsed.notes)
        try:
            outcome = self._write(file, file.parsed, known)
            self.report.files.append(FileReport(file.shown, outcome, notes=tuple(self.notes)))
        except (VerbatimError, OSError) as error:
            self._refuse(file.shown, str(error))

    def _write(self, file: SourceFile, parsed: ParsedFile, known: tuple[str, bool] | None) -> str:
        images: dict[str, Path] = {}
        wording = replace(
            parsed.wording,
            body=self._stored(parsed.wording.body, file, images),
            answer=self._stored(parsed.wording.answer, file, images),
        )
        as_read = self._as_read(wording, file.locale)
        check_wording(as_read)
        if known and known[0] == as_read.sha256 and (known[1] or not parsed.is_approved):
            return "unchanged"
        with transaction(self.engine) as session:
            by = importer(session)
            for path in images.values():
                store_image(session, path.name, path.read_bytes())
            return self._revise(session, file, wording, parsed.is_approved, by)

    def _as_read(self, wording: Wording, locale: str) -> Wording:
        # Most files state no shared fact, and need nothing from the store.
        if not names_of(wording):
            return wording
        with reading(self.engine) as session:
            return expand(session, wording, locale).wording

    def _revise(
        self, session: Session, file: SourceFile, wording: Wording, approved: bool, by: Person
    ) -> str:
        revision = draft(session, file.slug, file.locale, wording, by)
        if approved:
            adopt(session, revision, by)
            publish(session, revision, by)
        return "created" if revision.version == 1 else "changed"

    # -- links and pictures -------------------------------------------------------

    def _stored(self, text: str, file: SourceFile, images: dict[str, Path]) -> str:
        text = rewrite_links(text, lambda target: self._target(target, file, images))
        # A picture that is not there is dropped, its alternative text kept.
        return MISSING.sub(r"\1", text)

    def _target(self, target: str, file: SourceFile, images: dict[str, Path]) -> str:
        if is_whole(target) or MEDIA_LINK.fullmatch(target):
            return target
        # An export writes what it knows as relative paths; the rest is an address of the site.
        if file.shown in self.exported and target.startswith("/"):
            return target
        path, hash_, fragment = target.partition("#")
        if IMAGE_SUFFIX.search(path):
            return self._image(path, file, images)
        page = self._page(path, file)
        if page is None:
            if not PAGE_LINK.fullmatch(target):
                self.notes.append(f"link to {target} leads to no imported article")
            return target
        locale, slug = page
        return f"/{locale}/articles/{slug}" + (f"{hash_}{fragment}" if fragment else "")

    def _page(self, path: str, file: SourceFile) -> tuple[str, str] | None:
        base = posixpath.dirname(file.shown)
        joined = path.lstrip("/") if path.startswith("/") else posixpath.join(base, unquote(path))
        plain = posixpath.normpath(joined)
        for candidate in (plain, f"{plain}.md", f"{plain}.mdx", f"{plain}/index.md"):
            if candidate in self.pages:
                return self.pages[candidate]
        slug = slugify(posixpath.splitext(posixpath.basename(plain))[0])
        is_exact = bool(PAGE_LINK.fullmatch(path)) or file.shown in self.exported
        if is_exact or (file.locale, slug) not in self.slugs:
            return None
        return file.locale, slug

    def _image(self, path: str, file: SourceFile, images: dict[str, Path]) -> str:
        for base in (
            file.path.parent,
            self.root,
            self.root / "static",
            self.root.parent / "static",
        ):
            found = _resolved(base / unquote(path).lstrip("/"))
            if found and self._may_show(found):
                if found.stat().st_size > MAX_BYTES:
                    raise Invalid(f"picture {path} is larger than {MAX_BYTES:,} bytes; shrink it")
                images[path] = found
                return image_address(found.name, found.read_bytes())
        self.notes.append(f"picture {path} is not in the folder; its alternative text stays")
        return f"missing:{path}"

    def _may_show(self, found: Path) -> bool:
        shown = (self.root, self.root.parent / "static")
        try:
            return any(found.is_relative_to(folder) for folder in shown) and found.is_file()
        except OSError:
            return False


def _resolved(path: Path) -> Path | None:
    """The path without links; None where it is no path at all, or a link to itself."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def _read(path: Path) -> str:
    if not path.is_file():
        raise FileError("not a file; it may be a link that leads nowhere")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise FileError(f"larger than {MAX_FILE_BYTES:,} bytes; split it")
    data = path.read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise FileError("not UTF-8; save it in that encoding", line) from error


def slug_of(stem: str) -> str:
    """A file's slug, without the date that Jekyll puts before it."""
    return slugify(re.sub(r"^\d{4}-\d\d-\d\d-", "", stem))


def slugify(name: str) -> str:
    """Lower-case words joined by hyphens; empty for a name without Latin letters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:120].strip("-")
