"""Figures as people and machines read them, and a drill as the terminal shows it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console, RenderableType
from typer.testing import CliRunner

from bot import figures as telling
from bot.app import open_memory
from bot.cli import cli
from bot.drill import Drill, drawn
from bot.render import Renderer
from flows import catalogue
from flows.catalogue import Catalogue
from flows.escalation import Outcome, Tier
from flows.figures import Life, Period, figures
from flows.lifecycle import AlertStep
from flows.redflags import DRILL
from storage import alerts, audit
from storage.alerts import TraceLine
from storage.database import Store, Transaction
from storage.outbox import Delivery
from tests.diagrams import ROOT
from tests.world import settings_for

NOON = datetime(2026, 3, 2, 20, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def content() -> Catalogue:
    return catalogue.load()


@pytest.fixture(scope="module")
def renderer(content: Catalogue) -> Renderer:
    return Renderer(content, strict=True)


def shown(renderable: RenderableType) -> str:
    """What a terminal of 80 columns shows."""
    terminal = StringIO()
    Console(file=terminal, width=80).print(renderable)
    return "\n".join(line.rstrip() for line in terminal.getvalue().splitlines())


def period() -> Period:
    """Three emergencies, one of them open, and two routine alerts that needed no action."""
    page, ack, contact, resolve = AlertStep.PAGE, AlertStep.ACKNOWLEDGE, AlertStep.CONTACT, AlertStep.RESOLVE

    def life(rule: str, tier: Tier, outcome: Outcome | None, *steps: tuple[timedelta, AlertStep]) -> Life:
        at = tuple((NOON + after, step) for after, step in steps)
        return Life(rule, tier, True, NOON, at, NOON + 2 * SECOND, outcome)

    zero = timedelta()
    urgent = Tier.EMERGENCY
    lives = (
        life("S1", urgent, Outcome.HELPED, (zero, page), (2 * MINUTE, ack), (21 * MINUTE, contact), (HOUR, resolve)),
        life("M1", urgent, None, (zero, page), (7 * MINUTE, ack), (50 * MINUTE, contact), (HOUR, AlertStep.ESCALATE)),
        life("M1", urgent, None, (zero, page)),
        life("C4", Tier.ROUTINE, Outcome.NO_ACTION, (zero, page), (3 * HOUR, ack), (4 * HOUR, resolve)),
        life("C4", Tier.ROUTINE, Outcome.NO_ACTION, (zero, page), (60 * HOUR, resolve)),
    )  # fmt: skip
    return Period(NOON - 21 * DAY, NOON + 7 * DAY, lives, check_ins=25, of_check_ins=3)


def test_the_tables_are_read_at_80_columns(content: Catalogue, renderer: Renderer) -> None:
    assert shown(telling.tables(figures(period(), content), renderer, "UTC")) == TABLES


TABLES = """\
Feb 9, 2026 to Mar 9, 2026, drills left out

How fast: half of them · nine of ten

 Tier        Alerts   Paged after   Acknowledged after   Spoken with after
 ─────────────────────────────────────────────────────────────────────────
 Emergency        3   2 s · 2 s     4.5 min · 7 min      35.5 min · 50 min
 Routine          2   2 s · 2 s     31.5 h · 2.5 days    –

In time

 Tier        Acknowledged   Spoken with
 ──────────────────────────────────────
 Emergency   1 of 3, 33%    1 of 2, 50%
 Routine     1 of 2, 50%    –

How many were

 Tier        Overdue   Escalated   Handed over   Raised again
 ────────────────────────────────────────────────────────────
 Emergency         0           1             0              0
 Routine           0           0             0              0

Emergency and urgent alerts of patients who have check-ins: 3 of 25 check-ins,
12% (aim: at most 10%)

Rules, first what to tune

 Rule                                     Raised   No action was needed
 ───────────────────────────────────────────────────────────────────────
 C4     A new medicine                         2   2 of 2 resolved, 100%
 M1     Medical emergency, neurological        2   –
 S1     Safety, acute                          1   0 of 1 resolved, 0%
