"""A conversation whose follow-ups are rewritten: the answer is the approved one all the same."""

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import col, select

from assistant.receipts import Receipt
from kb.db import reading
from kb.settings import Settings
from tests.assistant.test_rewriting import reply
from tests.cast import DELIVERY_COSTS
from tests.web.receiver import receiver
from web.app import create_app
from web.services import Services


def say(client: TestClient, id_: str, token: str, text: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    said = client.post(f"/api/v1/conversations/{id_}/turns", json={"text": text}, headers=headers)
    found: dict[str, Any] = said.json()["reply"]
    return found


def test_rewritten_follow_up_gets_approved_words_and_a_receipt_that_says_so(
    services: Services, tmp_path: Path
) -> None:
    with receiver() as model:
        model.status, model.reply = 200, reply("how much is shipping")
        services.settings = Settings(
            home=tmp_path, rate_limit="off", rewriter_url=model.url, rewriter_model="tiny"
        )
        with TestClient(create_app(services)) as client:
            begun = client.post("/api/v1/conversations", json={"locale": "en"}).json()
            first = say(client, begun["id"], begun["token"], "how long until I have my money back?")
            second = say(client, begun["id"], begun["token"], "and what about that one?")
    assert first["answer"]["article"] == "refund-time"
    assert second["answer"]["text"] == DELIVERY_COSTS.answer
    assert len(model.requests) == 1
    assert first["answer"]["text"][:30] not in model.requests[0][1].decode()
    with reading(services.engine) as session:
        receipts = session.exec(select(Receipt).order_by(col(Receipt.issued_at))).all()
    assert receipts[-1].detail["dialogue"]["rewritten_by"] == "tiny"
