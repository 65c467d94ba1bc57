"""Promise P4 after every step of any life of alerts: facts, deeds, time, lost chats, failing messages, crashes.

The real turn, ladder, delivery and database; only the wire to Telegram is a script.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import event
from sqlmodel import col, select
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter, TelegramError

from bot import check
from bot.buttons import ON_ALERTS, Deed, staff_button
from bot.clock import MovableClock
from bot.delivery import Delivery
from bot.inbound import Incoming
from bot.lifeline import Lifeline
from bot.ticker import Ticker
from bot.turn import Turn
from flows.care import Person
from flows.catalogue import Catalogue
from flows.effects import Raise
from flows.escalation import Outcome, Role, Tier
from flows.events import ChannelLost
from flows.lifecycle import TAKEN, UNTAKEN, AlertState
from storage import alerts, clinicians, outbox, patients, timers
from storage.alerts import CONTACT, PAGE
from storage.cipher import Keyring
from storage.database import Store, Transaction, open_store
from storage.outbox import Letter
from storage.tables import AlertEventRow, AlertRow, OutboxRow, PageRow, TimerRow

MONDAY = datetime(2026, 11, 23, 18, tzinfo=UTC)
RULES = ("S1", "X0")
"""A rule of which patients are told, and one of which they are not."""

CLOSED = timedelta(days=4)
"""No weekend keeps the clinic closed for longer."""

Result = TypeVar("Result")
FATES: Mapping[str, TelegramError | None] = {
    "arrived": None,
    "cut off": NetworkError("the line is dead"),
    "too many": RetryAfter(timedelta(seconds=40)),
    "blocked": Forbidden("bot was blocked by the user"),
    "no such chat": BadRequest("Chat not found"),
    "refused": BadRequest("message text is empty"),
}


class DiskFullError(Exception):
    """A statement that the database could not do."""


@dataclass
class Script:
    """The wire to Telegram, as the next call meets it."""

    fate: TelegramError | None = None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def call(self, _method: str, _parameters: Mapping[str, Any]) -> Any:
        if self.fate is not None:
            raise self.fate
        return {"message_id": next(self.numbers)}


@dataclass
class Breakage:
    """Breaks the statement after so many, once."""

    after: int | None = None

    def __call__(self, *_: object) -> None:
        if self.after is not None:
            self.after -= 1
            if self.after < 0:
                self.after = None
                raise DiskFullError

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing breaks in the block."""
        after, self.after = self.after, None
        yield
        self.after = after


@cache
def content() -> tuple[Catalogue, Any]:
    return check.load(None)


