"""The parts put together: settings in, a running bot out."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot import check, web
from bot.auditor import Auditor
from bot.clock import Clock
from bot.delivery import Delivery
from bot.heartbeat import Heartbeat
from bot.lifeline import Lifeline
from bot.receiver import WEBHOOK_PATH, Receiver
from bot.settings import Settings, SettingsError
from bot.ticker import Ticker
from bot.turn import Turn
from bot.wire import Wire, asked_to_wait
from storage import outbox
from storage.address import database_file
from storage.cipher import Keyring, keyring_from_file
from storage.database import Store, is_made, open_store, use

log = structlog.get_logger()

KEY_FILE = "taperline.keys"


@dataclass(slots=True)
class App:
    """The bot's parts, put together and running."""

    store: Store
    wire: Wire
    turn: Turn
    receiver: Receiver
    delivery: Delivery
    ticker: Ticker
    auditor: Auditor
    task: asyncio.Task[None]


def key_file(settings: Settings) -> Path:
    """Where the keys are kept when TAPERLINE_KEYS is empty: beside the database."""
    database = database_file(settings.database_url)
    return (database.parent if database is not None else Path("data")) / KEY_FILE


def read_keys(settings: Settings) -> Keyring:
    """The keys of TAPERLINE_KEYS or of the key file, which is made with a new database. Raises KeysError."""
    if settings.taperline_keys is not None:
        return Keyring.parse(settings.taperline_keys.get_secret_value(), source="TAPERLINE_KEYS")
    file = key_file(settings)
    is_new = not file.exists()
    keyring = keyring_from_file(file, create=is_new and not is_made(settings.database_url))
    if is_new:
        log.warning(
            f"A new key was made in {file}. Without it nobody can read the answers: back it up, away from them."
        )
    return keyring


def open_memory(settings: Settings) -> Store:
    """The database with its keys. Raises KeysError or DatabaseError."""
    return open_store(settings.database_url, read_keys(settings))


@asynccontextmanager
async def running(settings: Settings, token: str, clock: Clock) -> AsyncIterator[App]:
    """A bot that runs until the block ends; `app.task` ends early only by an error.

    Raises a TaperlineError, with one sentence and the remedy, when it cannot start.
    """
    async with AsyncExitStack() as stack:
        content, renderer = check.load(settings.content_dir)
        content.listener.hear("The first sentence loads the encoder; it should not be a patient's.")
        lifeline = Lifeline.open([url.get_secret_value() for url in settings.fallback_urls])
        if not lifeline.channels:
            log.warning("FALLBACK_URLS is empty: when Telegram fails, nobody is paged")
        using = use(settings.database_url)
        stack.callback(using.release)
        keyring = read_keys(settings)
        store = open_store(settings.database_url, keyring)
        stack.callback(store.close)
        if using.is_first:
            await store.run(outbox.release)
        listener = web.listen(settings.host, settings.port) if settings.public_url is not None else None
        if listener is not None:
            stack.callback(listener.close)
        wire = await stack.enter_async_context(_reached(token, settings.telegram_base_url))
        turn = Turn.build(content, renderer, wire.id, lifeline)

        timers_changed = asyncio.Event()
        delivery = Delivery(store, wire, turn, lifeline, clock, timers_changed.set)
        ticker = Ticker(store, turn, lifeline, clock, delivery.wake, timers_changed)

        def committed() -> None:
            delivery.wake()
            ticker.wake()

        receiver = Receiver(store, wire, turn, lifeline, delivery, clock, committed)
        url = f"{settings.public_url}{WEBHOOK_PATH}" if settings.public_url is not None else None
        heartbeat = Heartbeat(settings.heartbeat_url)
        auditor = Auditor(store, turn.ladder, lifeline, receiver, heartbeat, clock, committed, url)
        await _optional(wire.call("setMyCommands", {"commands": renderer.menu()}))
        if listener is not None and url is not None:
            secret = _webhook_secret(settings, keyring)
            await stack.enter_async_context(web.serving(_site(receiver, secret), listener))
            remedy = f"{settings.telegram_base_url} does not accept the webhook {url}. Check PUBLIC_URL."
            start = partial(receiver.start_webhook, url, secret)
            await _until_reached(start, settings.telegram_base_url, remedy)
        else:
            await _optional(wire.call("deleteWebhook", {}))
        task = asyncio.create_task(_run(receiver if listener is None else None, delivery, ticker, auditor))
        log.info("running", bot=wire.username, by="polling" if listener is None else "webhook")
        try:
            yield App(store, wire, turn, receiver, delivery, ticker, auditor, task)
        finally:
            task.cancel()
            await asyncio.wait([task])


async def _run(poller: Receiver | None, delivery: Delivery, ticker: Ticker, auditor: Auditor) -> None:
    """Deliver, tick, audit and, without a webhook, poll. A part that dies takes the others down, loudly."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(delivery.run())
        tasks.create_task(ticker.run())
        tasks.create_task(auditor.run())
        if poller is not None:
            tasks.create_task(poller.poll())


def _site(receiver: Receiver, secret: str) -> uvicorn.Config:
    async def receive(request: Request) -> Response:
        return await receiver.webhook(request, secret)

    site = Starlette(routes=[Route(WEBHOOK_PATH, receive, methods=["POST"])])
    return uvicorn.Config(site, log_config=None, access_log=False)


def _webhook_secret(settings: Settings, keyring: Keyring) -> str:
    """The secret that Telegram must show: the one that is set, or one made from the key, the same after a restart."""
    if settings.webhook_secret is not None:
        return settings.webhook_secret.get_secret_value()
    return hmac.new(keyring.keys[keyring.current], b"webhook secret", hashlib.sha256).hexdigest()


@asynccontextmanager
async def _reached(token: str, base_url: str) -> AsyncIterator[Wire]:
    """A wire on which the server has answered. Raises SettingsError when it does not take the token."""
    remedy = f"{base_url} does not accept TELEGRAM_BOT_TOKEN. Copy it from @BotFather, or check TELEGRAM_BASE_URL."
    try:
        wire = Wire(token, base_url)
    except InvalidToken as error:
        raise SettingsError(remedy) from error
    await _until_reached(wire.initialize, base_url, remedy)
    try:
        yield wire
    finally:
        await wire.shutdown()


async def _until_reached(call: Callable[[], Awaitable[object]], base_url: str, remedy: str) -> None:
    """Call until the network lets it through. Raises SettingsError with the remedy when the server refuses."""
    pause = 1.0
    while True:
        try:
            await call()
            return
        except RetryAfter as error:
            await asyncio.sleep(asked_to_wait(error).total_seconds())
        except NetworkError as error:
            if isinstance(error, BadRequest):
                raise SettingsError(f"{remedy} (It says: {error.message})") from error
            log.warning("no answer yet, trying again", server=base_url, seconds=pause, error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 30)
        except TelegramError as error:
            raise SettingsError(remedy) from error


async def _optional(call: Awaitable[object]) -> None:
    """A call that the bot can do without: some servers do not know it."""
    try:
        await call
    except TelegramError as error:
        log.info("a call was not taken", error=type(error).__name__)
