"""All rooms of the studio, gathered for the application."""

from fastapi import APIRouter

from web.studio import home, reviews, revisions

router = APIRouter()
for room in (home, reviews, revisions):
    router.include_router(room.router, prefix="/studio", include_in_schema=False)
