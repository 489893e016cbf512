"""All rooms of the studio, gathered for the application."""

from fastapi import APIRouter

from web.studio import article, articles, home, notifications, proof, reviews, revisions

ROOMS = (
    home,
    articles,
    article,
    notifications,
    reviews,
    revisions,
    proof,
)

router = APIRouter()
for room in ROOMS:
    router.include_router(room.router, prefix="/studio", include_in_schema=False)
