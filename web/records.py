"""Records with lasting addresses: receipts of what was said, pictures in articles."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from assistant.recall import Corrections
from assistant.receipts import Receipt, get_receipt
from assistant.sealing import seal_of
from kb.articles import Revision
from kb.audiences import PUBLIC
from kb.db import reading
from kb.errors import NotFound
from kb.images import Image
from kb.publishing import live_publication
from web.assets import FOREVER
from web.pages import page, services_of

RECEIPT_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
DIGEST = re.compile(r"[0-9a-f]{16}")
# A drawing may style itself; it may not run or fetch anything.
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

router = APIRouter(include_in_schema=False)


@router.api_route("/receipts/{receipt_id}", methods=["GET", "HEAD"])
def show_receipt(request: Request, receipt_id: str) -> HTMLResponse:
    """What was said, to which question, when, and whether it still holds."""
    services = services_of(request)
    with reading(services.engine) as session:
        receipt = _public_receipt(session, receipt_id)
        revision = session.get(Revision, receipt.revision_id) if receipt.revision_id else None
        holds = revision is not None and _still_holds(session, revision)
        locales = services.settings.locales
        locale = receipt.locale if receipt.locale in locales else locales[0]
        return page(
            request,
            "receipt.html",
            locale,
            receipt=receipt,
            revision=revision,
            holds=holds,
            corrected=Corrections(session, [receipt.revision_id]).of(
                receipt.revision_id, receipt.issued_at
            ),
            sealed=seal_of(session, receipt),
        )


def _public_receipt(session: Session, receipt_id: str) -> Receipt:
    if not RECEIPT_ID.fullmatch(receipt_id):
        raise NotFound("there is no such receipt")
    receipt = get_receipt(session, receipt_id)
    if receipt.audience != PUBLIC:
        raise NotFound("there is no such receipt")
    return receipt


def _still_holds(session: Session, revision: Revision) -> bool:
    live = live_publication(session, revision.article_id, revision.locale)
    return live is not None and live.revision_id == revision.id and live.audience == PUBLIC


@router.api_route("/media/{digest}/{name}", methods=["GET", "HEAD"])
def show_picture(request: Request, digest: str, name: str) -> Response:
    """A picture of an article, under the digest of its bytes."""
    with reading(services_of(request).engine) as session:
        image = session.get(Image, digest) if DIGEST.fullmatch(digest) else None
    if image is None:
        raise NotFound("there is no such picture")
    headers = {"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"}
    if image.media_type == "image/svg+xml":
        headers["Content-Security-Policy"] = SVG_POLICY
    return Response(image.data, media_type=image.media_type, headers=headers)
