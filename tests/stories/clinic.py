"""A clinic for one story: the real turn on a real database, a patient's phone, clinicians at theirs, and a clock.

Every message is one transaction: what is open is loaded before it and saved after it. Time goes by only when it is told
to, and what was due in it happens.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from bot import inbound
from bot.buttons import read_button
from bot.chat import Message
from bot.lifeline import Lifeline
from bot.render import Renderer
from bot.sandbox.markup import parse_html
from bot.turn import Turn
from bot.wire import Wire
from flows.catalogue import Catalogue
from flows.conversation import Conversation
from flows.escalation import Role, Tier
from flows.events import Event
from flows.taper import Plan
from storage import alerts, clinicians, conversations, outbox, patients, plans, timers, visits
from storage.cipher import Keyring
from storage.database import Store, Transaction, open_store
from storage.outbox import Letter
from storage.tables import AlertRow, PatientRow, RequestRow, TimerRow

PATIENT = 1
DESKS = {Role.PHYSICIAN: 11, Role.THERAPIST: 12, Role.STAFF: 13}
"""The chats of the clinicians, one of each role."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the clinic heard of a patient since it last looked: alerts by rule with their tier, and new requests.

    `pages` are the roles that were paged for each rule.
    """

    alerts: Mapping[str, Tier]
    pages: Mapping[str, frozenset[Role]]
    requests: Sequence[RequestRow]


@dataclass
class Clinic:
    """One patient, three clinicians, and what they see."""

    store: Store
    turn: Turn
    wire: Wire
    now: datetime
    phone: dict[int, Message] = field(default_factory=dict)
    """The messages on the patient's phone as they stand."""
    told: list[str] = field(default_factory=list)
    """What the patient was sent since the last look."""
    _paged: dict[int, set[Role]] = field(default_factory=dict)
    _staff: dict[int, Message] = field(default_factory=dict)
    _occasions: dict[int, int] = field(default_factory=dict)
    _last_request: int = 0
    _numbers: int = 0

    def types(self, text: str) -> None:
        """The patient sends a message."""
        self._update({"message": self._message(PATIENT, text=text)})

    def taps(self, event: Event) -> None:
        """The patient taps the newest button that says so; it must be on the screen."""
        found = self.button(event)
        assert found is not None, f"no button says {event}"
        self._tap(PATIENT, *found)

    def taps_words(self, *words: str) -> None:
        """The patient taps the newest button whose words begin so."""
        for message_id in sorted(self.phone, reverse=True):
            for row in self.phone[message_id].buttons:
                for label, data in row:
                    if label.startswith(words):
                        self._tap(PATIENT, message_id, data)
                        return
        raise AssertionError(f"no button says {words}")

    def button(self, event: Event) -> tuple[int, str] | None:
        """The message that has this button, and the words of the button."""
        for message_id in sorted(self.phone, reverse=True):
            for row in self.phone[message_id].buttons:
                for _, data in row:
                    if read_button(data) == event:
                        return message_id, data
        return None

    def blocks(self) -> None:
        """The patient blocks the bot."""
        chat, person = {"id": PATIENT, "type": "private"}, {"id": PATIENT, "is_bot": False, "first_name": "Sam"}
        before, after = (
            {"user": {"id": 1, "is_bot": True, "first_name": "Bot"}, "status": status, "until_date": 0}
            for status in ("member", "kicked")
        )
        moved = {"chat": chat, "from": person, "date": int(self.now.timestamp())}
        self._update({"my_chat_member": {**moved, "old_chat_member": before, "new_chat_member": after}})

    def clinician(self, role: Role, text: str) -> None:
        """A clinician types something, and taps what they are asked to confirm."""
        self._staff.clear()
        self._update({"message": self._message(DESKS[role], text=text)})
        for message_id, message in tuple(self._staff.items()):
            for row in message.buttons:
                for _, data in row:
                    if data.startswith("s:plan"):
                        self._tap(DESKS[role], message_id, data)

    def wait(self, passed: timedelta) -> None:
        """Time goes by, and what is due in it happens."""
        until = self.now + passed
        while (due := self.store.submit(timers.next_due).result()) is not None and due <= until:
            self.ring(due)
        self.now = until

    def ring(self, due: datetime) -> None:
        """It is that time: whatever is due happens."""
        self.now = max(self.now, due)
        for timer in self.store.submit(lambda tx: timers.due(tx, self.now, 100)).result():
            self._do(lambda tx, timer=timer: self.turn.timer(tx, timer, now=self.now))

    @property
    def patient(self) -> PatientRow:
        row: PatientRow = self.store.submit(_patient).result()
        return row

    @property
    def plan(self) -> Plan:
        """The taper plan that is recorded for the patient."""
        plan: Plan = self.store.submit(lambda tx: plans.of_patient(tx, _patient(tx).id)).result()
        return plan

    @property
    def open(self) -> Conversation | None:
        """The patient's conversation in front, as it is kept."""

        def work(tx: Transaction) -> Conversation | None:
            row = patients.by_chat(tx, PATIENT)
            return None if row is None else conversations.open_ones(tx, row.id)[0]

        found: Conversation | None = self.store.submit(work).result()
        return found

    @property
    def all(self) -> Sequence[Conversation]:
        """All conversations of the patient, the oldest first."""

        def work(tx: Transaction) -> Sequence[Conversation]:
            row = patients.by_chat(tx, PATIENT)
            return [] if row is None else [found for found, _ in conversations.of_patient(tx, row.id)]

        found: Sequence[Conversation] = self.store.submit(work).result()
        return found

    @property
    def next_check_in(self) -> datetime:
        """When the next check-in will come by itself."""
        query = select(TimerRow.due_at).where(TimerRow.key == "check-in")
        due: datetime | None = self.store.submit(lambda tx: tx.session.exec(query).first()).result()
        assert due is not None, "no check-in will come"
        return due

    def looks(self) -> Heard:
        """What is new since the last look. The clinic takes every alert, and closes every request for a visit."""

        def work(tx: Transaction) -> Heard:
            raised: dict[str, Tier] = {}
            pages: dict[str, frozenset[Role]] = {}
            rows = tx.session.exec(select(AlertRow)).all()
            occasions = alerts.occasions(tx, [alerts.number(row) for row in rows])
            for row in rows:
                number = alerts.number(row)
                new = occasions[number][self._occasions.get(number, 0) :]
                self._occasions[number] = len(occasions[number])
                if new:
                    tiers = [evidence.tier for occasion in new for evidence in occasion.evidence]
                    raised[row.rule] = min(tiers, key=lambda tier: tier.urgency)
                    pages[row.rule] = frozenset(self._paged.get(number, ()))
            requests = [row for row in visits.open_ones(tx) if visits.number(row) > self._last_request]
            self._last_request = max([self._last_request, *map(visits.number, requests)])
            return Heard(raised, pages, requests)

        heard: Heard = self.store.submit(work).result()
        for number in self.store.submit(lambda tx: [alerts.number(row) for row in alerts.open_ones(tx)]).result():
            self.clinician(Role.PHYSICIAN, f"ack {number}")
        for request in heard.requests:
            if request.kind == "visit":
                self.clinician(Role.STAFF, f"close R-{visits.number(request)}")
        self._paged.clear()
        return heard

    def _tap(self, chat: int, message_id: int, data: str) -> None:
        message = self._message(chat, text="") | {"message_id": message_id}
        query = {"id": "1", "from": message["from"], "chat_instance": "1", "data": data, "message": message}
        self._update({"callback_query": query})

    def _message(self, chat: int, **content: Any) -> dict[str, Any]:
        self._numbers += 1
        person = {"id": chat, "is_bot": False, "first_name": "Sam"}
        when = int(self.now.timestamp())
        where = {"id": chat, "type": "private"}
        return {"message_id": self._numbers, "date": when, "chat": where, "from": person, **content}

    def _update(self, content: dict[str, Any]) -> None:
        self._numbers += 1
        incoming = inbound.read(json.loads(json.dumps({"update_id": self._numbers, **content})), self.wire)
        assert incoming is not None
        self._do(lambda tx: self.turn.update(tx, incoming, now=self.now))

    def _do(self, work: Any) -> None:
        """One transaction, and then what it sends."""
        self.store.submit(work).result()
        while letters := self.store.submit(lambda tx: outbox.claim(tx, now=self.now, limit=50)).result():
            for letter in letters:
                self._deliver(letter)

    def _deliver(self, letter: Letter) -> None:
        self._numbers += 1
        message_id, parameters = self._numbers, letter.parameters
        at = parameters.get("message_id", message_id)
        if letter.method == "sendMessage" and letter.chat_id != PATIENT:
            self._staff[message_id] = _shown(parameters)
            if letter.alert_id is not None:
                role = next(role for role, chat in DESKS.items() if chat == letter.chat_id)
                self._paged.setdefault(letter.alert_id, set()).add(role)
        elif letter.chat_id == PATIENT and letter.method in {"sendMessage", "editMessageText"}:
            self.phone[at] = _shown(parameters)
            self.told.append(self.phone[at].text)
        elif letter.chat_id == PATIENT and letter.method == "editMessageReplyMarkup":
            self.phone[at] = Message(self.phone[at].text)
        self.store.submit(lambda tx: outbox.sent(tx, letter, message_id, now=self.now)).result()


def _patient(tx: Transaction) -> PatientRow:
    row = patients.by_chat(tx, PATIENT)
    assert row is not None
    return row


@contextmanager
def opened(catalogue: Catalogue, renderer: Renderer, *, now: datetime) -> Iterator[Clinic]:
    """A clinic with its people, on a database that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'story.db'}", Keyring.generate())
        try:
            turn = Turn.build(catalogue, renderer, 1, Lifeline())
            clinic = Clinic(store, turn, Wire("1:story", "http://127.0.0.1:9"), now)
            for role in DESKS:
                token = store.submit(lambda tx, role=role: clinicians.invite(tx, role, role, now=now)).result()
                clinic.clinician(role, f"/start {token}")
            yield clinic
        finally:
            store.close()


def _shown(parameters: Any) -> Message:
    text, _ = parse_html(parameters["text"])
    rows = parameters.get("reply_markup", {}).get("inline_keyboard", [])
    return Message(text, [[(button["text"], button["callback_data"]) for button in row] for row in rows])
