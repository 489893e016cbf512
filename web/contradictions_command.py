"""`verbatim contradictions`: which answers contradict each other?"""

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from assistant.collation import collate
from assistant.contradictions import Contradiction, open_contradictions
from kb.articles import Revision, load_revisions
from kb.db import reading
from kb.errors import InUse
from kb.settings import Settings
from web.replies import iso
from web.services import opened_services, opened_store, start_index
from web.terminal import JsonOption, bar


def contradictions(
    kept: Annotated[bool, typer.Option("--kept", help="What was found already, alone")] = False,
    as_json: JsonOption = False,
) -> int:
    """Read articles and translations against each other; exit 1 if any contradict."""
    settings = Settings()
    if not kept:
        _look(settings)
    with opened_store(settings) as engine:
        rows = _open(engine)
    if as_json:
        print(json.dumps({"items": rows, "total": len(rows)}, ensure_ascii=False, indent=2))
    else:
        print("\n".join(_lines(rows)))
    return 1 if rows else 0


def _look(settings: Settings) -> None:
    """A running server owns the index, and has looked after the last publication."""
    try:
        with opened_services(settings) as services:
            start_index(services, bar)
            collate(services.engine, services.index)
    except InUse:
        return


def _open(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine) as session:
        rows = open_contradictions(session)
        revisions = load_revisions(session, {id_ for r in rows for id_ in (r.one_id, r.other_id)})
    return [_json(row, revisions) for row in rows]


def _json(row: Contradiction, revisions: dict[int, Revision]) -> dict[str, Any]:
    return {
        "id": row.id,
        "scope": row.scope,
        "kind": row.kind,
        "found_at": iso(row.found_at),
        "one": _side(revisions[row.one_id], row.one_part, row.one_sentence, row.one_marks),
        "other": _side(
            revisions[row.other_id], row.other_part, row.other_sentence, row.other_marks
        ),
    }


def _side(revision: Revision, part: str, sentence: str, marks: list[list[int]]) -> dict[str, Any]:
    return {
        "article": revision.article.slug,
        "locale": revision.locale,
        "version": revision.version,
        "part": part,
        "sentence": sentence,
        "facts": [sentence[start:end].strip() for start, end in marks],
    }


def _lines(rows: list[dict[str, Any]]) -> Iterable[str]:
    for row in rows:
        yield f"{row['id']}  {row['scope']}, {row['kind']}"
        for side in (row["one"], row["other"]):
            where = f"{side['article']} ({side['locale']}, version {side['version']})"
            yield f"  {where}: {side['sentence'] or '–'}"
    yield f"{len(rows)} open; /studio/contradictions shows them side by side"
