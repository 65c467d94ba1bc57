"""Outbox -> Telegram or a fallback channel: most urgent first, in order in a chat, and again after a failure."""

import asyncio
import html
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.clock import Clock
from bot.lifeline import Lifeline
from bot.turn import LOST, Turn
from bot.wire import Wire, asked_to_wait
from flows.lifecycle import UNTAKEN
from storage import alerts, outbox, timers, updates
from storage.database import Store, Transaction
from storage.outbox import Letter, Urgency
from storage.postgresql import is_passing

log = structlog.get_logger()
Result = TypeVar("Result")

AT_ONCE = 24
"""Messages under way at the same time."""

KEPT_FREE = 12
"""Further places, for pages and words of help only: hanging messages never hold them up."""

SLOWEST = timedelta(minutes=5)
SLOWEST_PAGE = timedelta(seconds=15)
"""The longest pause before a message, or a page, is tried again."""

TRIES = 30
"""Attempts at a message that is no page, and at any on a fallback channel. Pages on Telegram are tried for ever."""

COURTESIES = frozenset({"editMessageText", "editMessageReplyMarkup", "setMyCommands"})
"""Calls that the people can do without: dropped after a few tries, so that they never hold up a message."""

COURTESY_TRIES = 3
SECONDS_TO_FINISH = 3.0
SECONDS_HELD_UP = 0.5
"""After so long it is looked again whether another process has sent what a message waits for."""
LOOK_EVERY = timedelta(minutes=1)
"""How long nothing is found at most that another process queued, and then did not live to send."""


