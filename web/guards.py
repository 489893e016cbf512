"""What stands before every route: size, rate and keys; and the headers behind it."""

import hashlib
import re
import secrets
import time

from fastapi import Request
from fastapi.responses import Response
from prometheus_client import Counter, Histogram
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.receipts import auditing
from kb.images import MAX_BYTES
from kb.keys import is_due_to_be_marked, mark_used
from kb.people import Person, person_for_key
from kb.sign_in import is_due_to_be_seen, mark_seen, person_of_cookie
from web.forms import from_this_site
from web.problems import refusal, unexpected
from web.rates import RateLimiter

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
}
COOKIE = "verbatim_session"
# Where a request keeps the cookie or key that is to be marked as used, when its work is done.
SEEN, USED = "verbatim.seen", "verbatim.used"
# Where staff send pictures, and what their form adds to the bytes.
PICTURES, ENVELOPE = "/studio/pictures", 100_000
SAFE = ("GET", "HEAD", "OPTIONS")
OUR_COOKIE = re.compile(rf"(?:^|;\s*){COOKIE}=([\w-]+)".encode())
# Digests of the keys and cookies that were good in this process.
GOOD: set[str] = set()
GOOD_LIMIT = 10_000
UNLIMITED = ("/static/", "/media/", "/healthz", "/readyz", "/metrics", "/favicon", "/widget.js")
REQUESTS = Counter("verbatim_requests_total", "Requests by route and status", ["route", "status"])
SECONDS = Histogram(
    "verbatim_request_seconds",
    "Server time of a request",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class Guard:
    """One pass over each request: limit its rate and size, then add headers and count it."""

    def __init__(
        self, app: ASGIApp, rates: RateLimiter, max_bytes: int, local_token: str = ""
    ) -> None:
        self.app, self.rates, self.max_bytes = app, rates, max_bytes
        self.local_token = local_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = [0]
        auditing.set(self._is_local(scope, b"x-verbatim-audit"))

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                _add_headers(message)
                spent = f"app;dur={1000 * (time.perf_counter() - started):.2f}"
                message["headers"].append((b"server-timing", spent.encode()))
            await send(message)

        try:
            await self._answer(scope, receive, finish)
        except Exception as error:
            if status[0]:  # too late to say so
                raise
            await unexpected(Request(scope), error)(scope, receive, finish)
        if SEEN in scope or USED in scope:
            await run_in_threadpool(_mark_seen, scope)
        route = getattr(scope.get("route"), "path", "other")
        REQUESTS.labels(route, str(status[0])).inc()
        # A stream is open for as long as somebody looks; that is no server time.
        if not route.endswith("/events"):
            SECONDS.labels(route).observe(time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(scope, dict(scope["headers"]))
        if refused:
            await refused(scope, receive, send)
        else:
            await self.app(scope, self._limited(scope, receive), send)

    def _refused(self, scope: Scope, headers: dict[bytes, bytes]) -> Response | None:
        wait = self._wait(scope, headers)
        if wait:
            detail = f"too many requests; try again in {wait} s"
            return refusal(Request(scope), 429, detail, {"Retry-After": str(wait)})
        limit = self._limit(scope)
        if _length(headers) > limit:
            return refusal(Request(scope), 413, _too_large(limit))
        return None

    def _is_local(self, scope: Scope, header: bytes) -> bool:
        """Whether a program of this machine says so, with the token that only such know."""
        token = dict(scope["headers"]).get(header, b"")
        return bool(self.local_token) and secrets.compare_digest(token, self.local_token.encode())

    def _wait(self, scope: Scope, headers: dict[bytes, bytes]) -> int:
        if scope["path"].startswith(UNLIMITED):
            return 0
        if self._is_local(scope, b"x-verbatim-local"):
            return 0
        return self.rates.wait(_who_counts(scope, headers))

    def _limit(self, scope: Scope) -> int:
        """Pictures may be larger than any text."""
        is_picture = scope["path"] == PICTURES
        return max(self.max_bytes, MAX_BYTES + ENVELOPE) if is_picture else self.max_bytes

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        seen, limit = 0, self._limit(scope)

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, _too_large(limit))
            return message

        return counted


def _too_large(limit: int) -> str:
    return f"the request is larger than {limit:,} bytes; send less"


def _add_headers(message: Message) -> None:
    present = {name.lower() for name, _ in message["headers"]}
    for name, value in HEADERS.items():
        if name.encode() not in present:
            message["headers"].append((name.encode(), value.encode()))


def _who_counts(scope: Scope, headers: dict[bytes, bytes]) -> str:
    """The client's address; staff count each alone, because an office may share one address."""
    cookie = OUR_COOKIE.search(headers.get(b"cookie", b""))
    secret = cookie[1] if cookie else headers.get(b"authorization", b"")[len("Bearer ") :].strip()
    name = _digest(secret.decode("latin-1"))
    client = scope.get("client")
    return f"staff {name}" if name in GOOD else client[0] if client else "unknown"


def _remember(secret: str) -> None:
    if len(GOOD) >= GOOD_LIMIT:
        GOOD.clear()
    GOOD.add(_digest(secret))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _length(headers: dict[bytes, bytes]) -> int:
    """The announced size; what lies about it is counted as it arrives."""
    announced = headers.get(b"content-length", b"")
    return int(announced) if announced.isdigit() else 0


def person_of(request: Request, session: Session) -> Person | None:
    """Whose key or cookie came with the request; None without one.

    Raises 401 for a wrong key, 403 for a form or call that another site sends with our cookie.
    """
    header = request.headers.get("authorization")
    return _of_key(request, header, session) if header else _of_cookie(request, session)


def is_local(request: Request) -> bool:
    """Whether a command on this machine asks, with the token that only such know."""
    known: str = request.app.state.services.local_token
    token = request.headers.get("x-verbatim-local", "")
    return bool(known) and secrets.compare_digest(token.encode(), known.encode())


def staff(request: Request, session: Session) -> Person:
    """Whose key or cookie came with the request. Raises 401 without one."""
    person = person_of(request, session)
    if person is None:
        raise HTTPException(
            401,
            "sign in at /login, or send a key as `Authorization: Bearer …`; "
            "`verbatim key add --role R` makes one",
            {"WWW-Authenticate": "Bearer"},
        )
    return person


def _of_key(request: Request, header: str, session: Session) -> Person:
    scheme, _, secret = header.partition(" ")
    person = person_for_key(session, secret.strip()) if scheme.lower() == "bearer" else None
    if person is None:
        raise HTTPException(401, "this key is not valid", {"WWW-Authenticate": "Bearer"})
    _remember(secret.strip())
    if is_due_to_be_marked(session, secret.strip()):
        request.scope[USED] = secret.strip()
    return person


def _of_cookie(request: Request, session: Session) -> Person | None:
    secret = request.cookies.get(COOKIE)
    person = person_of_cookie(session, secret) if secret else None
    if person is None or secret is None:
        return None
    if request.method not in SAFE:
        from_this_site(request)
    _remember(secret)
    if is_due_to_be_seen(session, secret):
        request.scope[SEEN] = secret
    return person


def _mark_seen(scope: Scope) -> None:
    """Only now: the route may have held the write lock until its reply was made."""
    with Session(scope["app"].state.services.engine) as session:
        if SEEN in scope:
            mark_seen(session, scope[SEEN])
        else:
            mark_used(session, scope[USED])
        session.commit()