"""


def test_the_readme_shows_the_tables_as_they_are() -> None:
    assert f"```\n{TABLES.rstrip()}\n```" in (ROOT / "README.md").read_text("utf-8")


def test_where_there_is_nothing_it_says_what_to_do(content: Catalogue, renderer: Renderer) -> None:
    empty = figures(Period(NOON - 28 * DAY, NOON, (), 0, 0), content)
    told = shown(telling.tables(empty, renderer, "UTC"))
    assert "No alerts in 28 days. Look further back with --days 112" in told
    assert "taperline drill --watch" in told
    assert "No check-ins were sent in." in told


def test_json_has_seconds_and_parts(content: Catalogue) -> None:
    found = json.loads(json.dumps(telling.as_json(figures(period(), content))))
    assert found == {
        "since": "2026-02-09T20:00:00+00:00",
        "until": "2026-03-09T20:00:00+00:00",
        "tiers": [
            {
                "tier": "emergency",
                "alerts": 3,
                "to_page": {"count": 3, "median": 2.0, "ninetieth": 2.0},
                "to_acknowledge": {"count": 2, "median": 270.0, "ninetieth": 420.0},
                "to_contact": {"count": 2, "median": 2130.0, "ninetieth": 3000.0},
                "acknowledged_in_time": {"part": 1, "of": 3, "fraction": pytest.approx(1 / 3)},
                "contacted_in_time": {"part": 1, "of": 2, "fraction": 0.5},
                "overdue": 0,
                "escalated": 1,
                "handed_over": 0,
                "raised_again": 0,
            },
            {
                "tier": "routine",
                "alerts": 2,
                "to_page": {"count": 2, "median": 2.0, "ninetieth": 2.0},
                "to_acknowledge": {"count": 2, "median": 113400.0, "ninetieth": 216000.0},
                "to_contact": None,
                "acknowledged_in_time": {"part": 1, "of": 2, "fraction": 0.5},
                "contacted_in_time": {"part": 0, "of": 0, "fraction": None},
                "overdue": 0,
                "escalated": 0,
                "handed_over": 0,
                "raised_again": 0,
            },
        ],
        "per_check_in": {"part": 3, "of": 25, "fraction": 0.12, "aim": 0.1},
        "rules": [
            {"rule": "C4", "title": "A new medicine", "raised": 2, "no_action": {"part": 2, "of": 2, "fraction": 1.0}},
            {
                "rule": "M1",
                "title": "Medical emergency, neurological",
                "raised": 2,
                "no_action": {"part": 0, "of": 0, "fraction": None},
            },
            {"rule": "S1", "title": "Safety, acute", "raised": 1, "no_action": {"part": 0, "of": 1, "fraction": 0.0}},
        ],
    }


def test_the_short_form_names_the_check_ins_and_at_most_five_rules(content: Catalogue, renderer: Renderer) -> None:
    html = telling.in_short(figures(period(), content), renderer).html
    assert "<b>Emergency and urgent alerts per check-in:</b> 3 of 25, 12% (aim: at most 10%)" in html
    rules = ("C1", "C2", "C3", "C4", "D1", "D2")
    lives = [Life(rule, Tier.ROUTINE, True, NOON, outcome=Outcome.NO_ACTION) for rule in rules]
    html = telling.in_short(figures(Period(NOON, NOON, lives, 0, 0), content), renderer).html
    assert [rule for rule in rules if f"({rule})" in html] == list(rules[:5])
    assert "per check-in" not in html


@pytest.mark.parametrize(
    ("time", "told"),
    [
        (timedelta(), "0 s"),
        (119 * SECOND, "119 s"),
        (2 * MINUTE, "2 min"),
        (119 * MINUTE, "119 min"),
        (2 * HOUR, "2 h"),
        (4.5 * MINUTE, "4.5 min"),
        (47 * HOUR, "47 h"),
        (60 * HOUR, "2.5 days"),
    ],
)
def test_times_are_told_in_one_unit(time: timedelta, told: str) -> None:
    assert telling.lasted(time) == told


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The database of the folder that the command line works in."""
    settings = settings_for(tmp_path, "http://127.0.0.1")
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    store = open_memory(settings)
    yield store
    store.close()


