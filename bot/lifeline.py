"""When Telegram is not enough: the fallback channels (Apprise). Each stands for itself; words are contentless."""

import asyncio
import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from logging import DEBUG
from typing import Any

import apprise
import structlog

from flows.errors import TaperlineError
from storage import outbox
from storage.database import Transaction
from storage.outbox import Urgency

log = structlog.get_logger()

SECONDS_TO_TAKE = 60
"""How long a channel may take for one message; less than the lease of a letter."""

CAUSE = "Socket Exception: "
"""How Apprise's log for developers begins where it tells why a service was not reached."""

LONGEST_REASON = 200
_HTTP_CLIENT = re.compile(r"HTTPS?ConnectionPool.*: ", re.DOTALL)
"""What the HTTP client says before the cause itself, with the whole address in it."""


class FallbackError(TaperlineError):
    """A fallback address that Apprise does not know."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message: whether the channel took it, in how many seconds, and why not."""

    taken: bool
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of FALLBACK_URLS. Its id survives restarts; its name is for people and holds no secret."""

    id: str
    name: str
    _address: str = field(repr=False)
    _service: apprise.Apprise = field(repr=False)

    @classmethod
    def open(cls, address: str, place: int) -> "Channel":
        """The channel of an address, which stands in this place of FALLBACK_URLS. Raises FallbackError."""
        service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, app_id="Taperline"))
        if not service.add(address):
            kind = re.match(r"[a-z0-9]+://", address)
            raise FallbackError(
                f"FALLBACK_URLS: Apprise does not understand address {place}{f' ({kind[0]}…)' if kind else ''}. "
                "`taperline fallback test --help` shows what addresses look like."
            )
        service[
            0
        ].request_rate_per_sec = 0  # Apprise would sleep seconds between two pages; a service that minds says so
        identity = hashlib.sha256(address.encode()).hexdigest()[:12]
        return cls(identity, f"{place}. {_kind_and_host(service[0])}", address, service)

    async def send(self, title: str, body: str) -> Receipt:
        """Send at once. Never raises, and takes a minute at most: then the channel may still take it later."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(SECONDS_TO_TAKE):
                reason = await asyncio.wrap_future(_in_a_thread(lambda: self._notify(title, body)))
        except TimeoutError:
            reason = f"no answer within {SECONDS_TO_TAKE} seconds"
        except Exception as error:  # noqa: BLE001 (a service's own fault; its text may quote the address)
            reason = f"it failed with {type(error).__name__}"
        return Receipt(not reason, loop.time() - began, reason)

    def _notify(self, title: str, body: str) -> str:
        """Send, and return why it was not taken; nothing when it was."""
        result = self._service.notify(body=body, title=title, log_level=DEBUG)
        if result:
            return ""
        said = [
            entry.message
            for entry in result.logs()
            if entry.level in {"WARNING", "ERROR", "CRITICAL"} or entry.message.startswith(CAUSE)
        ]
        words = (re.sub(r"[\"').]+$", "", _HTTP_CLIENT.sub("", text.removeprefix(CAUSE))) for text in said)
        return self._without_secrets("; ".join(words)) or "it was not taken"

    def _without_secrets(self, text: str) -> str:
        """What a service said, without any part of its address, any other address, number or token."""
        parts = {part for part in re.split(r"[^\w.+-]+", self._address)[1:] if len(part) > 3 and part not in self.name}
        for part in sorted(parts, key=len, reverse=True):
            text = text.replace(part, "…")
        text = re.sub(r"\w+://\S+|\S+@\S+|[\w+/=-]{20,}|\+?\d{7,}", "…", text)
        return " ".join(text.split())[:LONGEST_REASON]


@dataclass(frozen=True, slots=True)
class Lifeline:
    """Pages without Telegram: every message goes to every channel, and each channel has its own truth."""

    channels: tuple[Channel, ...] = ()

    @classmethod
    def open(cls, addresses: Sequence[str]) -> "Lifeline":
        """Take the addresses of FALLBACK_URLS. Raises FallbackError naming the one that is not understood."""
        unique = dict.fromkeys(addresses)
        return cls(tuple(Channel.open(address, place) for place, address in enumerate(unique, 1)))

    def hand(
        self,
        tx: Transaction,
        title: str,
        body: str,
        *,
        urgency: Urgency,
        now: datetime,
        alert_id: int | None = None,
    ) -> Sequence[int]:
        """Queue a message for every channel, in this transaction. Returns the outbox rows: none without a channel."""
        if not self.channels:
            log.error("there is no fallback channel for this: set FALLBACK_URLS", title=title, body=body)
        words = {"title": title, "body": body}
        return [
            outbox.put_fallback(tx, channel.id, words, urgency=urgency, now=now, alert_id=alert_id)
            for channel in self.channels
        ]

    def tell_operations(self, tx: Transaction, words: str, *, now: datetime) -> None:
        """Tell whoever runs the machine, by every channel, in this transaction."""
        self.hand(tx, OPERATIONS, words, urgency=Urgency.URGENT, now=now)

    async def send(self, title: str, body: str) -> Sequence[tuple[Channel, Receipt]]:
        """Send by every channel at once, without the outbox: a test, or when the database itself fails."""
        receipts = await asyncio.gather(*(channel.send(title, body) for channel in self.channels))
        return list(zip(self.channels, receipts, strict=True))

    def channel(self, identity: str) -> Channel | None:
        """The channel with this id; None when it is no longer configured."""
        return next((channel for channel in self.channels if channel.id == identity), None)


OPERATIONS = "Taperline operations"
"""The title of what is for whoever runs the machine."""


def _kind_and_host(service: Any) -> str:
    """A service's kind, and its host where that is one: elsewhere the place of the host may hold a key."""
    token = (getattr(service, "template_tokens", None) or {}).get("host", {})
    is_host = re.search("host|domain", str(token.get("name", "")), re.IGNORECASE) and not token.get("private")
    kind = str(service.service_name)
    return f"{kind} {service.host}" if is_host and service.host else kind


def _in_a_thread(work: Callable[[], str]) -> Future[str]:
    """Work in a thread of its own: one that hangs takes no place from another channel, and holds up no stop."""
    future: Future[str] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 (handed to the caller)
            future.set_exception(error)

    future.set_running_or_notify_cancel()
    threading.Thread(target=run, daemon=True, name="taperline-fallback").start()
    return future
