"""Fine-tunes a sentence-transformers model on a company's own phrasings (extra `transformers`).

Supervised contrastive learning (Khosla et al. 2020): texts of one article draw together, those of
others in the batch apart; dropout shows each text a little differently every time (Gao et al.
2021). That ten phrasings an article are enough: Zhang et al. 2021, Tunstall et al. 2022 (SetFit).
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kb.errors import Invalid, VerbatimError
from retriever.embeddings import TRAINING_NOTE, Examined, load_model, weighed_as
from retriever.texts import Document

# Below this nothing can be learned that a measurement could show.
ENOUGH_ARTICLES, ENOUGH_PHRASINGS = 5, 4
SEED = 0
# Articles in a batch, and texts of each.
ARTICLES, TEXTS = 32, 3
RATE, WARM_UP, LONGEST_STEP = 1e-4, 0.1, 1.0
TEMPERATURE = 0.07
# Phrasings are short; what stands beyond says little and costs much.
MAX_TOKENS = 64

Batch = list[tuple[int, str]]
Progress = Callable[[Iterable[Batch], str, str], Iterable[Batch]]


def silent(batches: Iterable[Batch], _label: str, _unit: str) -> Iterable[Batch]:
    """Progress that nobody watches."""
    return batches


@dataclass(frozen=True)
class Lessons:
    """What is learned from: the title and phrasings of each article, in some languages."""

    articles: tuple[tuple[str, ...], ...]
    locales: tuple[str, ...]
    base: str
    epochs: int

    @property
    def texts(self) -> int:
        """How many there are."""
        return sum(len(texts) for texts in self.articles)

    @property
    def digest(self) -> str:
        """The same for the same lessons, whoever gives them."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:8]


def lessons_of(
    documents: Sequence[Document], locales: Sequence[str], base: str, epochs: int
) -> Lessons:
    """What there is to learn in those languages.

    Headings teach nothing: "Before you start" stands in many articles.
    """
    texts: dict[int, set[str]] = {}
    for document in documents:
        if document.locale in locales:
            learned = {t.text for t in document.texts if t.source in ("title", "phrasing")}
            texts.setdefault(document.article_id, set()).update(learned)
    groups = sorted(tuple(sorted(found)) for found in texts.values())
    return Lessons(tuple(groups), tuple(sorted(locales)), base, epochs)


def check_enough(lessons: Lessons) -> None:
    """Raises Invalid when there is too little to learn from."""
    rich = sum(len(texts) > ENOUGH_PHRASINGS for texts in lessons.articles)
    if rich < ENOUGH_ARTICLES:
        raise Invalid(
            f"training needs {ENOUGH_ARTICLES} live articles with {ENOUGH_PHRASINGS} phrasings or "
            f"more in {', '.join(lessons.locales)}, and there are {rich}; add what customers say"
        )


def train(lessons: Lessons, folder: Path, progress: Progress = silent) -> None:
    """Write the fine-tuned model into an empty folder; the same bits on the same machine.

    Raises Invalid without the extra or for a model that cannot be loaded, VerbatimError when the
    folder cannot be written.
    """
    model = load_model(lessons.base)
    judged_as = weighed_as(model)
    _fit(model, batches_of(lessons), progress)
    try:
        model.save(str(folder), create_model_card=False)
    except Exception as error:  # a full disk has a kind of its own in every library
        raise VerbatimError(f"cannot write the model in {folder}: {error}") from error
    note = _note(lessons, model, folder) | {"judged_as": judged_as}
    (folder / TRAINING_NOTE).write_text(json.dumps(note, indent=1) + "\n")


def keep_exam(folder: Path, told: Mapping[str, Sequence[Examined]]) -> None:
    """Note beside a model what became of questions that were kept from it, or from its like: by
    locale, how surely each was answered and whether rightly. Its bars of silence come from them."""
    path = folder / TRAINING_NOTE
    note = json.loads(path.read_text("utf-8")) | {"exam": told}
    path.write_text(json.dumps(note) + "\n")


def _note(lessons: Lessons, model: Any, folder: Path) -> dict[str, Any]:
    weights = hashlib.sha256()
    for file in sorted(folder.rglob("*.safetensors")):
        weights.update(file.read_bytes())
    return {
        "base": lessons.base,
        "shape": [len(model.tokenizer), model.get_embedding_dimension()],
        "locales": lessons.locales,
        "articles": len(lessons.articles),
        "texts": lessons.texts,
        "epochs": lessons.epochs,
        "lessons": lessons.digest,
        "weights": weights.hexdigest()[:12],
    }


def batches_of(lessons: Lessons) -> list[Batch]:
    """Every text once an epoch, beside others of its article, no article twice in a batch."""
    chance = random.Random(SEED)
    return [b for _ in range(lessons.epochs) for b in _one_epoch(lessons.articles, chance)]


def _one_epoch(articles: Sequence[Sequence[str]], chance: random.Random) -> list[Batch]:
    waiting: list[Batch] = []
    for label, texts in enumerate(articles):
        mixed = [(label, text) for text in texts]
        chance.shuffle(mixed)
        count = max(1, round(len(mixed) / TEXTS))
        waiting += [mixed[part::count] for part in range(count)]
    chance.shuffle(waiting)
    made = []
    while waiting:
        batch, waiting = _take(waiting)
        made.append(batch)
    return made


def _take(waiting: list[Batch]) -> tuple[Batch, list[Batch]]:
    taken: dict[int, Batch] = {}
    left: list[Batch] = []
    for part in waiting:
        label = part[0][0]
        if len(taken) < ARTICLES and label not in taken:
            taken[label] = part
        else:
            left.append(part)
    return [pair for part in taken.values() for pair in part], left


def _fit(model: Any, batches: list[Batch], progress: Progress) -> None:
    import torch

    torch.manual_seed(SEED)
    # Word vectors are most of the model; a few thousand texts would only spoil them.
    for name, weights in model.named_parameters():
        weights.requires_grad = "embeddings" not in name
    learning = [weights for weights in model.parameters() if weights.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda n: _pace(n, len(batches)))
    model.train()
    for batch in progress(batches, "training", "batch"):
        _loss(model, batch).backward()
        torch.nn.utils.clip_grad_norm_(learning, LONGEST_STEP)
        optimiser.step()
        optimiser.zero_grad()
        schedule.step()
    model.eval()


def _pace(step: int, steps: int) -> float:
    """Up for a tenth of the way, then down to nothing."""
    warm = max(1.0, WARM_UP * steps)
    return min((step + 1) / warm, (steps - step) / max(1.0, steps - warm))


def _loss(model: Any, batch: Batch) -> Any:
    """How surprising the other texts of a text's article are among all in the batch."""
    import torch

    labels = torch.tensor([label for label, _ in batch])
    read = model.tokenizer(
        [text for _, text in batch],
        padding=True,
        truncation=True,
        max_length=MAX_TOKENS,
        return_tensors="pt",
    )
    vectors = torch.nn.functional.normalize(model(dict(read))["sentence_embedding"], dim=1)
    itself = torch.eye(len(batch), dtype=torch.bool)
    scores = (vectors @ vectors.T / TEMPERATURE).masked_fill(itself, -1e9)
    chances = torch.log_softmax(scores, dim=1)
    same = (labels[:, None] == labels[None]) & ~itself
    counts = same.sum(dim=1)
    surprise = -(chances * same).sum(dim=1)
    return (surprise / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)
