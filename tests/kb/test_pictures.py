"""Pictures as people bring them: cleaned, upright, or refused."""

from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import Engine

from kb.db import transaction
from kb.errors import Invalid
from kb.images import Image as Stored
from kb.links import MEDIA_LINK
from kb.pictures import add_picture, cleaned, markdown_of


def picture(kind: str, size: tuple[int, int] = (40, 20), **options: object) -> bytes:
    written = BytesIO()
    Image.new("RGB", size, "teal").save(written, kind, **options)
    return written.getvalue()


def with_place() -> bytes:
    """A photo that lies on its side and says where and with what it was taken."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x8825] = 6, "SecretCamera", {1: "N"}
    return picture("JPEG", exif=exif, comment=b"SecretCamera")


def test_photo_loses_what_it_knows_and_stands_upright() -> None:
    suffix, clean = cleaned(with_place())
    with Image.open(BytesIO(clean)) as shown:
        assert (suffix, shown.size, dict(shown.getexif())) == ("jpg", (20, 40), {})
    assert b"SecretCamera" not in clean


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_bytes_after_the_picture_do_not_stay(kind: str) -> None:
    _suffix, clean = cleaned(picture(kind) + b"<script>alert(1)</script>")
    assert b"script" not in clean


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><svg/>', "SVG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "no PNG"),
        (b"GIF89a<script>", "no PNG"),
        (b"%PDF-1.7", "no PNG"),
        (b"", "no PNG"),
        (bytes(10_000_001), "larger"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        cleaned(data)


def test_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = BytesIO()
    Image.new("1", (9000, 9000)).save(bomb, "PNG")
    assert len(bomb.getvalue()) < 100_000
    with pytest.raises(Invalid, match="million pixels"):
        cleaned(bomb.getvalue())


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\x\\a b.svg", "<script>.png", "", "图.png"]
)
def test_hostile_names_become_harmless_and_the_suffix_is_that_of_the_bytes(
    engine: Engine, name: str
) -> None:
    with transaction(engine) as session:
        address = add_picture(session, name, picture("PNG"))
        link = MEDIA_LINK.fullmatch(address)
        assert link
        assert link[2].endswith(".png")
        assert session.get_one(Stored, link[1]).media_type == "image/png"


def test_alternative_text_cannot_break_out_of_its_place() -> None:
    assert markdown_of("/media/x", "a](b)\n![c") == r"![a\](b) !\[c](/media/x)"
