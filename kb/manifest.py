"""Which files an export wrote, so that the next one knows its own and removes no other."""

import json
from pathlib import Path, PurePosixPath

from kb.errors import Invalid
from kb.images import digest_of

NAME = ".verbatim-export.json"
Manifest = dict[str, str]


def read_manifest(root: Path) -> Manifest:
    """Digest by path from `root`; empty where nothing was exported. Raises Invalid."""
    path = root / NAME
    try:
        files = json.loads(path.read_text("utf-8"))["files"]
        return {_inside(name): str(digest) for name, digest in files.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"{path} is not what an export wrote; delete it") from error


def _inside(name: str) -> str:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\0" in name or not parts:
        raise ValueError(name)
    return name


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Note the files, all or none of them."""
    draft = root / f"{NAME}.new"
    files = dict(sorted(manifest.items()))
    draft.write_text(json.dumps({"files": files}, ensure_ascii=False, indent=1) + "\n", "utf-8")
    draft.replace(root / NAME)


def is_untouched(root: Path, name: str, digest: str) -> bool:
    """Whether that file is still, byte for byte, the one that an export wrote."""
    path = root / name
    inside = path.resolve().is_relative_to(root.resolve())
    return inside and path.is_file() and digest_of(path.read_bytes()) == digest


def remove(root: Path, name: str) -> None:
    """Delete a file, and the folders that it leaves empty."""
    path = root / name
    path.unlink()
    for folder in path.relative_to(root).parents:
        if folder == Path() or any((root / folder).iterdir()):
            return
        (root / folder).rmdir()
