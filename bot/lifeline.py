"""When Telegram is not enough: the fallback channel (Apprise), and the auditor of promise P4."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import apprise
import structlog

from flows.errors import TaperlineError
from storage import alerts, outbox
from storage.database import Transaction
from storage.outbox import Urgency

log = structlog.get_logger()


class FallbackError(TaperlineError):
    """A fallback address that Apprise does not know."""


@dataclass(frozen=True, slots=True)
class Lifeline:
    """Pages without Telegram. Its words are contentless: what is wrong, never with whom."""

    channel: apprise.Apprise

    @classmethod
    def open(cls, urls: Sequence[str]) -> "Lifeline":
        """Take the addresses of FALLBACK_URLS. Raises FallbackError naming the one that is not understood."""
        channel = apprise.Apprise()
        for url in urls:
            if not channel.add(url):
                kind = url.partition(":")[0]
                raise FallbackError(f"FALLBACK_URLS: Apprise does not know what begins with {kind}:")
        return cls(channel)

    async def page(self, title: str, body: str) -> bool:
        """Send to every fallback address. True when at least one took it, or when there is none to send to."""
        if not len(self.channel):
            log.error("a page has no fallback channel: set FALLBACK_URLS", title=title)
            return True
        return bool(await asyncio.to_thread(self.channel.notify, title=title, body=body))

    def hand(
        self, tx: Transaction, title: str, body: str, *, urgency: Urgency, now: datetime, alert_id: int | None = None
    ) -> Sequence[int]:
        """Queue a page for the fallback channel. Returns the ids of its letters."""
        words = {"title": title, "body": body}
        return [outbox.put(tx, None, "fallback", words, urgency=urgency, now=now, alert_id=alert_id)]

    def tell_operations(self, tx: Transaction, words: str, *, now: datetime) -> None:
        """Tell whoever runs the machine, by the fallback channel, in this transaction."""
        self.hand(tx, "Taperline operations", words, urgency=Urgency.URGENT, now=now)

    def audit(self, tx: Transaction, *, now: datetime) -> int:
        """Check that no open alert went quiet (P4), and page again those that did. Returns how many did."""
        quiet = alerts.gone_quiet(tx)
        for alert in quiet:
            alerts.revive(tx, alert, now=now)
            log.error("an open alert had no page to come", alert=alerts.number(alert))
            self.tell_operations(tx, f"Alert A-{alerts.number(alert)} had gone quiet. It is paged again.", now=now)
        return len(quiet)
