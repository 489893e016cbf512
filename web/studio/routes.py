"""All rooms of the studio, gathered for the application."""

from fastapi import APIRouter

from web.studio import article, articles, home, reviews, revisions

router = APIRouter()
for room in (home, articles, article, reviews, revisions):
    router.include_router(room.router, prefix="/studio", include_in_schema=False)