@contextmanager
def memory() -> Iterator[Store]:
    """A database in a file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder, 'taperline.db')}", Keyring.generate())
        yield store
        store.close()


@dataclass
class Known:
    """What was true of an alert after the last step."""

    tier: Tier
    traced: frozenset[int]


class Alerts(RuleBasedStateMachine):
    """A clinic with two patients, clinicians who come and go, and a bot that may be cut off anywhere."""

    store: Store
    breakage: Breakage

    def __init__(self) -> None:
        super().__init__()
        catalogue, renderer = content()
        self.clock, self.wire = MovableClock(frozen_at=MONDAY), Script()
        lifeline = Lifeline.open(["json://127.0.0.1:1/"])
        self.turn = Turn.build(catalogue, renderer, 1, lifeline)
        self.delivery = Delivery(self.store, self.wire, self.turn, lifeline, self.clock, lambda: None)
        self.ticker = Ticker(self.store, self.turn, lifeline, self.clock, lambda: None)
        self.loop = asyncio.new_event_loop()
        self.updates, self.chats = count(1), count(901)
        self.team: list[int] = []
        self.flying: list[Letter] = []
        self.known: dict[int, Known] = {}
        self.breakage.after = None

    def teardown(self) -> None:
        self.breakage.after = None
        self.loop.close()
        self.store.submit(_forget_everything).result()

    @initialize(clinicians=st.integers(0, 2), hours=st.sampled_from([0, 8, 14, 104]))
    def begins(self, clinicians: int, hours: int) -> None:
        """On a Monday at ten, at six in the evening, at midnight, or on a Friday at six in the evening."""
        self.clock.advance(timedelta(hours=hours))
        now = self.clock.now()
        for chat in (1, 2):
            self.done(lambda tx: patients.add(tx, chat, Person(zone="America/Los_Angeles"), now=now))  # noqa: B023
        for _ in range(clinicians):
            self.joins(Role.PHYSICIAN)

    @rule(patient=st.sampled_from([1, 2, None]), which=st.sampled_from(RULES), tier=st.sampled_from(Tier))
    def something_is_found(self, patient: int | None, which: str, tier: Tier) -> None:
        raised, now = Raise(which, tier, ()), self.clock.now()

        def found(tx: Transaction) -> tuple[int, int]:
            row = None if patient is None else patients.by_chat(tx, patient)
            before = self.untaken(tx, row.id if row is not None else None, which)
            if row is None:
                self.turn.ladder.raise_(tx, None, raised, now=now)
            else:
                self.turn._apply(tx, row, [raised], now, None)
            tx.session.flush()
            return before, self.untaken(tx, row.id if row is not None else None, which)

        before, after = self.done(found)
        assert after == max(before, 1), "new facts go to the alert that nobody has taken"

    @rule(role=st.sampled_from(Role))
    def joins(self, role: Role) -> None:
        if len(self.team) < 3:
            chat, now = next(self.chats), self.clock.now()
            token = self.done(lambda tx: clinicians.invite(tx, f"Dr. {chat}", role, now=now))
            self.comes(chat, text=f"/start {token}")
            self.team.append(chat)

    @rule(who=st.integers(0, 2))
    def blocks_the_bot(self, who: int) -> None:
        if who < len(self.team):
            self.comes(self.team[who], event=ChannelLost())

    @rule(who=st.integers(0, 2))
    def unblocks_the_bot(self, who: int) -> None:
        if who < len(self.team):
            self.comes(self.team[who])

    @rule(
        who=st.integers(0, 2),
        deed=st.sampled_from([*ON_ALERTS, Deed.ACK, Deed.CONTACT, Deed.TRACE]),
        number=st.integers(1, 4),
        outcome=st.sampled_from(["", "kim", "99", *Outcome]),
        to=st.integers(0, 2),
        typed=st.booleans(),
    )
    def does(self, *, who: int, deed: Deed, number: int, outcome: str, to: int, typed: bool) -> None:
        """Anybody taps or types anything, also what is on no button any more."""
        if who >= len(self.team):
            return
        choice = outcome if deed is Deed.RESOLVE else ""
        if deed is Deed.HAND_OVER and to < len(self.team):
            choice = f"{self.done(lambda tx: getattr(clinicians.by_chat(tx, self.team[to]), 'id', 0))}"
        data = staff_button(deed, number, choice)
        if typed:
            self.comes(self.team[who], text=data.removeprefix("s:"))
        else:
            self.comes(self.team[who], data=data, callback_id="tap", message_id=number)

    @rule(
        passed=st.sampled_from(
            [
                timedelta(seconds=1),
                *(timedelta(minutes=each) for each in (1, 5, 10, 15, 30, 60, 480, 1440, 4320, 11520)),
            ]
        )
    )
    def time_passes(self, passed: timedelta) -> None:
        """Time goes by; what was due in it rings late, as after a time without power."""
        self.clock.advance(passed)

    @rule(most=st.integers(1, 6))
    def sends(self, most: int) -> None:
        """Messages leave; what becomes of them is written down later, or never."""
        now = self.clock.now()
        letters = self.done(lambda tx: outbox.claim(tx, now=now, limit=most))
        pages = [letter.alert_id for letter in letters if letter.alert_id is not None]
        states = self.done(lambda tx: [getattr(alerts.by_number(tx, number), "state", None) for number in pages])
        assert set(states) <= set(UNTAKEN), "nobody is paged of what somebody has taken"
        self.flying += letters

    @rule(which=st.integers(0, 5), fate=st.sampled_from([*FATES, "arrived", "blocked"]))
    def lands(self, which: int, fate: str) -> None:
        if which < len(self.flying):
            letter, self.wire.fate = self.flying.pop(which), FATES[fate]
            outcome = self.became(letter)
            self.done(lambda tx: self.delivery._write_one(tx, letter, outcome))

    def became(self, letter: Letter) -> Callable[[Transaction], None]:
        """What is to be written down of a message whose fate is known."""
        now = self.clock.now()
        if letter.chat_id is not None:
            return self.loop.run_until_complete(self.delivery._try(letter))
        if self.wire.fate is None:
            return lambda tx: outbox.sent(tx, letter, None, now=now)
        return lambda tx: outbox.again(tx, letter, now, "the channel did not take it")

    @rule()
    def everything_arrives(self) -> None:
        while True:
            while self.flying:
                self.lands(0, "arrived")
            self.sends(20)
            if not self.flying:
                break

    @rule()
    def dies_and_starts_again(self) -> None:
        """What was under way is not known; it is sent again."""
        self.flying.clear()
        self.done(outbox.release)

    @rule(after=st.integers(0, 90))
    def will_be_cut_off(self, after: int) -> None:
        """Some statement to come fails, in the middle of whatever is being done then."""
        self.breakage.after = after

    @invariant()
    def p4_holds(self) -> None:
        with self.breakage.held():
            assert self.done(alerts.gone_quiet) == []
        self.rings()
        with self.breakage.held():
            self.done(self.look)

    def rings(self) -> None:
        """Whatever is due happens. A timer that fails is put off."""
        while due := self.done(lambda tx: timers.due(tx, self.clock.now(), 200)):
            for timer in due:
                try:
                    self.loop.run_until_complete(self.ticker._handle(timer))
                except DiskFullError:
                    self.loop.run_until_complete(self.ticker._handle(timer))

    def look(self, tx: Transaction) -> None:
        """Every open alert comes back by itself unless a person has it; nothing sank, nothing was forgotten."""
        now, policies = self.clock.now(), self.turn.catalogue.policies
        waiting = {(row.scope, row.key): row.due_at for row in tx.session.exec(select(TimerRow))}
        for alert in tx.session.exec(select(AlertRow)):
            number, tier, state = alerts.number(alert), Tier(alert.tier), AlertState(alert.state)
            page = waiting.get((alerts.scope(alert), PAGE))
            contact = waiting.get((alerts.scope(alert), CONTACT))
            policy = policies[tier]
            longest = max(step.wait for step in policy.steps) + (CLOSED if policy.waits_for_opening else timedelta())
            if state in UNTAKEN:
                assert page is not None
                assert now < page <= now + longest, f"A-{number} ({tier}) is paged {page}, now it is {now}"
                assert contact is None, "nobody has it"
                assert state is AlertState.PAGED or not tier.is_pressing, "it is paged at once"
            else:
                assert page is None, "somebody has it"
                must_call = state is AlertState.ACKNOWLEDGED and alert.patient_id is not None
                assert (contact is not None) == must_call
                assert contact is None or now < contact <= now + policy.contact + CLOSED
            if state in TAKEN:
                assert alert.taken_by is not None
            pages = tx.session.exec(select(PageRow).where(PageRow.alert_id == number)).all()
            assert {row.number for row in pages} == set(range(1, alerts.pages(tx, alert) + 1)), "each went to somebody"
            letters = select(OutboxRow.id).where(OutboxRow.alert_id == number)
            assert {row.id for row in pages} == set(tx.session.exec(letters)), "the trace knows every page"
            events = tx.session.exec(select(AlertEventRow.id).where(AlertEventRow.alert_id == number))
            known = Known(tier, frozenset([*events, *(row.id for row in pages)]))
            before = self.known.get(number, known)
            assert tier.urgency <= before.tier.urgency, "a tier never sinks"
            assert before.traced <= known.traced, "a trace never shrinks"
            self.known[number] = known
        assert set(self.known) <= {alerts.number(alert) for alert in tx.session.exec(select(AlertRow))}

    def untaken(self, tx: Transaction, patient: int | None, which: str) -> int:
        """How many alerts of a patient and a rule nobody has."""
        query = select(AlertRow).where(
            AlertRow.patient_id == patient, AlertRow.rule == which, col(AlertRow.state).in_(UNTAKEN)
        )
        return len(tx.session.exec(query).all())

    def comes(self, chat: int, **what: Any) -> None:
        """An update of a clinician."""
        given = {"event": None, **what}
        incoming, now = Incoming(next(self.updates), chat, **given), self.clock.now()
        self.done(lambda tx: self.turn.update(tx, incoming, now=now))

    def done(self, work: Callable[[Transaction], Result]) -> Result:
        """One transaction. When it was cut off nothing of it was kept, and it is done again, as the bot does."""
        try:
            return self.store.submit(work).result()
        except DiskFullError:
            return self.store.submit(work).result()


def _forget_everything(tx: Transaction) -> None:
    for table in reversed(AlertRow.metadata.sorted_tables):
        if table.name != "meta":
            tx.session.exec(table.delete())


def test_p4_an_open_alert_is_in_a_persons_hands_or_comes_back_whatever_happens() -> None:
    with memory() as store:
        Alerts.store, Alerts.breakage = store, Breakage()
        event.listen(store._engine, "before_cursor_execute", Alerts.breakage)
        run_state_machine_as_test(
            Alerts,
            settings=settings(
                max_examples=40,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
