"""A drill as the terminal shows it: every page and every step as it happens, and how long each took."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bot.figures import lasted
from bot.render import Renderer
from flows.figures import TAKES
from flows.lifecycle import AlertState
from storage import alerts, clinicians, timers
from storage.alerts import PAGE, TraceLine
from storage.database import Store, Transaction
from storage.tables import AlertRow

SECONDS_BETWEEN_LOOKS = 1
SOON = timedelta(seconds=75)
"""A bot that runs has found by then what another process raised."""

AIM = timedelta(minutes=1)
"""Within this time the first page goes out."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill as it stands: when it will be paged if it was not yet, and what happened, with who did it."""

    number: int
    raised_at: datetime
    is_over: bool
    due_at: datetime | None
    lines: Sequence[tuple[TraceLine, str]]

    @property
    def paged_after(self) -> timedelta | None:
        """How long until the first page was sent."""
        sent = [line.sent_at - self.raised_at for line, _ in self.lines if line.sent_at is not None]
        return min(sent, default=None)

    @property
    def taken_after(self) -> timedelta | None:
        """How long until somebody took it."""
        return next((line.at - self.raised_at for line, _ in self.lines if line.kind in TAKES), None)


def seen(tx: Transaction, alert: AlertRow) -> Drill:
    """What has happened in a drill so far."""
    lines = [
        (line, "" if line.clinician_id is None else clinicians.name_of(tx, line.clinician_id))
        for line in alerts.trace(tx, alert)
    ]
    due_at = timers.due_at(tx, alerts.scope(alert), PAGE) if alert.state == AlertState.RAISED else None
    is_over = alert.state == AlertState.RESOLVED
    return Drill(alerts.number(alert), alert.raised_at, is_over, due_at, lines)


def watch(store: Store, alert: AlertRow, renderer: Renderer, console: Console) -> None:
    """Show a drill until it is resolved."""

    def look(tx: Transaction) -> Drill:
        return seen(tx, tx.session.get_one(AlertRow, alerts.number(alert)))

    with Live(console=console, auto_refresh=False) as live:
        while True:
            drill = store.submit(look).result()
            live.update(drawn(drill, renderer, now=datetime.now(UTC)), refresh=True)
            if drill.is_over:
                return
            time.sleep(SECONDS_BETWEEN_LOOKS)


def drawn(drill: Drill, renderer: Renderer, *, now: datetime) -> Group:
    """A table of what happened, and below it the times that matter."""
    table = Table("After", "What", "Who", "", box=box.SIMPLE_HEAD, pad_edge=False)
    for line, who in drill.lines:
        what, by, became = renderer.staff_word("trace", line.kind), who, ""
        if line.delivery is not None:
            what, by = f"{what} {line.page}", who or renderer.staff_word("trace", "fallback")
            after = "" if line.sent_at is None else f" after {lasted(line.sent_at - drill.raised_at)}"
            tries = f", attempt {line.attempts}" if line.attempts > 1 else ""
            became = f"{renderer.staff_word('trace', line.delivery)}{after}{tries}"
        table.add_row(lasted(line.at - drill.raised_at), what, by, became)
    return Group(table, Text(_told(drill, now)))


def _told(drill: Drill, now: datetime) -> str:
    paged, taken = drill.paged_after, drill.taken_after
    if paged is not None:
        told = f"Paged after {lasted(paged)} (aim: {lasted(AIM)})."
    elif drill.due_at is not None and drill.due_at - drill.raised_at > AIM:
        told = "It waits for opening."
    elif now - drill.raised_at > SOON:
        told = "No page was sent yet. Does `taperline run` run on this database?"
    else:
        told = "The bot pages it within a minute."
    if taken is not None:
        told += f" Acknowledged after {lasted(taken)}."
    elif paged is not None:
        told += " Waiting for somebody to acknowledge it."
    if taken is not None and not drill.is_over:
        told += f" To end it: Resolve, or type resolve {drill.number} in Telegram."
    return told + (" The drill is over." if drill.is_over else "")