def test_the_command_counts_the_days_asked_for_without_drills_and_is_audited(store: Store) -> None:
    now = datetime.now(UTC)

    def work(tx: Transaction) -> None:
        for rule, ago in (("I2", 27 * DAY), ("W2", 29 * DAY), (DRILL, DAY)):
            alerts.raise_(tx, None, rule, Tier.ROUTINE, (), merge=DAY, now=now - ago)

    store.submit(work).result()
    counted = {}
    for arguments in ((), ("--days", "30")):
        run = CliRunner().invoke(cli, ["figures", "--json", *arguments])
        assert run.exit_code == 0
        counted[arguments] = [rule["rule"] for rule in json.loads(run.stdout)["rules"]]
    assert counted == {(): ["I2"], ("--days", "30"): ["I2", "W2"]}
    run = CliRunner().invoke(cli, ["figures"])
    assert "How fast" in run.stdout
    trail = store.submit(audit.lines).result()
    found = [(line.actor, line.action, line.subject, line.reason) for line in trail]
    assert found == [("operator", "figures", "clinic", f"{days} days") for days in (28, 30, 28)]


@pytest.mark.parametrize("days", ["0", "3651", "many"])
def test_the_command_refuses_days_that_are_none(days: str) -> None:
    run = CliRunner().invoke(cli, ["figures", "--days", days])
    assert run.exit_code == 2
    assert "--days" in run.stderr


def lines(*more: tuple[TraceLine, str]) -> Drill:
    """A drill in which these things happened after it was raised."""
    return Drill(3, NOON, False, None, ((TraceLine(NOON, "raised", None), ""), *more))


def page(number: int, who: int | None, after: timedelta, **became: object) -> TraceLine:
    return TraceLine(NOON + after, "page", who, page=number, **became)  # type: ignore[arg-type]


def test_a_drill_shows_every_page_and_step_with_its_times(renderer: Renderer) -> None:
    drill = lines(
        (page(1, 7, 12 * SECOND, delivery=Delivery.SENT, attempts=2, sent_at=NOON + 14 * SECOND), "Dr. Lee"),
        (page(2, 8, 5 * MINUTE, delivery=Delivery.DEAD, attempts=1), "Kim"),
        (page(2, None, 5 * MINUTE, delivery=Delivery.SENT, attempts=1, sent_at=NOON + 5 * MINUTE), ""),
        (TraceLine(NOON + 6 * MINUTE, AlertStep.ACKNOWLEDGE, 7), "Dr. Lee"),
    )
    assert shown(drawn(drill, renderer, now=NOON)) == DRAWN


DRAWN = """\

 After   What           Who
 ────────────────────────────────────────────────────────────────────
 0 s     Raised
 12 s    Page 1         Dr. Lee            Sent after 14 s, attempt 2
 5 min   Page 2         Kim                Failed
 5 min   Page 2         fallback channel   Sent after 5 min
 6 min   Acknowledged   Dr. Lee

Paged after 14 s (aim: 60 s). Acknowledged after 6 min. To end it: Resolve, or
type resolve 3 in Telegram."""


@pytest.mark.parametrize(
    ("drill", "now", "told"),
    [
        (lines(), NOON + 75 * SECOND, "The bot pages it within a minute."),
        (lines(), NOON + 76 * SECOND, "No page was sent yet. Does `taperline run` run on this database?"),
        (Drill(3, NOON, False, NOON + HOUR, ()), NOON + DAY, "It waits for opening."),
        (
            lines((page(1, 7, SECOND, delivery=Delivery.SENT, sent_at=NOON + SECOND), "Dr. Lee")),
            NOON,
            "Paged after 1 s (aim: 60 s). Waiting for somebody to acknowledge it.",
        ),
        (
            Drill(3, NOON, True, None, ((TraceLine(NOON + 9 * SECOND, AlertStep.RESOLVE, 7), "Dr. Lee"),)),
            NOON,
            "The bot pages it within a minute. Acknowledged after 9 s. The drill is over.",
        ),
    ],
)
def test_a_drill_says_what_it_waits_for(renderer: Renderer, drill: Drill, now: datetime, told: str) -> None:
    assert shown(drawn(drill, renderer, now=now)).splitlines()[-1] == told
