"""The auditor: once a minute, whether every open alert is on its way to a person (P4), and whether the bot works."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.heartbeat import Heartbeat
from bot.ladder import URGENCY, Ladder, plain_title, plain_words
from bot.lifeline import OPERATIONS, Lifeline
from bot.receiver import Receiver
from flows.effects import Raise
from flows.escalation import Tier
from flows.evidence import Evidence
from flows.lifecycle import UNTAKEN, AlertState, AlertStep
from flows.schedule import local_time
from storage import alerts, outbox, rota, timers, troubles
from storage.database import Store, Transaction
from storage.tables import AlertRow

log = structlog.get_logger()

EVERY = timedelta(minutes=1)
LATE = timedelta(minutes=1)
"""A page that was not sent after so long is late, and so is one that was not made."""

ROTA_EVERY, ROTA_DAYS, NEAR = timedelta(hours=1), 14, timedelta(days=2)
"""How often the rota is looked at, how many days ahead, and when a gap becomes urgent."""

GAP = "O1"
"""The rule for a gap in the rota."""

MACHINE, ROTA = "machine", "rota"
"""The kinds of troubles."""

CHANNEL_LATELY = timedelta(days=1)
SECONDS_TO_LOOK = 30
"""How long the database may take for one audit."""


Overdue = Mapping[str, tuple[int, datetime, int]]
"""Timers that should have rung: scope -> (id, due at, how often they failed)."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one audit found: what is wrong by its key, in words for operations; and what the next one has to know."""

    wrong: Mapping[str, str]
    overdue: Overdue
    rota_due_at: datetime


