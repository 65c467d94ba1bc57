"""The whole bot against the sandbox over real HTTP, with phones that read every message in turn."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import exists, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col, func, select

from bot.app import App, running
from bot.clock import MovableClock
from bot.sandbox import Person, Sandbox, serve
from bot.sandbox.records import Role as SandboxRole
from bot.settings import Settings
from flows.escalation import Role
from storage import clinicians
from storage.database import Transaction
from storage.outbox import WAITING
from storage.tables import OutboxRow, TimerRow
from tests.databases import KEYRING, Database

MONDAY = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
"""Ten in the morning in San Francisco."""


CALM = {
    "Is that all right for you?": "Yes, let us begin",
    "How old are you?": "18 to 44",
    "Can you come here?": "Yes",
    "Which medicine is it?": "Clonazepam",
    "on a usual day, all together": "0,5",
    "What should we call you?": "Sam Doe",
    "best phone number": "415 555 0100",
    "hours do you sleep": "7",
}
"""Answers to the clinic's own questions that worry nobody, by words of the question."""
ALONE = ("None of these", "No", "Yes, as agreed")
"""Answers that go with no other, and so finish a question with several."""
QUIET = ("Skip", "None of these", "No", "Not at all", "None", "Never", "No, this is the first time")
"""Buttons that worry nobody, under any other question; where there is none of them, the first one."""


@dataclass
class Phone:
    """One person's chat with the bot. Every message of the bot must be read: an unread one fails the test."""

    world: "World"
    person: Person
    read: int = 0

    @property
    def unread(self) -> list[dict[str, Any]]:
        """The bot's messages that were not read yet, as they stand now."""
        return [message for message in self.world.sandbox.messages(self.person) if message["from"]["is_bot"]][
            self.read :
        ]

    async def gets(self, *words: str) -> dict[str, Any]:
        """Read the next message, which must hold these words."""
        await self.world.sandbox.wait_for(lambda: self.unread)
        message: dict[str, Any] = self.unread[0]
        self.read += 1
        for word in words:
            assert word in message["text"], f"{self.person.first_name} expected {word!r}, got: {message['text']}"
        return message

    async def sees(self, *words: str) -> None:
        """Wait until a message that was read before shows these words, because it was edited."""
        await self.world.sandbox.wait_for(lambda: self.shows(*words))

    def shows(self, *words: str) -> bool:
        """Whether a message shows these words now."""
        messages = self.world.sandbox.messages(self.person)
        return any(all(word in message.get("text", "") for word in words) for message in messages)

    async def gets_nothing(self) -> None:
        """When everything has settled, there is nothing to read."""
        await self.world.settled()
        unread = [message["text"] for message in self.unread]
        assert not unread, f"{self.person.first_name} got: {unread}"

    def says(self, text: str, **more: Any) -> None:
        """Type and send."""
        self.world.sandbox.say(self.person, text, **more)

    def starts(self, payload: str = "") -> None:
        """Press Start."""
        self.world.sandbox.start(self.person, payload)

    def taps(self, label: str) -> str:
        """Tap the newest button whose words begin so; returns the id of the tap."""
        message, row, column = self._button(label)
        return self.world.sandbox.tap(self.person, message["message_id"], row=row, column=column)

    async def answers(self, *labels: str) -> None:
        """Tap one answer after another, reading the question before each."""
        for label in labels:
            await self.gets()
            self.taps(label)

    async def goes(self, until: str, **given: str) -> dict[str, Any]:
        """Answer one question after another, quietly but for what is given, to a message with these words.

        The name of what is given stands for words of the question, with `_` for spaces: `seizure="Not sure"`.
        """
        for _ in range(150):
            message = await self.gets()
            text = message["text"]
            if until in text:
                return message
            labels = [label.removeprefix("☐ ") for label in self.labels(message)]
            wanted = (words for question, words in given.items() if question.replace("_", " ") in text)
            calm = (words for question, words in CALM.items() if question in text)
            words = (
                next(wanted, None) or next(calm, None) or next((word for word in QUIET if word in labels), labels[0])
            )
            if not any(label.startswith(words) for label in labels):
                self.says(words)
                continue
            several = not any(label.startswith(words) for label in self.labels(message))
            self.taps(f"☐ {words}" if several else words)
            if several and words not in ALONE:
                await self.sees("So far:")
                self.taps("That is all")
        raise AssertionError("it never ends")

    def labels(self, message: dict[str, Any]) -> list[str]:
        """The words on a message's buttons."""
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        return [button["text"] for row in rows for button in row]

    def _button(self, label: str) -> tuple[dict[str, Any], int, int]:
        for message in reversed(self.world.sandbox.messages(self.person)):
            for row, buttons in enumerate(message.get("reply_markup", {}).get("inline_keyboard", [])):
                for column, button in enumerate(buttons):
                    if button["text"].startswith(label):
                        return message, row, column
        seen = [message.get("text") for message in self.world.sandbox.messages(self.person)][-3:]
        raise AssertionError(f"{self.person.first_name} has no button {label!r}; the last messages are {seen}")


