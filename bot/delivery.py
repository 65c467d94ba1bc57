"""Outbox -> Telegram: most urgent first, in order within a chat, again after a failure, given up towards the ladder."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter, TelegramError

from bot.clock import Clock
from bot.lifeline import Lifeline
from bot.turn import Turn
from bot.wire import Wire, asked_to_wait
from storage import outbox, timers, updates
from storage.database import Store, Transaction
from storage.outbox import Letter

log = structlog.get_logger()

AT_ONCE = 24
"""Messages under way at the same time."""

SLOWEST = timedelta(minutes=5)
SLOWEST_PAGE = timedelta(seconds=15)
"""The longest pause before a message, or a page, is tried again."""

TRIES = 30
"""Attempts at a message that is no page. Pages are tried for ever."""

COURTESIES = frozenset({"editMessageText", "setMyCommands"})
"""Calls that the people can do without: dropped after a few tries, so that they never hold up a message."""

COURTESY_TRIES = 3


@dataclass(slots=True)
class Delivery:
    """Sends what the outbox holds. Woken after each commit; it also finds what a crash left behind."""

    store: Store
    wire: Wire
    turn: Turn
    lifeline: Lifeline
    clock: Clock
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    _done: list[Callable[[Transaction], None]] = field(default_factory=list)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def wake(self) -> None:
        """There may be something to send."""
        self.woken.set()

    async def run(self) -> None:
        """Send for ever. Outcomes are written in the transaction that claims the next messages."""
        try:
            while True:
                self.woken.clear()
                letters, next_due = await self._claim()
                for letter in letters:
                    task = asyncio.create_task(self._send(letter))
                    self._under_way.add(task)
                    task.add_done_callback(self._under_way.discard)
                if not letters and not self._done:
                    await self.clock.wait(next_due, self.woken)
        finally:
            for task in self._under_way:
                task.cancel()

    async def _claim(self) -> tuple[Sequence[Letter], Any]:
        done, self._done = self._done, []
        room = AT_ONCE - len(self._under_way)
        now = self.clock.now()

        def work(tx: Transaction) -> tuple[Sequence[Letter], Any]:
            for write in done:
                write(tx)
            tx.session.flush()
            letters = outbox.claim(tx, now=now, limit=room) if room > 0 else []
            return letters, None if letters or room <= 0 else outbox.next_due(tx, now)

        try:
            return await self.store.run(work)
        except Exception:
            self._done = done + self._done
            log.exception("the outbox cannot be read")
            return [], now + timedelta(seconds=1)

    async def _send(self, letter: Letter) -> None:
        try:
            outcome = await self._try(letter)
        except Exception:
            log.exception("sending failed", method=letter.method, letter=letter.id)
            outcome = self._later(letter)
        self._done.append(outcome)
        self.wake()

    async def _try(self, letter: Letter) -> Callable[[Transaction], None]:
        now = self.clock.now()
        if letter.chat_id is None:
            handed = await self.lifeline.page(letter.parameters["title"], letter.parameters["body"])
            return (lambda tx: outbox.sent(tx, letter, None, now=now)) if handed else self._later(letter)
        try:
            result = await self.wire.call(letter.method, letter.parameters)
        except RetryAfter as error:
            wait = asked_to_wait(error)
            log.info("told to wait", seconds=wait.total_seconds())
            return lambda tx: outbox.again(tx, letter, now + wait, spent=False)
        except InvalidToken:  # also what a server answers that does not know the method
            return self._dropped(letter) if letter.method in COURTESIES else self._later(letter)
        except Forbidden:
            return lambda tx: self._lost(tx, letter)
        except BadRequest as error:
            return self._refused(letter, error.message)
        except TelegramError as error:
            log.warning("not sent, will be tried again", method=letter.method, error=type(error).__name__)
            return self._later(letter)
        message_id = result.get("message_id") if isinstance(result, dict) else None
        return lambda tx: outbox.sent(tx, letter, message_id, now=now)

    def _later(self, letter: Letter) -> Callable[[Transaction], None]:
        """Try again, more and more slowly; a message that is no page is set aside after many tries."""
        if letter.method in COURTESIES and letter.attempt >= COURTESY_TRIES:
            return self._dropped(letter)
        if letter.attempt >= TRIES and letter.alert_id is None:
            return self._set_aside(letter, "too many tries")
        slowest = SLOWEST if letter.alert_id is None else SLOWEST_PAGE
        wait = min(timedelta(seconds=2 ** min(letter.attempt - 1, 10)), slowest)
        due = self.clock.now() + wait
        return lambda tx: outbox.again(tx, letter, due)

    def _lost(self, tx: Transaction, letter: Letter) -> None:
        """The chat is closed to us. A page goes to the next people at once."""
        now = self.clock.now()
        outbox.give_up(tx, letter)
        if letter.chat_id is not None:
            self.turn.channel_lost(tx, letter.chat_id, now=now)
        if letter.alert_id is not None:
            timers.hasten(tx, f"alert:{letter.alert_id}", now)

    def _dropped(self, letter: Letter) -> Callable[[Transaction], None]:
        log.info("a courtesy was dropped", method=letter.method, letter=letter.id)
        return lambda tx: outbox.give_up(tx, letter)

    def _refused(self, letter: Letter, reason: str) -> Callable[[Transaction], None]:
        if letter.method in COURTESIES:
            return self._dropped(letter)
        if "chat not found" in reason.lower():
            return lambda tx: self._lost(tx, letter)
        return self._set_aside(letter, reason)

    def _set_aside(self, letter: Letter, reason: str) -> Callable[[Transaction], None]:
        """Telegram will never take this message: keep it for a person, and tell operations."""
        now = self.clock.now()
        log.error("a message was refused and set aside", method=letter.method, letter=letter.id, reason=reason)

        def work(tx: Transaction) -> None:
            outbox.give_up(tx, letter)
            updates.set_aside(tx, letter.method, str(dict(letter.parameters)), reason, now=now)
            if letter.alert_id is not None:
                timers.hasten(tx, f"alert:{letter.alert_id}", now)
            self.lifeline.tell_operations(tx, "A message was refused and set aside.", now=now)

        return work