@dataclass(slots=True)
class Auditor:
    """Finds what is late or went quiet, repairs what it can, tells operations once of each, and lets the heart beat."""

    store: Store
    ladder: Ladder
    lifeline: Lifeline
    receiver: Receiver
    heartbeat: Heartbeat
    clock: Clock
    committed: Callable[[], None]
    webhook: str | None = None
    """The address to which Telegram sends updates; None when they are asked for."""
    due_at: datetime = field(init=False)
    _overdue: Overdue = field(default_factory=dict)
    _blind: bool = False
    _rota_due_at: datetime | None = None

    def __post_init__(self) -> None:
        self.due_at = self.clock.now()

    async def run(self) -> None:
        """Look once a minute for ever. The first look, at the start, finds what a stop left; it is no heartbeat yet."""
        beats = False
        while True:
            began = self.clock.now()
            if await self.look() and beats:
                await self.heartbeat.beat()
            if self.webhook is not None:  # what Telegram says counts at the next look: asking it may take long
                await self.receiver.ask_about_webhook(self.webhook)
            beats, self.due_at = True, began + EVERY
            await self.clock.wait(self.due_at, asyncio.Event())

    async def look(self) -> bool:
        """One audit. Returns whether all is well. Never raises."""
        try:
            async with asyncio.timeout(SECONDS_TO_LOOK):
                found = await self.store.run(self._audit)
        except Exception:
            log.exception("the audit failed")
            await self._cry_out()
            return False
        self._blind, self._overdue, self._rota_due_at = False, found.overdue, found.rota_due_at
        self.committed()
        return not found.wrong

    async def _cry_out(self) -> None:
        """Without the database no page goes out, and none to operations either: they are told past it, once."""
        if not self._blind:
            self._blind = True
            words = "The audit fails, perhaps with the database: pages may not go out. Look at the machine now."
            for channel, receipt in await self.lifeline.send(OPERATIONS, words):
                if not receipt.taken:
                    log.error("not taken", channel=channel.name, reason=receipt.reason)

    def _audit(self, tx: Transaction) -> Found:
        """Everything that is wrong now. It may be done twice (`Store.run`), so nothing is remembered in here."""
        now = self.clock.now()
        rota_due_at = self._look_at_rota(tx, now)
        overdue = timers.overdue(tx, alerts.PAGE, now)
        wrong = {
            **self._quiet(tx, now),
            **self._unsent(tx, now),
            **self._not_made(tx, overdue, now),
            **self._to_nobody(tx, overdue),
            **self._channels(tx, now),
        }
        if self.receiver.unheard_since is not None and now - self.receiver.unheard_since >= LATE:
            wrong["updates"] = "Telegram has not given us any updates for a minute: what patients write is not seen."
        for key in troubles.news(tx, MACHINE, wrong, now=now):
            log.error("not well", trouble=key)
            self.lifeline.tell_operations(tx, wrong[key], now=now)
        return Found(wrong, overdue, rota_due_at)

    def _look_at_rota(self, tx: Transaction, now: datetime) -> datetime:
        """Raise an alert for each gap in the rota that lies ahead, once, and once more when it is near.

        Returns when to look again.
        """
        if self._rota_due_at is not None and now < self._rota_due_at:
            return self._rota_due_at
        found = {}
        for gap in rota.gaps(tx, now, ROTA_DAYS):
            tier = Tier.URGENT if gap.begins - now <= NEAR else Tier.SAME_DAY
            found[f"{tier} {gap.rotation} {'now' if gap.begins <= now else gap.begins}"] = tier, gap
        zone = self.ladder.catalogue.clinic.zone
        for key in troubles.news(tx, ROTA, found, now=now):
            tier, gap = found[key]
            begins, ends = (f"{local_time(at, zone):%a %b %-d, %H:%M}" for at in (gap.begins, gap.ends))
            note = f"In {gap.rotation}, nobody can be paged from {begins} until {ends}. /oncall shows all gaps."
            self.ladder.raise_(tx, None, Raise(GAP, tier, (Evidence(0, tier, note=note),)), now=now)
        return now + ROTA_EVERY

    def _quiet(self, tx: Transaction, now: datetime) -> Mapping[str, str]:
        """Alerts that no timer brings back, though nobody has spoken with the patient: they come back at once."""
        wrong = {}
        for alert in alerts.gone_quiet(tx):
            alerts.revive(tx, alert, now=now)
            number = alerts.number(alert)
            wrong[f"quiet:{number}"] = f"Alert A-{number} had gone quiet. It is paged again."
        return wrong

    def _unsent(self, tx: Transaction, now: datetime) -> Mapping[str, str]:
        """Pages that Telegram has not taken: each page goes to the fallback channels, once."""
        wrong = {}
        for number, queued_at in outbox.unsent_pages(tx, now - LATE).items():
            alert = _pressing(tx, number)
            if alert is None:
                continue
            wrong["pages"] = f"Pages do not go out: Telegram has not taken one of alert A-{number} for a minute."
            if queued_at >= _last_page(tx, alert):
                page = f"Page {alerts.pages(tx, alert)} was not taken by Telegram."
                self._hand(tx, alert, "late", page, now)
        return wrong

    def _not_made(self, tx: Transaction, overdue: Overdue, now: datetime) -> Mapping[str, str]:
        """Timers of pages that were due at the last look already, or that fail: these alerts go to the fallback.

        A timer that is overdue at one look only may be about to ring: the clock moved, or the program has just started.
        """
        wrong = {}
        for scope, timer in overdue.items():
            alert = _pressing(tx, int(scope.partition(":")[2]))
            _, due_at, failures = timer
            if alert is not None and (failures or (self._overdue.get(scope) == timer and now - due_at >= LATE)):
                number = alerts.number(alert)
                wrong[f"overdue:{number}"] = f"Alert A-{number} should be paged and is not: see the log."
                self._hand(tx, alert, "unpaged", "Its next page is overdue.", now)
        return wrong

    def _to_nobody(self, tx: Transaction, overdue: Overdue) -> Mapping[str, str]:
        """Alerts whose last page reached nobody, though the next is not due yet: no clinician and no channel has it."""
        wrong = {}
        for alert in alerts.open_ones(tx):
            number = alerts.number(alert)
            if alert.state != AlertState.PAGED or alerts.scope(alert) in overdue:
                continue
            if not outbox.is_paged(tx, number, _last_page(tx, alert)):
                wrong[f"nobody:{number}"] = (
                    f"Alert A-{number} reaches nobody: neither a clinician nor a fallback channel."
                )
        return wrong

    def _channels(self, tx: Transaction, now: datetime) -> Mapping[str, str]:
        """Fallback channels that fail."""
        reasons = {channel: outbox.failing(tx, channel.id, now - CHANNEL_LATELY) for channel in self.lifeline.channels}
        return {
            f"channel:{channel.id}": f"The fallback channel {channel.name} fails: {reason}."
            for channel, reason in reasons.items()
            if reason is not None
        }

    def _hand(self, tx: Transaction, alert: AlertRow, kind: str, what: str, now: datetime) -> None:
        """Hand an alert to the fallback channels, once for each of its pages; its trace says so."""
        noted = alerts.last(tx, alert, kind)
        if (noted is not None and noted >= _last_page(tx, alert)) or alerts.is_on_fallback(tx, alert):
            return
        number, tier = alerts.number(alert), Tier(alert.tier)
        alerts.note(tx, alert, kind, now=now)
        log.error("an alert goes to the fallback channels", alert=number, why=kind)
        title, body = plain_title(alert), f"{plain_words(alert)} {what}"
        for letter in self.lifeline.hand(tx, title, body, urgency=URGENCY[tier], now=now, alert_id=number):
            alerts.paged(tx, alert, letter, alerts.pages(tx, alert), None)


def _pressing(tx: Transaction, number: int) -> AlertRow | None:
    """An alert that nobody took and that cannot wait."""
    alert = alerts.by_number(tx, number)
    return alert if alert is not None and alert.state in UNTAKEN and Tier(alert.tier).is_pressing else None


def _last_page(tx: Transaction, alert: AlertRow) -> datetime:
    """When an alert was last paged, or raised when it was not paged yet."""
    return alerts.last(tx, alert, AlertStep.PAGE) or alert.raised_at
