"""All rooms of the studio, gathered for the application."""

from fastapi import APIRouter

from web.studio import (
    account,
    article,
    articles,
    bulk,
    confirmed,
    contradictions,
    corrections,
    editor,
    fact_changes,
    facts,
    feedback,
    history,
    home,
    impact,
    insights,
    notices,
    notifications,
    people,
    proof,
    questions,
    reviews,
    revisions,
    silence,
    translations,
    upkeep,
)

ROOMS = (
    home,
    articles,
    corrections,
    # Before `article`, whose address would take "new" for a name.
    editor,
    article,
    bulk,
    notifications,
    reviews,
    revisions,
    translations,
    upkeep,
    impact,
    questions,
    confirmed,
    feedback,
    insights,
    people,
    account,
    history,
    notices,
    silence,
    contradictions,
    # Before `facts`, whose address would take "changes" for a name.
    fact_changes,
    facts,
    proof,
)

router = APIRouter()
for room in ROOMS:
    router.include_router(room.router, prefix="/studio", include_in_schema=False)
