"""The server that owns this folder, and how a command asks it."""

import json
import os
from collections.abc import Iterator
from typing import Any

import httpx

from kb.errors import VerbatimError
from kb.settings import Settings
from retriever.vectors import FolderLock


def owner_of(settings: Settings) -> dict[str, Any]:
    """What the server of this folder says of itself; empty once it is gone."""
    owner = FolderLock(settings.home).owner()
    return owner if _is_running(owner.get("pid")) else {}


def _is_running(pid: Any) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, TypeError, ValueError):
        return False
    return True


def ask_server(settings: Settings, method: str, path: str, body: Any) -> Any:
    """The reply of the server that owns this folder; None when there is none."""
    owner = owner_of(settings)
    if not owner.get("url"):
        return None
    headers = _introduction(owner)
    key = os.environ.get("VERBATIM_KEY")
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        response = httpx.request(
            method, owner["url"] + path, json=body, headers=headers, timeout=60, trust_env=False
        )
        found = response.json()
    except (httpx.HTTPError, ValueError):
        return None
    _check(response.status_code, found)
    return found


def follow_server(settings: Settings, path: str) -> Iterator[Any] | None:
    """What the server of this folder tells line by line, as it goes on; None when there is none.

    Raises VerbatimError, where it is read, when the server refuses or goes away.
    """
    owner = owner_of(settings)
    return _lines(owner, path) if owner.get("url") else None


def _lines(owner: dict[str, Any], path: str) -> Iterator[Any]:
    # Work may take any time between two lines.
    patience = httpx.Timeout(60, read=None)
    with httpx.Client(timeout=patience, trust_env=False, headers=_introduction(owner)) as client:
        try:
            with client.stream("POST", owner["url"] + path) as response:
                if response.status_code >= 400:
                    _check(response.status_code, json.loads(response.read()))
                yield from map(json.loads, response.iter_lines())
        except (httpx.HTTPError, ValueError) as error:
            raise VerbatimError(f"the server at {owner['url']} went away: {error}") from error


def _check(status: int, found: Any) -> None:
    if status >= 400:
        raise VerbatimError(found.get("detail", f"the server answered {status}"))


def _introduction(owner: dict[str, Any]) -> dict[str, str]:
    return {"X-Verbatim-Local": owner.get("token", "")}
