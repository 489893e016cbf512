"""All rooms of the studio, gathered for the application."""

from fastapi import APIRouter

from web.studio import (
    account,
    article,
    articles,
    bulk,
    editor,
    history,
    home,
    impact,
    notifications,
    people,
    proof,
    questions,
    reviews,
    revisions,
    translations,
)

ROOMS = (
    home,
    articles,
    editor,
    article,
    bulk,
    notifications,
    reviews,
    revisions,
    translations,
    impact,
    questions,
    people,
    account,
    history,
    proof,
)

router = APIRouter()
for room in ROOMS:
    router.include_router(room.router, prefix="/studio", include_in_schema=False)
