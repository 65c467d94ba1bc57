"""Long poll or webhook. An update is confirmed after its commit; one patient at a time, patients in parallel."""

import asyncio
import hmac
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog
from starlette.requests import Request
from starlette.responses import Response
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot import inbound
from bot.clock import Clock
from bot.delivery import Delivery
from bot.lifeline import Lifeline
from bot.turn import Turn
from bot.wire import KINDS_OF_UPDATES, Wire, asked_to_wait
from flows.events import Said
from storage import updates
from storage.database import Store, Transaction

log = structlog.get_logger()

TRIES = 3
"""How often an update is tried before it is set aside."""

REFUSED_LATELY = timedelta(minutes=5)
FIRST_PAUSE = 0.5
SLOWEST_SECONDS = 30.0
LARGEST_ID = 2**63 - 1
WEBHOOK_PATH = "/telegram"
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the name of a header)


class NotKeptError(Exception):
    """An update could be neither handled nor set aside: it must not be confirmed."""


@dataclass(slots=True)
class Receiver:
    """Takes updates in, by polling or by webhook, and says so to Telegram only when they are on disk."""

    store: Store
    wire: Wire
    turn: Turn
    lifeline: Lifeline
    delivery: Delivery
    clock: Clock
    committed: Callable[[], None]
    unheard_since: datetime | None = None
    """Since when Telegram has not given us its updates; None when the last attempt went well."""
    _locks: WeakValueDictionary[int, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _answers: set[asyncio.Task[None]] = field(default_factory=set)

    async def poll(self) -> None:
        """Long polling for ever. The offset moves when every update of a batch was committed or set aside."""
        offset: int | None = None
        pause = FIRST_PAUSE
        while True:
            asked = self._loop_time()
            try:
                batch = await self.wire.raw_updates(offset)
                await self.take(batch)
            except RetryAfter as error:
                self._heard(False)
                await asyncio.sleep(asked_to_wait(error).total_seconds())
                continue
            except (TelegramError, NotKeptError) as error:
                self._heard(False)
                await self._explain(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, SLOWEST_SECONDS)
                continue
            self._heard(True)
            pause = FIRST_PAUSE
            numbers = (raw.get("update_id") for raw in batch if isinstance(raw, Mapping))
            ids = [number for number in numbers if isinstance(number, int)]
            offset = max(ids) + 1 if ids else offset
            if not ids and self._loop_time() - asked < FIRST_PAUSE:  # a server that does not hold a poll
                await asyncio.sleep(FIRST_PAUSE)

    def _heard(self, well: bool) -> None:
        self.unheard_since = None if well else self.unheard_since or self.clock.now()

    def _loop_time(self) -> float:
        return asyncio.get_running_loop().time()

    async def start_webhook(self, url: str, secret: str) -> None:
        """Ask Telegram to send updates to `url`."""
        parameters = {"url": url, "secret_token": secret, "allowed_updates": KINDS_OF_UPDATES, "max_connections": 40}
        await self.wire.call("setWebhook", parameters)

    async def ask_about_webhook(self, url: str) -> None:
        """Ask Telegram whether updates reach `url`: they do not when some wait and one was refused lately.

        Never raises.
        """
        try:
            info = await self.wire.call("getWebhookInfo", {})
            refused_at = datetime.fromtimestamp(info.get("last_error_date", 0), UTC)
            refused = info.get("pending_update_count", 0) > 0 and self.clock.now() - refused_at < REFUSED_LATELY
            self._heard(info.get("url") == url and not refused)
        except Exception as error:  # noqa: BLE001 (no answer, or one that makes no sense: then it is not known to be well)
            log.warning("Telegram does not tell of the webhook", error=type(error).__name__)
            self._heard(False)

    async def webhook(self, request: Request, secret: str) -> Response:
        """One update by HTTP: 200 when it is on disk, so that Telegram sends it again otherwise."""
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return Response("wrong secret\n", status_code=403)
        try:
            raw = json.loads(await request.body())
        except (ValueError, RecursionError):
            return Response("not JSON\n", status_code=400)
        try:
            await self.take([raw])
        except NotKeptError:
            return Response("try again\n", status_code=500)
        return Response()

    async def take(self, batch: Sequence[Any]) -> None:
        """Handle updates: those of one chat in order, chats in parallel. Raises NotKeptError."""
        by_chat: defaultdict[int, list[Any]] = defaultdict(list)
        for raw in batch:
            by_chat[_chat_of(raw)].append(raw)
        outcomes = await asyncio.gather(*map(self._take_in_order, by_chat, by_chat.values()), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _take_in_order(self, chat_id: int, batch: Sequence[Any]) -> None:
        lock = self._locks.setdefault(chat_id, asyncio.Lock())
        async with lock:
            for raw in batch:
                await self._handle(raw)

    async def _handle(self, raw: Any) -> None:
        try:
            incoming = inbound.read(raw, self.wire)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with it, it must not block the others)
            await self._set_aside(raw, error)
            return
        if incoming is None:
            return
        if isinstance(incoming.event, Said):
            await self.delivery.arrived(incoming.chat_id)
        now = self.clock.now()
        for attempt in range(1, TRIES + 1):
            try:
                toast = await self.store.run(lambda tx: self.turn.update(tx, incoming, now=now))
                break
            except Exception as error:
                log.exception("an update failed", update=incoming.update_id, attempt=attempt)
                if attempt == TRIES:
                    await self._set_aside(raw, error)
                    return
        self.committed()
        if incoming.callback_id is not None:
            self._answer(incoming.callback_id, toast)

    async def _set_aside(self, raw: Any, error: Exception) -> None:
        """Keep what could not be handled for a person, and page one when it was a patient's."""
        now, content = self.clock.now(), json.dumps(raw, default=str)
        update_id = _number(raw)
        log.error("an update was set aside", update=update_id, error=type(error).__name__)

        def keep(tx: Transaction) -> None:
            if update_id is not None and not updates.is_new(tx, self.turn.bot_id, update_id, now=now):
                return
            updates.set_aside(tx, "update", content, type(error).__name__, now=now)
            self.lifeline.tell_operations(tx, "An update could not be handled and was set aside.", now=now)

        def keep_and_page(tx: Transaction) -> None:
            keep(tx)
            if _chat_of(raw) > 0:
                self.turn.failed(tx, _chat_of(raw), now=now)

        for work in (keep_and_page, keep):
            try:
                await self.store.run(work)
                self.committed()
                return
            except Exception:
                log.exception("an update could not be set aside", update=update_id)
        raise NotKeptError("an update could not even be set aside")

    def _answer(self, callback_id: str, toast: str | None) -> None:
        """Take the waiting sign off a tapped button. Worth a try, not a promise: the words that matter are messages."""

        async def answer() -> None:
            try:
                await self.wire.call("answerCallbackQuery", {"callback_query_id": callback_id, "text": toast or None})
            except TelegramError as error:
                log.info("a tap was not answered", error=type(error).__name__)

        task = asyncio.create_task(answer())
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _explain(self, error: Exception) -> None:
        if isinstance(error, Conflict):
            log.error("another process polls with this token, or a webhook is set: only one can receive")
            with suppress(TelegramError):
                await self.wire.call("deleteWebhook", {})
        elif isinstance(error, InvalidToken):
            log.error("Telegram does not accept TELEGRAM_BOT_TOKEN any more")
        else:
            log.warning("no updates could be taken, trying again", error=type(error).__name__)


def _chat_of(raw: Any) -> int:
    """The chat of anything at all; 0 when it has none that could be."""
    try:
        chat_id = inbound.chat_of(raw)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return 0
    return chat_id if abs(chat_id) <= LARGEST_ID else 0


def _number(raw: Any) -> int | None:
    """The number of an update, if it has one that can be kept."""
    number = raw.get("update_id") if isinstance(raw, Mapping) else None
    return number if isinstance(number, int) and 0 <= number <= LARGEST_ID else None
