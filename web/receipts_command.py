"""`verbatim verify` and `verbatim receipts`: proofs on the command line."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from sqlmodel import Session, col, select

from assistant.proofs import FORMAT, Verdict, keys_in, verify_lines
from assistant.receipts import Receipt
from assistant.sealing import Seal, examine, head, seal
from assistant.signing import open_signer, public_keys, rotate
from kb.db import reading
from kb.errors import Conflict, Invalid
from kb.settings import Settings
from web.replies import head_json, key_json, receipt_json
from web.services import Services, opened_store
from web.terminal import JsonOption, each

receipts_app = typer.Typer(no_args_is_help=True, help="Receipts and their proofs.")
FAULTS_SHOWN = 20
KeysOption = Annotated[Path | None, typer.Option(help="Public keys, saved from /api/v1/keys")]


def verify(file: Path, keys: KeysOption = None, as_json: JsonOption = False) -> int:
    """Check a receipt, or an export of many, without the store."""
    trusted = keys_in(_json_of(keys)) if keys else None
    with file.open(encoding="utf-8") as opened:
        try:
            verdict = verify_lines(_lines(opened), trusted)
        except UnicodeDecodeError as error:
            raise Invalid(f"{file} is no text in UTF-8") from error
    _report(verdict, as_json)
    return 0 if verdict.holds else 1


def _lines(opened: TextIO) -> Iterable[str]:
    """A receipt that was saved with line breaks in it is one line; an export has one a line."""
    first = opened.readline()
    if first.strip() in ("{", ""):
        return [first + opened.read()]
    return _chained(first, opened)


def _chained(first: str, opened: TextIO) -> Iterator[str]:
    yield first
    yield from opened


def _json_of(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise Invalid(f"{path} is no JSON; save /api/v1/keys to a file") from error


def _report(verdict: Verdict, as_json: bool) -> None:
    if as_json:
        found = {"receipts": verdict.receipts, "holds": verdict.holds, "faults": verdict.faults}
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for fault in verdict.faults[:FAULTS_SHOWN]:
        print(fault)
    if len(verdict.faults) > FAULTS_SHOWN:
        print(f"… and {len(verdict.faults) - FAULTS_SHOWN} more; --json lists them")
    state = "all hold" if verdict.holds else "NOT all hold" if verdict.receipts else "none found"
    print(f"{verdict.receipts} receipts: {state}")


@receipts_app.command("export")
def export_receipts(
    file: Path, after: Annotated[int, typer.Option(min=0, help="Only those after this one")] = 0
) -> None:
    """Write receipts with their proofs and the keys, for `verbatim verify`."""
    settings = Settings()
    with opened_store(settings) as engine:
        services = Services(settings, engine, None, None)  # type: ignore[arg-type]
        seal(engine, services.signer)
        with reading(engine) as session, file.open("w", encoding="utf-8") as opened:
            count = 0
            for line in _export(session, services, after):
                opened.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += "proof" in line
    print(f"{count} receipts in {file}")


def _export(session: Session, services: Services, after: int) -> Iterator[dict[str, Any]]:
    start = session.get(Seal, after) if after else None
    if after and start is None:
        raise Conflict(f"there is no receipt {after} in the chain")
    keys = [key_json(key) for key in public_keys(session)]
    yield {"format": FORMAT, "keys": keys} | ({"after": start.chain} if start else {})
    last = head(session)
    query = select(Seal.receipt_id).where(Seal.seq > after).order_by(col(Seal.seq))
    ids = session.exec(query).all()
    for id_ in each(ids, "exporting", "receipt"):
        kept = session.get(Receipt, id_)
        if kept:
            yield receipt_json(services, session, kept)
            session.expunge_all()
    yield {"head": head_json(last)}


@receipts_app.command("check")
def check_receipts(as_json: JsonOption = False) -> int:
    """Look through the whole chain in the store: altered, removed or slipped-in receipts."""
    settings = Settings()
    with opened_store(settings) as engine:
        seal(engine, open_signer(engine, settings.home))
        with reading(engine) as session:
            last = head(session)
            faults = [
                f"receipt {fault.receipt_id or '?'} (no. {fault.seq or '–'}): {fault.kind}"
                for fault in examine(session)
            ]
    verdict = Verdict(last.seq if last else 0, faults)
    _report(verdict, as_json)
    return 1 if faults else 0


@receipts_app.command("rotate-key")
def rotate_key() -> None:
    """Sign with a new key from here on; restart the server afterwards."""
    settings = Settings()
    with opened_store(settings) as engine:
        signer = rotate(engine, settings.home)
    print(f"receipts are signed with key {signer.key_id} from the next start on")
