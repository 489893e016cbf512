"""All rooms of the studio, gathered for the application."""

from fastapi import APIRouter

from web.studio import home

router = APIRouter()
for room in (home,):
    router.include_router(room.router, prefix="/studio", include_in_schema=False)
