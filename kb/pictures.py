"""A picture as somebody brings it: what it is follows from its bytes, and only its pixels are kept.

Decoding and encoding anew drops places, cameras, names and whatever else a file may carry.
"""

import re
import warnings
from io import BytesIO
from pathlib import PurePath

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlmodel import Session

from kb.errors import Invalid
from kb.images import MAX_BYTES, store_image

# As Pillow calls them; anything else is not even tried.
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp"}
MOST_PIXELS = 40_000_000
# Wider than any page shows, even on the densest screen.
WIDEST = 2400
MOST_FRAMES = 200
NO_PICTURE = "this is no PNG, JPEG, GIF or WebP picture, or it is broken"
ALT_LIMIT = 300
SPECIAL, ESCAPED = re.compile(r"([\[\]\\`*_<>])"), r"\\\1"


def add_picture(session: Session, name: str, data: bytes) -> str:
    """Clean a picture and keep it; its address. Raises Invalid saying what to bring instead."""
    suffix, clean = cleaned(data)
    stem = PurePath(name.replace("\\", "/")).stem[:60] or "picture"
    return store_image(session, f"{stem}.{suffix}", clean)


def cleaned(data: bytes) -> tuple[str, bytes]:
    """The suffix and the bytes of the same picture without metadata, upright. Raises Invalid."""
    if len(data) > MAX_BYTES:
        raise Invalid(f"the picture is larger than {MAX_BYTES:,} bytes; shrink it", "picture")
    if _is_svg(data):
        raise Invalid("SVG can carry scripts; export the drawing as PNG or WebP", "picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=list(SUFFIXES)) as opened:
                return _encoded(opened)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Invalid(
            "this is no PNG, JPEG, GIF or WebP picture, or it is broken", "picture"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Invalid(_too_many(), "picture") from error


def _is_svg(data: bytes) -> bool:
    head = data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<svg", b"<?xml", b"<!doctype svg")) or b"<svg" in head


def _encoded(picture: Image.Image) -> tuple[str, bytes]:
    kind = picture.format or ""
    # Known before a single pixel is unpacked.
    if picture.width * picture.height > MOST_PIXELS:
        raise Invalid(_too_many(), "picture")
    written = BytesIO()
    if getattr(picture, "is_animated", False):
        _animation(picture, kind, written)
        return SUFFIXES[kind], written.getvalue()
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((WIDEST, WIDEST))
    upright = _pixels_of(upright, kind)
    options = {"JPEG": {"quality": 88, "optimize": True}, "WEBP": {"quality": 88}}
    upright.save(written, kind, **options.get(kind, {"optimize": True}))
    return SUFFIXES[kind], written.getvalue()


def _pixels_of(picture: Image.Image, kind: str) -> Image.Image:
    """A new picture of the same pixels, so that nothing else comes along."""
    if kind == "JPEG" and picture.mode not in ("RGB", "L"):
        picture = picture.convert("RGB")
    elif picture.mode not in ("RGB", "RGBA", "L", "LA", "P", "1"):
        picture = picture.convert("RGBA" if "A" in picture.mode else "RGB")
    if picture.mode == "P":
        picture = picture.convert("RGBA")
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    return bare


def _animation(picture: Image.Image, kind: str, written: BytesIO) -> None:
    count = getattr(picture, "n_frames", 1)
    if count > MOST_FRAMES or count * picture.width * picture.height > 3 * MOST_PIXELS:
        raise Invalid("the animation is too long; shorten it", "picture")
    frames, times = [], []
    for number in range(count):
        picture.seek(number)
        frames.append(picture.convert("RGBA"))
        times.append(picture.info.get("duration", 100))
    first, *rest = frames
    first.save(written, kind, save_all=True, append_images=rest, duration=times, loop=0)


def _too_many() -> str:
    return f"the picture has more than {MOST_PIXELS // 1_000_000} million pixels; shrink it"


def markdown_of(address: str, alt: str) -> str:
    """The picture in Markdown, with its alternative text as plain words."""
    words = " ".join(alt.split())[:ALT_LIMIT]
    return f"![{SPECIAL.sub(ESCAPED, words)}]({address})"
