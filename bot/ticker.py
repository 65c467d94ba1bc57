"""Due timers -> the same turn; the clock is injected."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.lifeline import Lifeline
from bot.turn import Turn
from storage import timers, updates
from storage.database import Store, Transaction

log = structlog.get_logger()

AT_ONCE = 200
REMEMBER_UPDATES = timedelta(days=30)
"""Telegram keeps an update for a day; a month leaves room for doubt."""

AFTER_FAILURE = timedelta(minutes=1)


@dataclass(slots=True)
class Ticker:
    """Brings back what is due. Each timer is its own transaction."""

    store: Store
    turn: Turn
    lifeline: Lifeline
    clock: Clock
    committed: Callable[[], None]
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """There may be a timer that is due sooner than the one waited for."""
        self.woken.set()

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            self.woken.clear()
            until: datetime | None
            try:
                until = await self.tick()
            except Exception:
                log.exception("the timers cannot be read")
                until = self.clock.now() + timedelta(seconds=1)
            await self.clock.wait(until, self.woken)

    async def tick(self) -> datetime | None:
        """Handle everything that is due, and say when to look again."""
        now = self.clock.now()
        while lines := await self.store.run(lambda tx: timers.due_in_lines(tx, now, AT_ONCE)):
            await asyncio.gather(*map(self._handle_in_order, lines))
            self.committed()
        return await self.store.run(self._tidy)

    async def _handle_in_order(self, line: Sequence[int]) -> None:
        for timer_id in line:
            await self._handle(timer_id)

    async def _handle(self, timer_id: int) -> None:
        now = self.clock.now()
        try:
            await self.store.run(lambda tx: self.turn.timer(tx, timer_id, now=now))
        except Exception:
            log.exception("a timer failed and is put off", timer=timer_id)
            await self.store.run(lambda tx: self._put_off(tx, timer_id, now))

    def _put_off(self, tx: Transaction, timer_id: int, now: datetime) -> None:
        if timers.put_off(tx, timer_id, now + AFTER_FAILURE) == 1:
            self.lifeline.tell_operations(tx, "A timer failed. It is tried again every minute; see the log.", now=now)

    def _tidy(self, tx: Transaction) -> datetime | None:
        updates.forget_before(tx, self.clock.now() - REMEMBER_UPDATES)
        return timers.next_due(tx)
