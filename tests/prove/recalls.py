"""A wrong answer is corrected, and those who tell the customers are killed at random moments."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session, select

from assistant.conversations import turns_of
from assistant.desk.kcs import use_article
from assistant.letters import Letter
from assistant.outgoing import deliver_due
from assistant.recall import EMAIL, RecallTarget, correct_answer, fault_in
from assistant.telling import CORRECTION, correction_sender, tell_due
from kb.db import migrate, now, open_engine, reading, transaction
from kb.settings import Settings
from tests.assistant.talks import delivery_costs, talk
from tests.cast import DELIVERY_COSTS, mina, omar, published
from tests.prove.page import Page

RIGHT = replace(DELIVERY_COSTS, answer="Delivery costs €4.95 and is free from €60.")
WHY = {"en": "The price had risen."}
SETTINGS = Settings(base_url="https://help.example.com")
CHATS, KILLS, LONGEST = 80, 12, 0.25


def recall_trial(page: Page, home: Path, folder: Path, seed: int = 1) -> None:
    """Eighty customers and an agent were given a wrong answer: who is told, and how often."""
    folder.mkdir()
    shutil.copy(home / "verbatim.db", folder / "store.db")
    engine = open_engine(f"sqlite:///{folder / 'store.db'}")
    migrate(engine)
    chats = _wrong_answers(engine)
    chance = random.Random(seed)
    # Each a day later, so that whatever waits to be tried again is due.
    days = [now() + timedelta(days=n) for n in range(1, KILLS + 2)]
    for at in days[:-1]:
        _tell_and_be_killed(folder, at, chance.uniform(0, LONGEST))
    _tell(folder, days[-1])
    with reading(engine) as session:
        _report(page, session, chats, folder)
    engine.dispose()


def _wrong_answers(engine: Engine) -> list[str]:
    with transaction(engine) as session:
        mails = [f"c{n}@example.com" if n % 2 else None for n in range(CHATS)]
        chats = [talk(session, email=mail).id for mail in mails]
        use_article(session, delivery_costs(session), omar(session), "inserted")
        right = published(session, "delivery-costs", RIGHT)
        faults = [fault_in(session, right.article, right)]
        correct_answer(session, right.article, faults, WHY, mina(session))
    return chats


class _Postbox:
    """A mail server that writes down every letter it takes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "letters"

    def send(self, letter: Letter, key: str, _at: datetime) -> None:
        """One line a letter; what was written survives the writer."""
        with self.path.open("a") as file:
            file.write(f"{letter.to} {key}\n")


def _tell(folder: Path, at: datetime) -> None:
    engine = open_engine(f"sqlite:///{folder / 'store.db'}")
    while tell_due(engine, at):
        pass
    deliver_due(engine, {CORRECTION: correction_sender(engine, _Postbox(folder), SETTINGS)}, at)
    engine.dispose()


def _tell_and_be_killed(folder: Path, at: datetime, after: float) -> None:
    child = os.fork()
    if child == 0:
        _tell(folder, at)
        os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _report(page: Page, session: Session, chats: list[str], folder: Path) -> None:
    told = Counter(
        sum(turn.kind == CORRECTION for turn in turns_of(session, chat)) for chat in chats
    )
    page.add(
        "customers told of a correction in the chat, exactly once",
        f"{told[1]} of {len(chats)}",
        f"tellers killed {KILLS} times",
        told[1] == len(chats),
    )
    targets = session.exec(select(RecallTarget)).all()
    letters = Counter((folder / "letters").read_text().splitlines())
    wanted = sum(target.channel == EMAIL for target in targets)
    page.add(
        "… letters, each under a key of its own",
        f"{len(letters)} of {wanted}",
        f"{letters.total() - len(letters)} handed to the mail server again after a kill",
        len(letters) == wanted,
    )
    waiting = sum(target.told_at is None and not target.closed for target in targets)
    page.add("… left out", str(waiting), f"of {len(targets)} by chat, mail and desk", not waiting)
