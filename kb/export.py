"""The store out into a folder of Markdown, which `content` reads back with the same hashes.

A folder that was exported before ends with exactly the articles of now. What an editor
changed there, or put there, is never removed.
"""

import posixpath
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.articles import Revision, latest_revision
from kb.content import FOLDER_PAGES, slug_of, slugify
from kb.db import reading
from kb.errors import Invalid
from kb.frontmatter import format_file
from kb.images import TYPES, Image, digest_of, safe_name
from kb.links import MEDIA_LINK, PAGE_LINK
from kb.manifest import Manifest, is_untouched, read_manifest, remove, write_manifest
from kb.markdown import rewrite_links
from kb.publishing import live_publications


@dataclass(frozen=True)
class ExportReport:
    """How many articles were written; of files that are no article's now, which went, which not."""

    files: int
    removed: tuple[str, ...]
    kept: tuple[str, ...]


def export_folder(engine: Engine, root: Path) -> ExportReport:
    """Write every article's live (else newest) wording below `root`.

    Raises Invalid for what is no folder, and when an earlier export's note cannot be read.
    """
    if root.exists() and not root.is_dir():
        raise Invalid(f"{root} is not a folder; name one to write the Markdown files in")
    root.mkdir(parents=True, exist_ok=True)
    before = read_manifest(root)
    with reading(engine) as session:
        texts, pictures = _Export(session).run()
        current = pictures | {name: digest_of(data) for name, data in texts.items()}
        # Noted first: an export that is cut short must know its files the next time.
        write_manifest(root, before | current)
        for name, data in texts.items():
            _write_file(root / name, data)
        for name, digest in pictures.items():
            _write_file(root / name, session.get_one(Image, digest).data)
    stale = {name: digest for name, digest in before.items() if name not in current}
    removed, kept = _clear(root, stale)
    write_manifest(root, current | kept)
    return ExportReport(len(texts), tuple(removed), tuple(kept))


def _clear(root: Path, stale: Manifest) -> tuple[list[str], Manifest]:
    """Remove what nobody has touched; its paths, and what stays."""
    removed = [name for name, digest in stale.items() if is_untouched(root, name, digest)]
    for name in removed:
        remove(root, name)
    return removed, {name: digest for name, digest in stale.items() if (root / name).is_file()}


class _Export:
    """The files of one moment."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.known = dict(session.exec(select(Image.digest, Image.media_type)).all())
        self.pictures: Manifest = {}

    def run(self) -> tuple[dict[str, bytes], Manifest]:
        """The bytes of each article's file, and the digest of each picture's."""
        chosen = self._chosen()
        self.places = {(r.locale, r.article.slug): _place(r) for r, _ in chosen}
        texts = {_place(r): self._text(r, approved).encode() for r, approved in chosen}
        return texts, self.pictures

    def _chosen(self) -> list[tuple[Revision, bool]]:
        live = live_publications(self.session)
        chosen = {(p.article_id, p.locale): (p.revision, True) for p in live}
        every = select(Revision.article_id, Revision.locale).distinct()
        for article_id, locale in self.session.exec(every):
            if (article_id, locale) not in chosen:
                newest = latest_revision(self.session, article_id, locale)
                assert newest is not None
                chosen[article_id, locale] = (newest, False)
        return [chosen[key] for key in sorted(chosen)]

    def _text(self, revision: Revision, approved: bool) -> str:
        here = posixpath.dirname(_place(revision))
        wording = revision.wording
        shown = replace(
            wording,
            body=rewrite_links(wording.body, lambda target: self._relative(target, here)),
            answer=rewrite_links(wording.answer, lambda target: self._relative(target, here)),
        )
        slug = revision.article.slug
        named = "" if slug == slug_of(slug) and slug not in FOLDER_PAGES else slug
        return format_file(shown, approved, named)

    def _relative(self, target: str, here: str) -> str:
        media = MEDIA_LINK.fullmatch(target)
        if media and self._is_kept(media[1], media[2]):
            place = f"images/{media[1]}/{media[2]}"
            self.pictures[place] = media[1]
            return posixpath.relpath(place, here)
        page = PAGE_LINK.fullmatch(target)
        stands = self.places.get((page[1], page[2])) if page else None
        return posixpath.relpath(stands, here) + (page[3] or "") if page and stands else target

    def _is_kept(self, digest: str, name: str) -> bool:
        """Whether an import would find the picture again under the same address."""
        media_type = TYPES.get(name.rpartition(".")[2].lower(), "")
        return safe_name(name) == name and self.known.get(digest) == media_type


def _place(revision: Revision) -> str:
    folder = slugify(revision.category) or "general"
    return f"{revision.locale}/{folder}/{revision.article.slug}.md"


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
