"""Figures as people read them: tables in the terminal, JSON for machines, a short message in Telegram."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.render import Rendered, Renderer
from flows.figures import AIM, Figures, Share, Spread, TierFigures

DAYS = 28
MOST_DAYS = 3650
MOST_RULES = 5
"""Rules in the short message."""

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HAPPENED = ("Overdue", "Escalated", "Handed over", "Raised again")
NUMBERS = frozenset({"Alerts", "Raised", *HAPPENED})
NONE = "–"


def tables(counted: Figures, renderer: Renderer, zone: str) -> RenderableType:
    """The figures as tables of at most 80 columns, or what to do when there are none."""
    since, until = (f"{at.astimezone(ZoneInfo(zone)):%b %-d, %Y}" for at in (counted.since, counted.until))
    head = Text(f"{since} to {until}, drills left out\n")
    if not counted.tiers:
        days = (counted.until - counted.since).days
        todo = f"No alerts in {days} days. Look further back with --days {min(days * 4, MOST_DAYS)}, or try the paging "
        return Group(head, Text(todo + "out with: taperline drill --watch"), *_per_check_in(counted))
    speed = _table(
        "How fast: half of them · nine of ten",
        "Tier",
        "Alerts",
        "Paged after",
        "Acknowledged after",
        "Spoken with after",
    )
    kept = _table("In time", "Tier", "Acknowledged", "Spoken with")
    happened = _table("How many were", "Tier", *HAPPENED)
    for tier in counted.tiers:
        name, times = renderer.staff_word("tiers", tier.tier), (tier.to_page, tier.to_acknowledge, tier.to_contact)
        speed.add_row(name, f"{tier.alerts}", *map(_spread, times))
        counts = tier.overdue, tier.escalated, tier.handed_over, tier.raised_again
        shares = told_share(tier.acknowledged_in_time), told_share(tier.contacted_in_time)
        kept.add_row(name, *shares)
        happened.add_row(name, *(f"{count}" for count in counts))
    rules = _table("Rules, first what to tune", "Rule", "", "Raised", "No action was needed")
    for rule in counted.rules:
        rules.add_row(rule.rule, rule.title, f"{rule.raised}", told_share(rule.no_action, "resolved"))
    return Group(head, speed, kept, happened, *_per_check_in(counted), rules)


def as_json(counted: Figures) -> Mapping[str, Any]:
    """The figures for machines. Times are seconds; a share has its part and its whole."""
    return {
        "since": counted.since.isoformat(),
        "until": counted.until.isoformat(),
        "tiers": [
            {
                "tier": tier.tier,
                "alerts": tier.alerts,
                "to_page": _seconds(tier.to_page),
                "to_acknowledge": _seconds(tier.to_acknowledge),
                "to_contact": _seconds(tier.to_contact),
                "acknowledged_in_time": _parts(tier.acknowledged_in_time),
                "contacted_in_time": _parts(tier.contacted_in_time),
                "overdue": tier.overdue,
                "escalated": tier.escalated,
                "handed_over": tier.handed_over,
                "raised_again": tier.raised_again,
            }
            for tier in counted.tiers
        ],
        "per_check_in": {**_parts(counted.per_check_in), "aim": AIM},
        "rules": [
            {"rule": rule.rule, "title": rule.title, "raised": rule.raised, "no_action": _parts(rule.no_action)}
            for rule in counted.rules
        ],
    }


def in_short(counted: Figures, renderer: Renderer) -> Rendered:
    """The figures as a message for a physician: no patient stands in it."""
    return renderer.staff(
        "figures",
        days=(counted.until - counted.since).days,
        tiers=[_in_short(tier, renderer) for tier in counted.tiers],
        per_check_in=told_share(counted.per_check_in) if counted.per_check_in.of else "",
        aim=f"{AIM:.0%}",
        rules=[
            {"rule": rule.rule, "title": rule.title, "no_action": told_share(rule.no_action)}
            for rule in counted.rules[:MOST_RULES]
            if rule.no_action.part
        ],
    )


def lasted(time: timedelta) -> str:
    """How long something took, in one unit."""
    units = ((2 * MINUTE, MINUTE / 60, "s"), (2 * HOUR, MINUTE, "min"), (2 * DAY, HOUR, "h"))
    one, unit = next(((one, unit) for below, one, unit in units if time < below), (DAY, "days"))
    return f"{time / one:.1f}".removesuffix(".0") + f" {unit}"


def told_share(share: Share, what: str = "") -> str:
    """So many of so many, and in percent."""
    if share.fraction is None:
        return NONE
    return f"{share.part} of {share.of}{f' {what}' if what else ''}, {share.fraction:.0%}"


def _in_short(tier: TierFigures, renderer: Renderer) -> Mapping[str, object]:
    spreads = {"to_page": tier.to_page, "to_acknowledge": tier.to_acknowledge, "to_contact": tier.to_contact}
    return {
        "sign": renderer.staff_word("signs", tier.tier),
        "name": renderer.staff_word("tiers", tier.tier),
        "alerts": tier.alerts,
        "times": [
            (renderer.staff_word("figures", name), lasted(spread.median), lasted(spread.ninetieth))
            for name, spread in spreads.items()
            if spread is not None
        ],
        "acknowledged": told_share(tier.acknowledged_in_time) if tier.acknowledged_in_time.of else "",
        "contacted": told_share(tier.contacted_in_time) if tier.contacted_in_time.of else "",
    }


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in NUMBERS else "left")
    return table


def _per_check_in(counted: Figures) -> Sequence[Text]:
    if not counted.per_check_in.of:
        return [Text("No check-ins were sent in.\n")]
    told = told_share(counted.per_check_in, "check-ins")
    return [Text(f"Emergency and urgent alerts of patients who have check-ins: {told} (aim: at most {AIM:.0%})\n")]


def _spread(spread: Spread | None) -> str:
    return NONE if spread is None else f"{lasted(spread.median)} · {lasted(spread.ninetieth)}"


def _seconds(spread: Spread | None) -> Mapping[str, float] | None:
    if spread is None:
        return None
    median, ninetieth = spread.median.total_seconds(), spread.ninetieth.total_seconds()
    return {"count": spread.count, "median": median, "ninetieth": ninetieth}


def _parts(share: Share) -> Mapping[str, float | None]:
    return {"part": share.part, "of": share.of, "fraction": share.fraction}
