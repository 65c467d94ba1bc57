"""The queue of updates that the bot has not confirmed yet, and the one long poll that may wait on it."""

import asyncio
from dataclasses import dataclass

from bot.clock import Clock
from bot.sandbox.errors import ApiError, conflict
from bot.sandbox.faults import FaultKind, Faults
from bot.sandbox.records import Json

KINDS = ("message", "edited_message", "callback_query", "my_chat_member")
_SECONDS_KEPT = {"callback_query": 150.0}
_DAY = 86_400.0
_FUTURE = 10


@dataclass
class Pending:
    """An update, the chat it belongs to and when Telegram forgets it, in seconds since 1970."""

    update: Json
    chat_id: int
    expires_at: float


class Updates:
    """Unconfirmed updates in order of their ids. Ids go up by one and survive in the world's file."""

    def __init__(self, clock: Clock, faults: Faults, first_id: int) -> None:
        self.pending: list[Pending] = []
        self.next_id = first_id
        self.allowed: list[str] = []
        self._clock = clock
        self._faults = faults
        self._poll: asyncio.Future[None] | None = None

    def put(self, kind: str, content: Json, chat_id: int) -> None:
        """Queue an update of a kind the bot allows; wakes the poll that waits."""
        if self.allowed and kind not in self.allowed:
            return
        expires_at = self._clock.now().timestamp() + _SECONDS_KEPT.get(kind, _DAY)
        self.pending.append(Pending({"update_id": self.next_id, kind: content}, chat_id, expires_at))
        self.next_id += 1
        self.wake()

    def acknowledge(self, offset: int) -> bool:
        """Forget all updates before `offset`, or all but the last `-offset`; whether there were any.

        An offset far in the future is ignored, as by Telegram: it belongs to another queue.
        """
        before = self.waiting()
        if offset < 0:
            self.pending = before[offset:]
        elif offset <= self.next_id + _FUTURE:
            self.pending = [p for p in before if p.update["update_id"] >= offset]
        return len(self.pending) != len(before)

    def discard(self, update_id: int) -> None:
        """Forget one update, which a webhook accepted."""
        self.pending = [p for p in self.pending if p.update["update_id"] != update_id]

    def waiting(self) -> list[Pending]:
        """Unconfirmed updates that are not too old: a message is kept for 24 hours, a tap for 150 seconds."""
        now = self._clock.now().timestamp()
        self.pending = [p for p in self.pending if p.expires_at > now]
        return self.pending

    async def poll(self, limit: int, seconds: int) -> list[Json]:
        """What getUpdates answers, after `seconds` of real time at the latest.

        Raises ApiError 409 in the poll that waits when another one, or a webhook, takes over.
        """
        self.interrupt(
            conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
        )
        if not self.waiting() and seconds > 0:
            await self._wait(seconds)
        return self._batch(limit)

    def interrupt(self, error: ApiError) -> None:
        """End the poll that waits, if any, with an error."""
        if self._poll and not self._poll.done():
            self._poll.set_exception(error)

    def wake(self) -> None:
        """End the poll that waits, if any, with what there is."""
        if self._poll and not self._poll.done():
            self._poll.set_result(None)

    async def _wait(self, seconds: int) -> None:
        poll = self._poll = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await poll
        except TimeoutError:
            pass
        finally:
            if self._poll is poll:
                self._poll = None

    def _batch(self, limit: int) -> list[Json]:
        batch = [p.update for p in self.waiting()[:limit]]
        if len(batch) > 1 and self._faults.take_of_updates(FaultKind.REORDER_UPDATES):
            batch.reverse()
        if batch and self._faults.take_of_updates(FaultKind.DUPLICATE_UPDATES):
            batch = [update for update in batch for _ in range(2)]
        return batch
