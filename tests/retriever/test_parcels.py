"""A model in several packages: put together in order, or not there."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pytest

from retriever.parcels import pieces, put_together

MODEL = "tiny-model"


def install(folder: Path, number: int, piece: bytes) -> None:
    """A package as pip leaves it, with one piece inside."""
    inside = f"{MODEL}-part_{number}/input/{MODEL}.zip.{number:03}"
    (folder / inside).parent.mkdir(parents=True)
    (folder / inside).write_bytes(piece)
    about = folder / f"{MODEL.replace('-', '_')}_pypi_part_{number:03}-0.0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {MODEL}-pypi-part-{number:03}\nVersion: 0.0.1\n")
    (about / "RECORD").write_text(f"{about.name}/METADATA,,\n{inside},,\n")


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """The archive of a model in a folder of its own."""
    with ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr(f"{MODEL}/modules.json", "[]")
        archive.writestr(f"{MODEL}/vocab.txt", "refund " * 50)
    return (tmp_path / "whole.zip").read_bytes()


def test_pieces_make_the_model(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (2, 1, 3):
        install(
            tmp_path / "site",
            number,
            whole[(number - 1) * 100 : number * 100 if number < 3 else None],
        )
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "model").mkdir()
    found = put_together(pieces(MODEL), tmp_path / "model")
    assert found == tmp_path / "model" / MODEL
    assert (found / "vocab.txt").read_text() == "refund " * 50


def test_missing_piece_is_noticed(
    tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", 1, whole[:100])
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(BadZipFile):
        put_together(pieces(MODEL), tmp_path)


@pytest.mark.parametrize("model", ["no-such-model", "/no/such/folder", ""])
def test_model_that_comes_otherwise_has_no_pieces(model: str) -> None:
    assert pieces(model) == []
