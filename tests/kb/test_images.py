"""Pictures are kept under the digest of their bytes, and nothing else is kept."""

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from kb.db import transaction
from kb.errors import Invalid
from kb.images import MAX_BYTES, Image, image_address, store_image
from kb.links import MEDIA_LINK

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


def test_picture_is_kept_byte_for_byte_under_its_address(engine: Engine) -> None:
    with transaction(engine) as session:
        address = store_image(session, "kettle.png", PNG)
    with Session(engine) as session:
        image = session.exec(select(Image)).one()
        assert address == f"/media/{image.digest}/kettle.png"
        assert (image.data, image.media_type) == (PNG, "image/png")


def test_equal_pictures_are_kept_once(engine: Engine) -> None:
    with transaction(engine) as session:
        first, again = (store_image(session, name, PNG) for name in ("a.png", "b.png"))
        assert first.split("/")[2] == again.split("/")[2]
        assert len(session.exec(select(Image)).all()) == 1


def test_known_types_are_kept(engine: Engine) -> None:
    pictures = {
        "a.jpg": b"\xff\xd8\xff\xe0",
        "a.JPEG": b"\xff\xd8\xff\xe1",
        "a.gif": b"GIF89a",
        "a.webp": b"RIFF1234WEBP",
        "a.avif": b"\0\0\0\x1cftypavif",
        "a.svg": SVG,
    }
    with transaction(engine) as session:
        for name, data in pictures.items():
            assert store_image(session, name, data).endswith(f"/{name}")


def test_what_is_no_picture_is_refused(engine: Engine) -> None:
    script = b"<script>alert(1)</script>"
    bad = [("a.html", script), ("a.png", script), ("a.jpg", PNG), ("a.png.exe", PNG)]
    with transaction(engine) as session:
        for name, data in [*bad, ("png", PNG), ("", PNG), ("a.png", b"")]:
            with pytest.raises(Invalid, match="not a picture"):
                store_image(session, name, data)
        assert session.exec(select(Image)).all() == []


def test_huge_picture_is_refused_with_the_limit(engine: Engine) -> None:
    with transaction(engine) as session, pytest.raises(Invalid, match="10,000,000"):
        store_image(session, "a.png", PNG + bytes(MAX_BYTES))


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/a.png",
        "..png",
        ".png",
        "图片.png",
        "a b.png",
        'a".png',
        "a)b.png",
        "x" * 300 + ".png",
    ],
)
def test_address_is_safe_whatever_the_name(name: str) -> None:
    address = image_address(name, PNG)
    assert MEDIA_LINK.fullmatch(address)
    assert address.endswith(".png")
    assert ".." not in address
