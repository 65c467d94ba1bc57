"""What time it is, and waiting for a time: injected everywhere, so that a test or the sandbox can move it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of aware UTC time. Nothing in the program asks the machine for the time in any other way."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""

    async def wait(self, until: datetime | None, woken: asyncio.Event) -> None:
        """Return when `until` is reached (None: never) or `woken` is set; `woken` is then cleared."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def wait(self, until: datetime | None, woken: asyncio.Event) -> None:
        timeout = None if until is None else max(0.0, (until - self.now()).total_seconds())
        try:
            async with asyncio.timeout(timeout):
                await woken.wait()
        except TimeoutError:
            pass
        woken.clear()


class MovableClock:
    """A clock that a person or a test moves. It runs with the machine's clock, or stands still at `frozen_at`."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._frozen_at = frozen_at
        self._offset = timedelta()
        self._moved: set[asyncio.Event] = set()

    def now(self) -> datetime:
        return (self._frozen_at or datetime.now(UTC)) + self._offset

    def advance(self, by: timedelta) -> None:
        """Move time forward and wake everyone who waits for an instant. Time never goes back."""
        if by < timedelta():
            raise ValueError("a clock is only moved forward")
        self._offset += by
        for event in self._moved:
            event.set()

    async def wait(self, until: datetime | None, woken: asyncio.Event) -> None:
        moved = asyncio.Event()
        self._moved.add(moved)
        try:
            while not woken.is_set() and (until is None or self.now() < until):
                moved.clear()
                running = until is not None and self._frozen_at is None
                timeout = (until - self.now()).total_seconds() if running and until is not None else None
                waits = [asyncio.ensure_future(moved.wait()), asyncio.ensure_future(woken.wait())]
                try:
                    await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for waiting in waits:
                        waiting.cancel()
        finally:
            self._moved.discard(moved)
        woken.clear()
