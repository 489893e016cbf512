"""The API's documentation, from files of our own."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter()
SCHEMAS = Path(__file__).parent / "schemas"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Verbatim API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/vendor/swagger-ui/swagger-ui.css">
<script src="/static/vendor/swagger-ui/swagger-ui-bundle.js" defer></script>
<script src="/static/api-docs.js" defer></script></head>
<body><main id="api"><noscript><a href="/api/openapi.json">OpenAPI</a></noscript></main></body>
</html>
"""
# Swagger UI sets styles of its own while it runs; scripts stay ours alone.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


@router.get("/api/docs", include_in_schema=False)
def api_docs() -> HTMLResponse:
    """Swagger UI over the OpenAPI description."""
    return HTMLResponse(PAGE, headers={"content-security-policy": POLICY})


@router.api_route("/schemas/handoff-1.json", methods=["GET", "HEAD"], include_in_schema=False)
def handoff_schema() -> FileResponse:
    """What a case looks like to a help desk, as JSON Schema."""
    return FileResponse(SCHEMAS / "handoff-1.json", media_type="application/schema+json")
