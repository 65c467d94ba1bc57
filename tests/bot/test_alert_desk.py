"""What clinicians do with alerts, one update after another: what they read, what is kept, and who is told."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from bot.alert_desk import MOST_TRACED
from bot.buttons import Deed, staff_button
from bot.inbound import Incoming
from bot.lifeline import Lifeline
from bot.render import LONGEST, Renderer
from bot.turn import Turn
from flows import catalogue
from flows.care import Person
from flows.catalogue import Catalogue
from flows.effects import Raise
from flows.escalation import Outcome, Role, Tier
from storage import alerts, audit, clinicians, outbox, patients
from storage.cipher import Keyring
from storage.database import Store, Transaction, open_store
from storage.outbox import PAYLOAD
from storage.tables import AlertRow, OutboxRow

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
SAM, LEE, KIM = 1, 901, 902
TOLD, UNTOLD = "S1", "X0"


@dataclass
class Desk:
    """The real turn on a database, one patient, and what was queued for everybody."""

    store: Store
    turn: Turn
    now: datetime = NOW
    read: int = 0
    updates: Iterator[int] = field(default_factory=lambda: count(1))

    def finds(self, rule: str = TOLD, tier: Tier = Tier.EMERGENCY, patient: int | None = SAM) -> int:
        """A rule fires; the number of its alert."""

        def work(tx: Transaction) -> int:
            row = None if patient is None else patients.by_chat(tx, patient)
            raised = Raise(rule, tier, ())
            alert = self.turn.ladder.raise_(tx, None if row is None else row.id, raised, now=self.now)
            return alerts.number(alert)

        return self.store.submit(work).result()

    def types(self, text: str, chat: int = LEE) -> list[str]:
        """A clinician types; returns what is sent to anybody because of it."""
        self.comes(chat, text=text)
        return [text for _, text in self.sent()]

    def taps(self, deed: Deed, number: int, choice: str = "", chat: int = LEE) -> str | None:
        """A clinician taps; returns the word on the button."""
        return self.comes(chat, data=staff_button(deed, number, choice), callback_id="tap", message_id=7)

    def comes(self, chat: int, **what: Any) -> str | None:
        incoming = Incoming(next(self.updates), chat, **{"event": None, **what})
        return self.store.submit(lambda tx: self.turn.update(tx, incoming, now=self.now)).result()

    def queued(self) -> list[dict[str, Any]]:
        """Every call that was queued since the last look."""

        def work(tx: Transaction) -> list[dict[str, Any]]:
            rows = tx.session.exec(select(OutboxRow).where(OutboxRow.id > self.read).order_by(col(OutboxRow.id))).all()
            self.read = max([self.read, *(row.id for row in rows)])
            return [json.loads(tx.open(row.payload_sealed, PAYLOAD, row.id)) for row in rows]

        return self.store.submit(work).result()

    def sent(self) -> list[tuple[int, str]]:
        """Every new message that was queued since the last look: chat and text."""
        calls = (call for call in self.queued() if call["method"] == "sendMessage")
        return [(call["chat_id"], call["parameters"]["text"]) for call in calls]

    def alert(self, number: int) -> AlertRow:
        found = self.store.submit(lambda tx: alerts.by_number(tx, number)).result()
        assert found is not None
        return found

    def audited(self) -> list[tuple[str, str, str]]:
        """What clinicians did with alerts, by the audit trail."""
        lines = self.store.submit(audit.lines).result()
        return [
            (line.action, line.subject, line.reason)
            for line in lines
            if line.actor.startswith("clinician:") and line.subject.startswith("alert:")
        ]

    def id_of(self, chat: int) -> int:
        return self.store.submit(lambda tx: getattr(clinicians.by_chat(tx, chat), "id")).result()  # noqa: B009


@pytest.fixture(scope="module")
def content() -> Catalogue:
    return catalogue.load()


@pytest.fixture
def desk(content: Catalogue, tmp_path: Path) -> Iterator[Desk]:
    store = open_store(f"sqlite:///{tmp_path}/taperline.db", Keyring.generate())

    def people(tx: Transaction) -> None:
        patients.add(tx, SAM, Person(zone="America/Los_Angeles"), now=NOW)
        for chat, name, role in ((LEE, "Dr. Lee", Role.PHYSICIAN), (KIM, "Kim <&> Co", Role.STAFF)):
            clinicians.accept(tx, clinicians.invite(tx, name, role, now=NOW), chat, now=NOW)

    store.submit(people).result()
    yield Desk(store, Turn.build(content, Renderer(content, None), 1, Lifeline.open(["json://127.0.0.1:1/"])))
    store.close()


def test_who_comes_late_hears_who_has_it_and_since_when(desk: Desk) -> None:
    number, start = desk.finds(), desk.now
    assert desk.taps(Deed.ACK, number) == "Done."
    for passed, words in (
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(minutes=60), "1 h ago"),
        (timedelta(hours=25, minutes=59), "25 h ago"),
    ):
        desk.now = start + passed
        assert desk.taps(Deed.ACK, number, chat=KIM) == f"Dr. Lee took this {words}."
    desk.now = start
    assert desk.taps(Deed.RESOLVE, number, Outcome.HELPED, chat=KIM) == (
        f"Resolved. To leave a note, type: note {number} and your words."
    )
    assert desk.taps(Deed.ESCALATE, number) == "Kim <&> Co resolved this just now."
    desk.sent()
    assert desk.types(f"escalate {number}") == ["Kim &lt;&amp;&gt; Co resolved this just now."]


def test_a_deed_is_kept_with_its_outcome_and_audited_with_its_reason(desk: Desk) -> None:
    number, kim = desk.finds(), desk.id_of(KIM)
    assert (
        desk.taps(Deed.HAND_OVER, number, f"{kim}") == "Kim <&> Co is paged now. Until they acknowledge, it stays open."
    )
    assert desk.alert(number).handed_to == kim
    for deed in (Deed.ACK, Deed.CONTACT):
        assert desk.taps(deed, number, chat=KIM) == "Done."
        assert (desk.alert(number).handed_to, desk.alert(number).taken_by) == (None, kim)
    assert desk.taps(Deed.ESCALATE, number) == "The next people are paged now."
    assert desk.types(f"note {number} called twice")[-1] == "The note is kept in the alert's trace."
    desk.taps(Deed.RESOLVE, number, Outcome.NOT_REACHED)
    assert (desk.alert(number).outcome, desk.alert(number).taken_by) == (Outcome.NOT_REACHED, desk.id_of(LEE))
    desk.taps(Deed.TRACE, number)
    desk.taps(Deed.WHY, number, chat=KIM)
    assert desk.audited() == [
        ("hand", f"alert:{number}", f"to clinician:{kim}"),
        ("ack", f"alert:{number}", ""),
        ("contact", f"alert:{number}", ""),
        ("escalate", f"alert:{number}", ""),
        ("note", f"alert:{number}", ""),
        ("resolve", f"alert:{number}", "not_reached"),
        ("trace", f"alert:{number}", ""),
        ("why", f"alert:{number}", "without the answers"),
    ]


def test_a_question_to_whom_or_what_changes_nothing_until_it_is_answered(desk: Desk) -> None:
    number = desk.finds()
    desk.queued()
    before = desk.alert(number).state
    for deed, choice, asked in (
        (Deed.HAND_OVER, "", f"Who takes A-{number}?"),
        (Deed.HAND_OVER, f"{desk.id_of(LEE)}", f"Who takes A-{number}?"),
        (Deed.RESOLVE, "", f"What came of A-{number}?"),
        (Deed.RESOLVE, "so_so", f"What came of A-{number}?"),
    ):
        assert desk.taps(deed, number, choice) is None
        [call] = desk.queued()
        assert call["chat_id"] == LEE
        assert call["parameters"]["text"].startswith(asked)
    assert (desk.alert(number).state, desk.audited()) == (before, [])


def test_the_question_loses_its_buttons_when_it_is_answered_and_a_page_never_does(desk: Desk) -> None:
    number = desk.finds()
    desk.queued()
    desk.taps(Deed.RESOLVE, number, Outcome.HELPED)
    [call] = [call for call in desk.queued() if call["parameters"].get("message_id") == 7]
    assert (call["method"], "reply_markup" in call["parameters"]) == ("editMessageReplyMarkup", False)
    other = desk.finds()
    desk.queued()
    desk.taps(Deed.ACK, other)
    [call] = [call for call in desk.queued() if call["parameters"].get("message_id") == 7]
    assert call["method"] == "editMessageText"
    assert "Acknowledged by Dr. Lee, 10:00" in call["parameters"]["text"]


def test_an_alert_about_the_clinic_itself_names_no_patient_and_no_call(desk: Desk) -> None:
    number = desk.finds(UNTOLD, Tier.URGENT, patient=None)
    call = next(call for call in desk.queued() if call["parameters"]["text"].startswith("🟠"))
    assert "Patient" not in call["parameters"]["text"]
    buttons = [one["text"] for row in call["parameters"]["reply_markup"]["inline_keyboard"] for one in row]
    assert buttons == ["Acknowledge", "Hand over", "Escalate", "Resolve", "Why", "Trace"]
    assert desk.taps(Deed.ACK, number) == "Done."
    assert "Please note" not in str(desk.queued())
    desk.taps(Deed.WHY, number)
    [call] = desk.queued()
    told = call["parameters"]["text"]
    assert "reply_markup" not in call["parameters"]
    for words in ("Patient", "The record holds", "the patient was told"):
        assert words not in told


def test_a_note_of_one_word_is_shown_as_it_was_typed(desk: Desk) -> None:
    number = desk.finds()
    desk.types(f"note {number} helped")
    desk.types(f"resolve {number} helped")
    [told] = desk.types(f"trace {number}")
    assert "Note, Dr. Lee: helped" in told
    assert "Resolved, Dr. Lee: I spoke with the patient" in told
    [told] = desk.types(f"trace {number}", chat=KIM)
    assert "Note, Dr. Lee: …" in told
    assert "Resolved, Dr. Lee: I spoke with the patient" in told


def test_a_long_trace_shows_its_newest_lines_and_says_how_many_it_leaves_out(desk: Desk) -> None:
    number = desk.finds()
    for each in range(50):
        desk.now += timedelta(seconds=1)
        desk.types(f"note {number} n{each}.")
    [told] = desk.types(f"trace {number}")
    lines = desk.store.submit(lambda tx: len(alerts.trace(tx, alerts.by_number(tx, number)))).result()  # type: ignore[arg-type]
    assert f"{lines - MOST_TRACED} older lines are left out" in told
    assert "n49." in told
    assert told.count("Note, ") == MOST_TRACED


def test_a_trace_of_long_notes_fits_into_one_message(desk: Desk) -> None:
    number = desk.finds()
    for each in range(30):
        desk.types(f"note {number} {each} " + "🙂<&>" * 300)
    [told] = desk.types(f"trace {number}")
    assert len(told.encode("utf-16-le")) // 2 <= LONGEST
    assert "older lines are left out" in told
    assert "29 🙂" in told


@pytest.mark.parametrize(
    ("rule", "tier", "is_told"),
    [
        (TOLD, Tier.EMERGENCY, True),
        (TOLD, Tier.URGENT, True),
        (TOLD, Tier.SAME_DAY, False),
        (TOLD, Tier.ROUTINE, False),
        (UNTOLD, Tier.EMERGENCY, False),
        ("a rule that is gone", Tier.EMERGENCY, False),
    ],
)
def test_a_patient_hears_that_what_is_pressing_was_seen(desk: Desk, rule: str, tier: Tier, is_told: bool) -> None:
    number = desk.finds(rule, tier)
    desk.queued()
    desk.taps(Deed.ACK, number)
    assert [chat for chat, _ in desk.sent()] == ([SAM] if is_told else [])


@pytest.mark.parametrize("deed", [Deed.CONTACT, Deed.ESCALATE])
def test_a_patient_hears_nothing_of_any_other_deed(desk: Desk, deed: Deed) -> None:
    number = desk.finds()
    desk.queued()
    desk.taps(deed, number)
    assert SAM not in [chat for chat, _ in desk.sent()]


@pytest.mark.parametrize(
    ("first", "tier", "passed", "is_told"),
    [
        (TOLD, Tier.EMERGENCY, timedelta(minutes=59), False),
        (TOLD, Tier.EMERGENCY, timedelta(minutes=60), True),
        (TOLD, Tier.ROUTINE, timedelta(minutes=1), True),
        (UNTOLD, Tier.EMERGENCY, timedelta(minutes=1), True),
    ],
)
def test_a_patient_hears_it_once_an_hour_of_what_they_were_told_of(
    desk: Desk, first: str, tier: Tier, passed: timedelta, is_told: bool
) -> None:
    desk.taps(Deed.ACK, desk.finds(first, tier))
    desk.now += passed
    number = desk.finds("M1", Tier.EMERGENCY)
    desk.queued()
    desk.taps(Deed.ACK, number)
    assert [chat for chat, _ in desk.sent()] == ([SAM] if is_told else [])


def test_a_colleague_who_is_handed_an_alert_alone_is_paged_and_the_fallback_is_not(desk: Desk) -> None:
    number = desk.finds()
    desk.taps(Deed.ESCALATE, number)
    desk.taps(Deed.ESCALATE, number)
    desk.queued()
    desk.taps(Deed.HAND_OVER, number, f"{desk.id_of(KIM)}")
    pages = [call["chat_id"] for call in desk.queued() if call["method"] in {"sendMessage", "fallback"}]
    assert pages == [KIM]
    assert desk.alert(number).step == 0
    due = desk.store.submit(lambda tx: outbox.claim(tx, now=desk.now, limit=50)).result()
    assert number in {letter.alert_id for letter in due}


@pytest.mark.parametrize("words", ["why 99", "trace 99", "ack 99", "note 99 anything", "resolve 99 helped"])
def test_an_alert_that_is_not_there_is_said_to_be_not_there(desk: Desk, words: str) -> None:
    [told] = desk.types(words)
    assert "There is no alert A-99" in told
    assert desk.audited() == []
