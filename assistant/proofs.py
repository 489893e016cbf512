"""Checking receipts away from the server that issued them: only a file and public keys.

A receipt is the JSON that the API gives, with its `proof`. A file is one receipt, or an export:
a line with the format and the keys, a line a receipt, a line with the head.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from assistant.sealing import START, linked, question_digest
from assistant.signing import is_signed, key_id_of
from kb.errors import Invalid

FORMAT = "verbatim-receipts/1"
Json = dict[str, Any]
Keys = dict[str, str]


@dataclass
class Verdict:
    """How many receipts were looked at, and what does not hold, in plain words."""

    receipts: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether there were receipts, and each one holds."""
        return self.receipts > 0 and not self.faults


def keys_in(data: object) -> Keys:
    """Public keys by id. Raises Invalid when it is no list of keys, or a key has a false id."""
    listed = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        raise Invalid("this is no list of keys; save /api/v1/keys to a file")
    try:
        found = {key["kid"]: key["x"] for key in listed}
        if any(key_id_of(public) != kid for kid, public in found.items()):
            raise Invalid("a key's id is not the start of its SHA-256; get the keys again")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid("a key lacks its `kid` or `x`; save /api/v1/keys to a file") from error
    return found


def verify_lines(lines: Iterable[str], keys: Keys | None = None) -> Verdict:
    """Check a file line by line; with `keys`, none that the file brings along is believed.

    Raises Invalid, with the line's number, for what is no receipt.
    """
    reading = _Reading(keys)
    for number, line in enumerate(lines, 1):
        if line.strip():
            reading.take(number, _object(line, number))
    return reading.finish()


@dataclass
class _Reading:
    """Where the reader of a file stands; `chain` is None where single receipts are read."""

    keys: Keys | None
    verdict: Verdict = field(default_factory=Verdict)
    chain: str | None = None
    has_ended: bool = False

    def take(self, number: int, data: Json) -> None:
        """One line."""
        if "format" in data:
            self._begin(number, data)
        elif "head" in data:
            self._end(number, data["head"])
        else:
            self._receipt(number, data)

    def finish(self) -> Verdict:
        """What came of it; an export that was cut off says so."""
        if self.chain is not None and not self.has_ended:
            self.verdict.faults.append("the file ends without its head; it may have been cut")
        return self.verdict

    def _begin(self, number: int, data: Json) -> None:
        if data["format"] != FORMAT:
            raise Invalid(f"line {number}: this release reads {FORMAT}")
        self.keys = keys_in(data) if self.keys is None else self.keys
        self.chain = str(data.get("after", START))

    def _end(self, number: int, head: object) -> None:
        self.has_ended = True
        if not isinstance(head, dict) or head.get("chain") != self.chain:
            self.verdict.faults.append(f"line {number}: receipts before the head are missing")

    def _receipt(self, number: int, data: Json) -> None:
        if self.keys is None:
            raise Invalid("the file brings no keys; save /api/v1/keys and give it as --keys")
        proof = data.get("proof")
        proof = proof if isinstance(proof, dict) else {}
        if self.chain is not None and proof.get("previous") != self.chain:
            self.verdict.faults.append(f"line {number}: a receipt before this one is missing")
        self.verdict.receipts += 1
        for what in faults_of(data, self.keys):
            self.verdict.faults.append(f"receipt {data.get('id')}: {what}")
        if self.chain is not None:
            self.chain = str(proof.get("chain"))


def _object(line: str, number: int) -> Json:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise Invalid(f"line {number} is no JSON") from error
    if not isinstance(data, dict):
        raise Invalid(f"line {number} is no receipt")
    return data


def faults_of(receipt: Json, keys: Keys) -> list[str]:
    """What does not hold of one receipt."""
    proof = receipt.get("proof")
    if not isinstance(proof, dict):
        return ["it has no proof yet; get it again in a few seconds"]
    try:
        said = json.loads(proof["statement"])
        found = _seal_faults(proof, keys) + _word_faults(receipt, said)
    except (KeyError, TypeError, ValueError):
        return ["its proof cannot be read"]
    return found


def _seal_faults(proof: Json, keys: Keys) -> list[str]:
    found = []
    if linked(proof["previous"], proof["statement"]) != proof["chain"]:
        found.append("its statement was altered: the chain does not follow")
    if proof["key"] not in keys:
        found.append(f"it was signed with the unknown key {proof['key']}")
    elif not is_signed(keys[proof["key"]], proof["chain"], proof["signature"]):
        found.append("its signature is not that of this key")
    return found


def _word_faults(receipt: Json, said: Json) -> list[str]:
    answer = receipt.get("answer") or {}
    shown = {
        "receipt": receipt["id"],
        "issued_at": receipt["issued_at"],
        "epoch": receipt["epoch"],
        "channel": receipt["channel"],
        "locale": receipt["locale"],
        "outcome": receipt["outcome"],
        "confidence": f"{receipt['confidence']:.6f}",
        "article": answer.get("article"),
        "version": answer.get("version"),
        "answer_locale": answer.get("locale"),
        "answer_sha256": answer.get("sha256"),
    }
    found = [f"its {name} is not what was signed" for name in shown if shown[name] != said[name]]
    if answer and hashlib.sha256(answer["text"].encode()).hexdigest() != said["answer_sha256"]:
        found.append("its words are not those that were signed")
    question, salt = receipt.get("question"), receipt["proof"].get("salt")
    if question and salt and question_digest(salt, question) != said["question_sha256"]:
        found.append("its question is not the one that was signed")
    return found