@dataclass
class World:
    """The sandbox, the bot, a clock that stands still until it is moved, and the people."""

    sandbox: Sandbox
    clock: MovableClock
    settings: Settings
    bot: AsyncExitStack = field(default_factory=AsyncExitStack)
    phones: list[Phone] = field(default_factory=list)
    app: App = field(init=False)

    async def start(self) -> None:
        """Start the bot."""
        self.app = await self.bot.enter_async_context(running(self.settings, self.sandbox.token, self.clock))

    async def restart(self) -> None:
        """Take the bot down and start it again on the same database."""
        await self.bot.aclose()
        await self.start()

    def patient(self, name: str = "Sam") -> Phone:
        """A new patient's phone."""
        return self._phone(self.sandbox.add_user(name))

    async def clinician(self, name: str = "Dr. Lee", role: Role = Role.PHYSICIAN) -> Phone:
        """The phone of a clinician who has opened their invitation and read the welcome."""
        now = self.clock.now()
        token = await self.app.store.run(lambda tx: clinicians.invite(tx, name, role, now=now))
        phone = self._phone(self.sandbox.add_user(name, role=SandboxRole.CLINICIAN))
        phone.starts(token)
        await phone.gets("Welcome", name)
        await self.settled()
        return phone

    def _phone(self, person: Person) -> Phone:
        phone = Phone(self, person)
        self.phones.append(phone)
        return phone

    async def nothing_more(self) -> None:
        """When everything has settled, nobody has anything to read."""
        for phone in self.phones:
            await phone.gets_nothing()

    async def audited(self) -> None:
        """The auditor has looked at this minute; more may be waiting than it can wait for."""
        async with asyncio.timeout(10):
            while self.app.auditor.due_at <= self.clock.now():  # noqa: ASYNC110 (lets the bot's own tasks run)
                await asyncio.sleep(0)

    async def passes(self, time: timedelta) -> None:
        """When everything has settled, time goes by; and what was due has happened."""
        await self.settled()
        self.sandbox.advance(time)
        await self.settled()

    async def is_quiet(self) -> None:
        """When everything has settled, nobody has anything left to read."""
        await self.settled()
        unread = {phone.person.first_name: [message["text"] for message in phone.unread] for phone in self.phones}
        assert not any(unread.values()), f"nobody expected: {unread}"

    async def settled(self) -> None:
        """Every update was handled, every due timer has rung, every due message was sent, and the auditor looked."""
        async with asyncio.timeout(10):
            await self.sandbox.wait_for(lambda: not self.sandbox.updates.pending, timeout=10)
            while await self.app.store.run(self._waiting) or self.app.auditor.due_at <= self.clock.now():  # noqa: ASYNC110 (lets the bot's own tasks run)
                await asyncio.sleep(0)

    def _phone(self, person: Person) -> Phone:
        phone = Phone(self, person)
        self.phones.append(phone)
        return phone

    def _waiting(self, tx: Transaction) -> int:
        now = self.clock.now()
        ahead = aliased(OutboxRow)
        held_up = exists().where(  # by one that is tried again later
            col(ahead.recipient) == OutboxRow.recipient,
            col(ahead.state).in_(WAITING),
            col(ahead.due_at) > now,
            tuple_(ahead.urgency, ahead.id) < tuple_(OutboxRow.urgency, OutboxRow.id),
        )
        messages = select(func.count()).where(col(OutboxRow.state).in_(WAITING), OutboxRow.due_at <= now, ~held_up)
        timers = select(func.count()).where(TimerRow.due_at <= now)
        return tx.session.exec(messages).one() + tx.session.exec(timers).one()


@asynccontextmanager
async def world(
    folder: Path,
    *,
    database: Database | None = None,
    webhook: bool = False,
    content_dir: Path | None = None,
    fallback: Sequence[str] = (),
    heartbeat: str | None = None,
) -> AsyncIterator[World]:
    """A running world with a new SQLite file in a folder, or another database, the clinic's own content, if it has any,
    and what is outside.
    """
    clock = MovableClock(frozen_at=MONDAY)
    sandbox = Sandbox(clock=clock)
    async with serve(sandbox) as url, AsyncExitStack() as stack:
        settings = settings_for(folder, url).model_copy(update={"content_dir": content_dir})
        outside = {
            "fallback_urls": tuple(map(SecretStr, fallback)),
            "heartbeat_url": heartbeat and SecretStr(heartbeat),
        }
        settings = settings.model_copy(update=outside)
        if database is not None:
            keys = {"database_url": database.url, "taperline_keys": SecretStr(KEYRING.text())}
            settings = settings.model_copy(update=keys)
        if webhook:
            port = free_port()
            settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{port}", "port": port})
        here = World(sandbox, clock, settings)
        stack.push_async_callback(here.bot.aclose)
        await here.start()
        yield here


def settings_for(folder: Path, url: str) -> Settings:
    """Settings for a bot that talks to a Bot API server at `url`, without what the machine's environment says."""
    return Settings(_env_file=None, telegram_base_url=url, database_url=f"sqlite:///{folder}/taperline.db")  # type: ignore[call-arg]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
