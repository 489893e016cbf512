"""From a click in the chat to a letter at a real mail server."""

from pathlib import Path

from fastapi.testclient import TestClient

from assistant.desk.clock import Clock
from assistant.exchanges import Assistant
from kb.db import now
from kb.settings import Settings
from tests.assistant.postbox import postbox
from tests.cast import DELIVERY_COSTS
from web.services import Services


def test_customer_gets_the_conversation_by_mail(
    services: Services, client: TestClient, tmp_path: Path
) -> None:
    begun = client.post("/api/v1/conversations", json={"locale": "en"}).json()
    headers = {"Authorization": f"Bearer {begun['token']}"}
    place = f"/api/v1/conversations/{begun['id']}"
    client.post(f"{place}/turns", json={"text": "how much is shipping?"}, headers=headers)
    refused = client.post(f"{place}/transcript", json={"email": "ana@"}, headers=headers)
    assert (refused.status_code, refused.json()["field"]) == (422, "email")
    with postbox() as box:
        settings = Settings(home=tmp_path, smtp_url=f"smtp://127.0.0.1:{box.port}")
        sent = client.post(f"{place}/transcript", json={"email": "ana@x.example"}, headers=headers)
        assert sent.status_code == 202
        Clock(Assistant(services.engine, services.index, settings)).deliver(now())
    assert box.recipients == ["ana@x.example"]
    text = box.messages[0].get_body(("plain",))
    assert text is not None
    assert "how much is shipping?" in text.get_content()
    assert "€3.95" in DELIVERY_COSTS.answer
    assert "€3.95" in text.get_content()
    assert "/en/articles/delivery-costs/versions/1" in text.get_content()