@dataclass(slots=True)
class Delivery:
    """Sends what the outbox holds. Woken after each commit; it also finds what a crash left behind."""

    store: Store
    wire: Wire
    turn: Turn
    lifeline: Lifeline
    clock: Clock
    timers_changed: Callable[[], None]
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    _done: list[tuple[Letter, Callable[[Transaction], None]]] = field(default_factory=list)
    _claiming: asyncio.Lock = field(default_factory=asyncio.Lock)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _under_way: dict[asyncio.Task[None], int | None] = field(default_factory=dict)

    def wake(self) -> None:
        """There may be something to send."""
        self.woken.set()

    async def run(self) -> None:
        """Send for ever. Outcomes are written in the transaction that claims the next messages."""
        try:
            while True:
                self.woken.clear()
                async with self._claiming:
                    letters, next_due, failed, held_up = await self._claim()
                    for letter in letters:
                        task = asyncio.create_task(self._send(letter))
                        self._under_way[task] = letter.chat_id
                        task.add_done_callback(self._under_way.pop)
                if held_up and not self._under_way:
                    with suppress(TimeoutError):  # another process sends, and tells nobody when it is done
                        async with asyncio.timeout(SECONDS_HELD_UP):
                            await self.woken.wait()
                elif failed or not (letters or self._done):
                    latest = self.clock.now() + LOOK_EVERY
                    await self.clock.wait(min(next_due or latest, latest), self.woken)
        finally:
            await self._finish(list(self._under_way))
            for task in self._under_way:
                task.cancel()

    async def arrived(self, chat_id: int) -> None:
        """Wait, not for long, until what is being sent to a chat has arrived and is written down. Never raises."""
        try:
            async with asyncio.timeout(SECONDS_TO_FINISH):
                while tasks := await self._sending_to(chat_id):
                    await self._finish(tasks)
                await self._finish([])
        except TimeoutError:
            log.info("still sending")
        except Exception:
            log.exception("what became of messages could not be written")

    async def _sending_to(self, chat_id: int) -> Sequence[asyncio.Task[None]]:
        async with self._claiming:
            return [task for task, chat in self._under_way.items() if chat == chat_id]

    async def _finish(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        if tasks:
            await asyncio.wait(tasks, timeout=SECONDS_TO_FINISH)
        if self._done:
            await self._write(lambda _tx: None)

    async def _claim(self) -> tuple[Sequence[Letter], datetime | None, bool, bool]:
        """The messages to send now, when to look again, whether the database failed, and whether one is held up."""
        now, room = self.clock.now(), AT_ONCE - len(self._under_way)
        least_urgent = Urgency.ROUTINE if room > 0 else Urgency.URGENT
        limit = room if room > 0 else room + KEPT_FREE

        def claim(tx: Transaction) -> tuple[Sequence[Letter], datetime | None, bool]:
            letters = outbox.claim(tx, now=now, limit=max(limit, 0), least_urgent=least_urgent)
            if letters or room <= 0:
                return letters, None, False
            return letters, outbox.next_due(tx, now), outbox.is_held_up(tx, now)

        try:
            letters, next_due, held_up = await self._write(claim)
            return letters, next_due, False, held_up
        except Exception:
            log.exception("the outbox cannot be read")
            return [], now + timedelta(seconds=1), True, False

    async def _write(self, then: Callable[[Transaction], Result]) -> Result:
        """Write down what became of the messages that were sent, and do `then` in the same transaction.

        One after another: whoever looks when the next message is due has seen what became of those before.
        """
        async with self._writing:
            done, self._done = self._done, []

            def work(tx: Transaction) -> Result:
                for letter, write in done:
                    self._write_one(tx, letter, write)
                return then(tx)

            try:
                result = await self.store.run(work)
            except Exception:
                self._done = done + self._done
                raise
        if done:
            self.timers_changed()
        return result

    def _write_one(self, tx: Transaction, letter: Letter, write: Callable[[Transaction], None]) -> None:
        """Write one outcome in a savepoint; one that cannot be written must not hold up the others."""
        try:
            with tx.session.begin_nested():
                write(tx)
        except Exception as error:
            if is_passing(error):
                raise
            log.exception("what became of a message could not be written", letter=letter.id)
            outbox.give_up(tx, letter, "what became of it could not be written")
            self.lifeline.tell_operations(tx, "A message was given up: see the log.", now=self.clock.now())
        tx.session.flush()

    async def _send(self, letter: Letter) -> None:
        try:
            outcome = await self._try(letter)
        except Exception as error:
            log.exception("sending failed", method=letter.method, letter=letter.id)
            outcome = self._later(letter, f"the program failed with {type(error).__name__}")
        self._done.append((letter, outcome))
        self.wake()

    async def _try(self, letter: Letter) -> Callable[[Transaction], None]:
        now = self.clock.now()
        if letter.chat_id is None:
            return await self._try_channel(letter)
        try:
            result = await self.wire.call(letter.method, letter.parameters)
        except RetryAfter as error:
            wait = asked_to_wait(error)
            log.info("told to wait", seconds=wait.total_seconds())
            return lambda tx: outbox.again(tx, letter, now + wait, "Telegram asked for silence", spent=False)
        except InvalidToken:  # also what a server answers that does not know the method
            reason = "Telegram does not know the token, or the method"
            return self._dropped(letter, reason) if letter.method in COURTESIES else self._later(letter, reason)
        except Forbidden:
            return lambda tx: self._lost(tx, letter)
        except BadRequest as error:
            if "parse_mode" in letter.parameters and "parse entities" in error.message:
                return await self._try(replace(letter, parameters=_without_markup(letter.parameters)))
            return self._refused(letter, error.message)
        except TelegramError as error:
            log.warning("not sent, will be tried again", method=letter.method, error=type(error).__name__)
            return self._later(letter, f"no answer from Telegram ({type(error).__name__})")
        message_id = result.get("message_id") if isinstance(result, dict) else None
        return lambda tx: self._sent(tx, letter, message_id, now)

    def _sent(self, tx: Transaction, letter: Letter, message_id: int | None, now: datetime) -> None:
        outbox.sent(tx, letter, message_id, now=now)
        if letter.alert_id is not None and letter.chat_id is not None and message_id is not None:
            self.turn.ladder.arrived(tx, letter.alert_id, letter.chat_id, message_id, now=now)

    async def _try_channel(self, letter: Letter) -> Callable[[Transaction], None]:
        """Hand a message to its fallback channel. One that it never takes is a case for the auditor."""
        channel = self.lifeline.channel(letter.parameters.get("channel", ""))
        if channel is None:
            log.error("a message was for a fallback channel that is gone", letter=letter.id, alert=letter.alert_id)
            return lambda tx: outbox.give_up(tx, letter, "its channel is no longer in FALLBACK_URLS")
        receipt, now = await channel.send(letter.parameters["title"], letter.parameters["body"]), self.clock.now()
        if receipt.taken:
            return lambda tx: outbox.sent(tx, letter, None, now=now)
        log.warning("not taken", channel=channel.name, letter=letter.id, alert=letter.alert_id, reason=receipt.reason)
        if letter.attempt >= TRIES:
            return lambda tx: outbox.give_up(tx, letter, f"tried {TRIES} times: {receipt.reason}")
        later = self._later(letter, receipt.reason)

        def unless_taken(tx: Transaction) -> None:
            alert = alerts.by_number(tx, letter.alert_id) if letter.alert_id is not None else None
            if alert is not None and alert.state not in UNTAKEN:
                outbox.give_up(tx, letter, f"somebody took the alert; before that: {receipt.reason}")
            else:
                later(tx)

        return unless_taken

    def _later(self, letter: Letter, reason: str) -> Callable[[Transaction], None]:
        """Try again, more and more slowly; a message that is no page is set aside after many tries."""
        if letter.method in COURTESIES and letter.attempt >= COURTESY_TRIES:
            return self._dropped(letter, reason)
        if letter.attempt >= TRIES and letter.alert_id is None:
            return self._set_aside(letter, "too many tries")
        slowest = SLOWEST if letter.alert_id is None or letter.chat_id is None else SLOWEST_PAGE
        wait = min(timedelta(seconds=2 ** min(letter.attempt - 1, 10)), slowest)
        due = self.clock.now() + wait
        return lambda tx: outbox.again(tx, letter, due, reason)

    def _lost(self, tx: Transaction, letter: Letter) -> None:
        """The chat is closed to us. A page goes to the next people at once."""
        now = self.clock.now()
        outbox.give_up(tx, letter, LOST)
        if letter.chat_id is not None:
            self.turn.channel_lost(tx, letter.chat_id, now=now)
        if letter.alert_id is not None:
            timers.hasten(tx, f"alert:{letter.alert_id}", alerts.PAGE, now)

    def _dropped(self, letter: Letter, reason: str) -> Callable[[Transaction], None]:
        log.info("a courtesy was dropped", method=letter.method, letter=letter.id)
        return lambda tx: outbox.give_up(tx, letter, reason)

    def _refused(self, letter: Letter, reason: str) -> Callable[[Transaction], None]:
        if letter.method in COURTESIES:
            return self._dropped(letter, _without_quotes(reason))
        if "chat not found" in reason.lower():
            return lambda tx: self._lost(tx, letter)
        return self._set_aside(letter, reason)

    def _set_aside(self, letter: Letter, reason: str) -> Callable[[Transaction], None]:
        """Telegram will never take this message: keep it for a person, and tell operations."""
        now = self.clock.now()
        log.error("a message was refused and set aside", method=letter.method, letter=letter.id, reason=reason)

        def work(tx: Transaction) -> None:
            outbox.give_up(tx, letter, _without_quotes(reason))
            updates.set_aside(tx, letter.method, str(dict(letter.parameters)), reason, now=now)
            page = f" It was a page of alert A-{letter.alert_id}." if letter.alert_id is not None else ""
            self.lifeline.tell_operations(tx, f"A message was refused and set aside.{page}", now=now)

        return work


def _without_quotes(reason: str) -> str:
    """What Telegram said, up to where it quotes the message."""
    return re.split(r"[\"']", reason)[0].strip()


def _without_markup(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same message as plain text: better without bold words than not at all."""
    plain = html.unescape(re.sub(r"<[^<>]*>", "", parameters["text"]))
    return {key: value for key, value in {**parameters, "text": plain}.items() if key != "parse_mode"}
