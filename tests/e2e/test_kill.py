"""kill -9 of the real process in mid-intake: nothing lost, nothing asked twice with another meaning (P1–P3)."""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from bot.app import open_memory
from bot.sandbox import Person, Sandbox, serve
from flows.answers import choices
from flows.listener import Signal
from flows.values import Place
from storage import conversations, patients
from storage.database import Transaction
from storage.tables import AnswerRow
from tests.world import free_port, settings_for

PATIENTS = 6
KILLS = 5


@asynccontextmanager
async def process(folder: Path, *arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`taperline` as an operator starts it, with only these settings."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


def short_intake(folder: Path) -> Path:
    """A clinic's folder with an intake of twenty questions of every simple kind, where no answer worries anybody."""
    codes = [{"valueCoding": {"system": "urn:test", "code": code, "display": code}} for code in ("Red", "Blue", "Grey")]
    kinds: list[dict[str, Any]] = [
        {"type": "boolean", "required": True},
        {"type": "choice", "answerOption": codes},
        {"type": "string", "required": True},
        {"type": "choice", "required": True, "answerOption": codes},
    ]
    items = [{"linkId": f"q{number}", "text": f"What of {number}?", **kinds[number % 4]} for number in range(20)]
    form = {"resourceType": "Questionnaire", "status": "active", "item": items}
    (folder / "questionnaires").mkdir(parents=True)
    (folder / "questionnaires" / "intake.yaml").write_text(json.dumps(form), encoding="utf-8")
    # Ours look at our own intake.
    rules = [rule(signal, {"question": "%signal", "operator": "=", "answer": signal}) for signal in Signal]
    rules.append(rule("X0", {"question": "%failed", "operator": "=", "answer": True}))
    (folder / "redflags.yaml").write_text(json.dumps(rules), encoding="utf-8")
    (folder / "triage.yaml").write_text("[]", encoding="utf-8")
    return folder


def rule(rule_id: str, when: dict[str, Any]) -> dict[str, Any]:
    """A rule as it stands in redflags.yaml."""
    words = {"title": "A rule", "rationale": "It must be heard.", "source": "This test"}
    return {"id": rule_id, "owners": ["staff"], "cases": [{"tier": "routine", "when": when}], **words}


def buttons(message: dict[str, Any]) -> list[dict[str, str]]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


class Simulated:
    """A patient who answers whatever is asked, with a seeded choice, and remembers what they said to which question."""

    def __init__(self, sandbox: Sandbox, person: Person, seed: int) -> None:
        self.sandbox, self.person, self.random = sandbox, person, random.Random(seed)
        self.said: dict[str, str] = {}
        self.answered: set[str] = set()

    @property
    def finished(self) -> bool:
        return any("asked for a consultation" in message["text"] for message in self.sandbox.messages(self.person))

    def act(self) -> bool:
        """Answer the newest open question, if it was not answered before. Whether something was done."""
        for message in reversed(self.sandbox.messages(self.person)):
            data = [button["callback_data"] for button in buttons(message)]
            if not message["from"]["is_bot"]:
                return False
            begin = next((datum for datum in data if datum.startswith("b:")), None)
            if begin is not None and begin not in self.answered:
                self.answered.add(begin)
                self.sandbox.tap(self.person, message["message_id"], begin)
                return True
            if "of about" in message["text"]:
                return self._answer(message)
            send = next((datum for datum in data if datum.startswith("p:") and datum.endswith(":s")), None)
            if send is not None and send not in self.answered:
                self.answered.add(send)
                self.sandbox.tap(self.person, message["message_id"], send)
                return True
        return False

    def _answer(self, message: dict[str, Any]) -> bool:
        question = message["text"].split("\n\n")[-2].split("\n")[0]
        if question in self.said:
            return False
        choices = [button for button in buttons(message) if button["callback_data"].startswith("a:")]
        if choices:
            button = self.random.choice(choices)
            self.said[question] = button["text"]
            self.sandbox.tap(self.person, message["message_id"], button["callback_data"])
        else:
            self.said[question] = f"Word {self.random.randrange(1000)}"
            self.sandbox.say(self.person, self.said[question])
        return True


@pytest.mark.parametrize("by", ["polling", "webhook"])
async def test_p1_p3_kill_9_loses_nothing_and_doubles_nothing(tmp_path: Path, by: str) -> None:
    sandbox = Sandbox()
    chance = random.Random(7)
    people = [Simulated(sandbox, sandbox.add_user(f"Patient{number}"), number) for number in range(PATIENTS)]
    async with serve(sandbox) as url, asyncio.timeout(300):
        settings = {
            "TELEGRAM_BOT_TOKEN": sandbox.token,
            "TELEGRAM_BASE_URL": url,
            "DATABASE_URL": "sqlite:///taperline.db",
            "CONTENT_DIR": str(short_intake(tmp_path / "content")),
        }
        if by == "webhook":
            port = str(free_port())
            settings |= {"PUBLIC_URL": f"http://127.0.0.1:{port}", "PORT": port}
        for person in people:
            sandbox.start(person.person)
        kills = 0
        while not all(person.finished for person in people):
            async with process(tmp_path, "run", **settings) as bot:
                until = len(sandbox.calls) + chance.randrange(20, 120) if kills < KILLS else sys.maxsize
                while len(sandbox.calls) < until and not all(person.finished for person in people):
                    for person in people:
                        person.act()
                    seen = len(sandbox.calls)
                    await sandbox.wait_for(lambda seen=seen: len(sandbox.calls) > seen, timeout=30)
                assert bot.returncode is None, "the bot stopped by itself"
                bot.send_signal(signal.SIGKILL)
                kills += 1
        assert kills > KILLS
        store = open_memory(settings_for(tmp_path, url))
        for person in people:
            kept = await store.run(lambda tx, chat=person.person.id: stored(tx, chat))
            assert kept == list(person.said.items())
        store.close()


def stored(tx: Transaction, chat_id: int) -> list[tuple[str, str]]:
    """Every answer that was stored for a patient, in order: the text of the question, and the words of the answer."""
    patient = patients.by_chat(tx, chat_id)
    assert patient is not None
    [(conversation, _)] = conversations.of_patient(tx, patient.id)
    rows = tx.session.exec(
        select(AnswerRow).where(AnswerRow.conversation_id == conversation.id).order_by(col(AnswerRow.id))
    )
    found = []
    for row in rows:
        item = conversation.questionnaire.find(row.link_id)
        assert item is not None
        labels = dict(choices(item))
        values = conversation.answers[Place(row.link_id)]
        found.append((item.text, " ".join(labels.get(value, str(value)) for value in values) or "Skip"))
    return found


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
async def test_it_stops_within_five_seconds(tmp_path: Path, signal_number: signal.Signals) -> None:
    sandbox = Sandbox()
    async with serve(sandbox) as url:
        settings = {
            "TELEGRAM_BOT_TOKEN": sandbox.token,
            "TELEGRAM_BASE_URL": url,
            "DATABASE_URL": "sqlite:///taperline.db",
        }
        async with process(tmp_path, "run", **settings) as bot:
            await sandbox.wait_for(lambda: any(call.method == "getUpdates" for call in sandbox.calls), timeout=30)
            bot.send_signal(signal_number)
            async with asyncio.timeout(5):
                assert await bot.wait() == 0
