"""Messages leave in order within a chat, the most urgent first, at least once, and by one sender at a time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from flows.escalation import Tier
from flows.events import Seen
from flows.lifecycle import AlertStep
from storage import alerts, outbox
from storage.database import Store, Transaction
from storage.outbox import LEASE, Delivery, Letter, Urgency
from storage.tables import AlertRow, DeadLetterRow, OutboxRow
from tests.storage.parts import NOW, add_patient, do

pytestmark = pytest.mark.both_databases

ADA, BEN, CAS = 111, 222, 333
SECOND = timedelta(seconds=1)


def put(store: Store, chat_id: int, text: str, *, urgency: Urgency = Urgency.REPLY, topic: str | None = None) -> None:
    do(store, lambda tx: outbox.put(tx, chat_id, "sendMessage", {"text": text}, urgency=urgency, now=NOW, topic=topic))


def claim(store: Store, *, now: datetime = NOW, limit: int = 100) -> Sequence[Letter]:
    return do(store, lambda tx: outbox.claim(tx, now=now, limit=limit))


def words(letters: Sequence[Letter]) -> list[str]:
    return [letter.parameters["text"] for letter in letters]


def sent(store: Store, letter: Letter, message_id: int | None = 1) -> None:
    do(store, lambda tx: outbox.sent(tx, letter, message_id, now=NOW))


def send_all(store: Store, *, now: datetime = NOW) -> list[str]:
    """Send what can be sent, one after the other, in the order in which it leaves."""
    order = []
    while letters := claim(store, now=now, limit=1):
        order += words(letters)
        sent(store, letters[0])
    return order


def state(store: Store, letter: Letter) -> tuple[str, int]:
    """The state of a message and how often it was tried."""
    row = do(store, lambda tx: tx.session.get_one(OutboxRow, letter.id))
    return row.state, row.attempts


def next_due(store: Store, now: datetime = NOW) -> datetime | None:
    return do(store, lambda tx: outbox.next_due(tx, now))


def page(store: Store, chat_id: int | None, text: str) -> int:
    """Queue a page of a new alert; returns the alert's number."""

    def work(tx: Transaction) -> int:
        alert, _ = alerts.raise_(tx, None, text, Tier.URGENT, (), merge=LEASE, now=NOW)
        number = alerts.number(alert)
        words = {"text": text}
        if chat_id is None:
            outbox.put_fallback(tx, "hook", words, urgency=Urgency.URGENT, now=NOW, alert_id=number)
        else:
            outbox.put(tx, chat_id, "x", words, urgency=Urgency.URGENT, now=NOW, alert_id=number)
        return number

    return do(store, work)


def move(store: Store, number: int, *steps: AlertStep) -> None:
    for step in steps:
        do(store, lambda tx: alerts.move(tx, tx.session.get_one(AlertRow, number), step, now=NOW))  # noqa: B023


def test_a_letter_is_what_was_put(store: Store) -> None:
    parameters = {"text": "Grüße 🙂", "reply_markup": {"inline_keyboard": [[{"text": "Yes", "callback_data": "1"}]]}}

    def put_page(tx: Transaction) -> int:
        alert, _ = alerts.raise_(tx, add_patient(tx), "a-rule", Tier.URGENT, (), merge=timedelta(days=1), now=NOW)
        number = alerts.number(alert)
        outbox.put(
            tx, ADA, "sendMessage", parameters, urgency=Urgency.EMERGENCY, now=NOW, topic="a topic", alert_id=number
        )
        return number

    number = do(store, put_page)
    (letter,) = claim(store)
    assert (letter.chat_id, letter.method, letter.parameters) == (ADA, "sendMessage", parameters)
    assert (letter.attempt, letter.alert_id) == (1, number)


def test_messages_to_a_chat_leave_in_the_order_they_were_put(store: Store) -> None:
    said = [f"message {number}" for number in range(12)]
    for text in said:
        put(store, ADA, text)
    assert send_all(store) == said


def test_of_each_chat_only_the_head_is_claimed(store: Store) -> None:
    for chat_id in (ADA, BEN):
        for number in (1, 2):
            put(store, chat_id, f"{chat_id} {number}")
    first = claim(store)
    assert words(first) == ["111 1", "222 1"]
    assert claim(store) == [], "what is being sent holds back what comes after it"
    sent(store, first[0])
    assert words(claim(store)) == ["111 2"]


def put_fallback(store: Store, channel: str, title: str) -> int:
    return do(
        store,
        lambda tx: outbox.put_fallback(tx, channel, {"title": title}, urgency=Urgency.EMERGENCY, now=NOW),
    )


def reason(store: Store, row_id: int) -> str | None:
    return do(store, lambda tx: tx.session.get_one(OutboxRow, row_id)).reason


def test_each_fallback_channel_is_a_line_of_its_own(store: Store) -> None:
    put(store, ADA, "to Ada")
    numbers = [put_fallback(store, channel, title) for title in ("first", "second") for channel in ("mail", "sms")]
    letters = claim(store)
    assert [(letter.chat_id, dict(letter.parameters)) for letter in letters] == [
        (None, {"channel": "mail", "title": "first"}),
        (None, {"channel": "sms", "title": "first"}),
        (ADA, {"text": "to Ada"}),
    ]
    assert [letter.id for letter in letters[:2]] == numbers[:2]
    sent(store, letters[1], None)
    (second,) = claim(store)
    assert second.parameters == {"channel": "sms", "title": "second"}, "a channel that hangs holds up itself only"


def test_a_message_tells_why_it_waits_or_is_dead_and_no_more_once_it_is_sent(store: Store) -> None:
    row_id = put_fallback(store, "mail", "page")
    (letter,) = claim(store)
    assert reason(store, row_id) is None
    do(store, lambda tx: outbox.again(tx, letter, NOW, "no answer"))
    assert reason(store, row_id) == "no answer"
    (letter,) = claim(store)
    sent(store, letter, None)
    assert reason(store, row_id) is None
    put(store, ADA, "a message")
    put(store, ADA, "another one")
    (letter,) = claim(store)
    do(store, lambda tx: outbox.give_up(tx, letter, "refused"))
    do(store, lambda tx: outbox.give_up_chat(tx, ADA, "blocked"))
    rows = do(store, lambda tx: tx.session.exec(select(OutboxRow).where(OutboxRow.state == Delivery.DEAD)).all())
    assert sorted(row.reason or "" for row in rows) == ["blocked", "refused"]


def test_a_channel_fails_from_its_third_attempt_until_it_takes_something(store: Store) -> None:
    def failing() -> str | None:
        return do(store, lambda tx: outbox.failing(tx, "mail", NOW))

    def attempt(write: Callable[[Transaction, Letter], None]) -> None:
        (letter,) = claim(store)
        do(store, lambda tx: write(tx, letter))

    assert failing() is None
    put_fallback(store, "mail", "page")
    for number in (1, 2, 3):
        attempt(lambda tx, letter: outbox.again(tx, letter, NOW, "no answer"))
        assert failing() == (None if number < 3 else "no answer")
    attempt(lambda tx, letter: outbox.give_up(tx, letter, "tried too often"))
    assert failing() == "tried too often"
    assert do(store, lambda tx: outbox.failing(tx, "mail", NOW + SECOND)) is None, "what was queued long ago is over"
    put_fallback(store, "mail", "next page")
    assert failing() == "tried too often"
    attempt(lambda tx, letter: outbox.sent(tx, letter, None, now=NOW))
    assert failing() is None


def test_pages_that_wait_for_telegram_are_told_from_those_on_a_fallback_channel(store: Store) -> None:
    def raise_and_page(tx: Transaction) -> int:
        alert, _ = alerts.raise_(tx, add_patient(tx), "a-rule", Tier.URGENT, (), merge=timedelta(days=1), now=NOW)
        number = alerts.number(alert)
        for seconds, topic in ((0, alerts.scope(alert)), (5, None)):
            now = NOW + seconds * SECOND
            outbox.put(tx, ADA, "sendMessage", {}, urgency=Urgency.URGENT, now=now, topic=topic, alert_id=number)
        later = NOW + 9 * SECOND
        outbox.put_fallback(tx, "mail", {}, urgency=Urgency.URGENT, now=later, alert_id=number)
        return number

    def unsent(before: datetime) -> Mapping[int, datetime]:
        return do(store, lambda tx: outbox.unsent_pages(tx, before))

    def is_paged(since: datetime) -> bool:
        return do(store, lambda tx: outbox.is_paged(tx, number, since))

    number = do(store, raise_and_page)
    put(store, BEN, "no page")
    assert unsent(NOW - SECOND) == {}
    assert unsent(NOW) == {number: NOW}
    assert unsent(NOW + 9 * SECOND) == {number: NOW + 5 * SECOND}
    assert is_paged(NOW + 6 * SECOND)
    assert not is_paged(NOW + 10 * SECOND)
    do(store, lambda tx: outbox.give_up_chat(tx, ADA, "blocked"))
    assert unsent(NOW + 9 * SECOND) == {}
    letters = [letter for letter in claim(store, now=NOW + 9 * SECOND) if letter.alert_id is not None]
    do(store, lambda tx: outbox.give_up(tx, letters[0], "no longer configured"))
    assert not is_paged(NOW), "nobody has this alert, though pages of it were queued"


def test_an_emergency_overtakes_what_waits_in_its_chat_and_in_others(store: Store) -> None:
    put(store, ADA, "reminder", urgency=Urgency.ROUTINE)
    put(store, ADA, "reply")
    put(store, BEN, "reply to Ben")
    put(store, ADA, "emergency", urgency=Urgency.EMERGENCY)
    assert words(claim(store, limit=1)) == ["emergency"]
    assert words(claim(store)) == ["reply to Ben"]


def test_an_emergency_does_not_wait_for_a_less_urgent_message_that_is_being_sent(store: Store) -> None:
    put(store, ADA, "reply")
    assert words(claim(store)) == ["reply"]
    put(store, ADA, "emergency", urgency=Urgency.EMERGENCY)
    assert words(claim(store)) == ["emergency"]


def test_the_most_urgent_go_first_when_there_is_little_room(store: Store) -> None:
    for chat_id, urgency in enumerate((3, 2, 0, 2, 0), start=1):
        put(store, chat_id, f"{chat_id}", urgency=Urgency(urgency))
    assert words(claim(store, limit=3)) == ["3", "5", "2"]
    assert words(claim(store, limit=3)) == ["4", "1"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from([ADA, BEN, CAS]), st.sampled_from(Urgency)), max_size=12))
def test_whatever_is_put_leaves_once_by_urgency_and_then_by_age(
    store: Store, messages: list[tuple[int, Urgency]]
) -> None:
    def work(tx: Transaction) -> list[int]:
        order = []
        for number, (chat_id, urgency) in enumerate(messages):
            outbox.put(tx, chat_id, "sendMessage", {"number": number}, urgency=urgency, now=NOW)
        while letters := outbox.claim(tx, now=NOW, limit=1):
            order.append(letters[0].parameters["number"])
            outbox.sent(tx, letters[0], 1, now=NOW)
        return order

    assert do(store, work) == sorted(range(len(messages)), key=lambda number: (messages[number][1], number))


def test_a_message_is_not_sent_before_its_time_and_holds_back_those_behind_it(store: Store) -> None:
    put(store, ADA, "first")
    put(store, ADA, "second")
    (letter,) = claim(store)
    do(store, lambda tx: outbox.again(tx, letter, NOW + 10 * SECOND, "no answer"))
    assert claim(store, now=NOW + 9 * SECOND) == []
    assert words(claim(store, now=NOW + 10 * SECOND)) == ["first"]


def test_the_attempt_is_counted_when_the_message_is_claimed(store: Store) -> None:
    put(store, ADA, "a message that kills its sender")
    for attempt in (1, 2, 3):
        (letter,) = claim(store, now=NOW + attempt * (LEASE + SECOND))
        assert letter.attempt == attempt
        assert state(store, letter) == (Delivery.SENDING, attempt)


@pytest.mark.parametrize(("spent", "attempt"), [(True, 2), (False, 1)])
def test_an_attempt_that_telegram_told_to_wait_does_not_count(store: Store, spent: bool, attempt: int) -> None:
    put(store, ADA, "a message")
    (letter,) = claim(store)
    do(store, lambda tx: outbox.again(tx, letter, NOW, "no answer", spent=spent))
    assert state(store, letter) == (Delivery.QUEUED, attempt - 1)
    (second,) = claim(store)
    assert second.attempt == attempt


def test_a_lease_that_is_over_is_taken_over_and_not_before(store: Store) -> None:
    put(store, ADA, "a message")
    (first,) = claim(store)
    assert claim(store, now=NOW + LEASE - SECOND) == []
    (second,) = claim(store, now=NOW + LEASE)
    assert (second.id, second.attempt) == (first.id, 2)
    assert second.token != first.token


@pytest.mark.parametrize(
    "complete",
    [
        lambda tx, letter: outbox.sent(tx, letter, 77, now=NOW),
        lambda tx, letter: outbox.again(tx, letter, NOW, "no answer"),
        lambda tx, letter: outbox.again(tx, letter, NOW, "no answer", spent=False),
        lambda tx, letter: outbox.give_up(tx, letter, "refused"),
    ],
    ids=["sent", "again", "again, not spent", "give up"],
)
def test_a_sender_that_lost_its_lease_changes_nothing_any_more(store: Store, complete) -> None:  # type: ignore[no-untyped-def]
    put(store, ADA, "a message", topic="topic")
    (first,) = claim(store)
    (second,) = claim(store, now=NOW + LEASE)
    do(store, lambda tx: complete(tx, first))
    assert state(store, second) == (Delivery.SENDING, 2)
    assert claim(store, now=NOW + LEASE + SECOND) == [], "the lease of the second sender still runs"
    sent(store, second, 88)
    do(store, lambda tx: complete(tx, first))
    do(store, lambda tx: complete(tx, second))
    assert state(store, second) == (Delivery.SENT, 2)
    assert do(store, lambda tx: outbox.message_ids(tx, "topic")) == [(ADA, 88)]


def test_a_sender_whose_message_went_back_to_the_queue_changes_nothing_any_more(store: Store) -> None:
    put(store, ADA, "a message")
    (letter,) = claim(store)
    do(store, lambda tx: outbox.again(tx, letter, NOW, "no answer"))
    sent(store, letter)
    assert state(store, letter) == (Delivery.QUEUED, 1)


def test_a_message_that_is_given_up_is_not_sent_and_lets_the_next_pass(store: Store) -> None:
    put(store, ADA, "refused")
    put(store, ADA, "next")
    (letter,) = claim(store)
    do(store, lambda tx: outbox.give_up(tx, letter, "refused"))
    assert state(store, letter) == (Delivery.DEAD, 1)
    assert words(claim(store, now=NOW + 2 * LEASE)) == ["next"]


def test_when_a_chat_is_lost_what_waits_for_it_is_dropped_and_nothing_else(store: Store) -> None:
    for text in ("under way", "waits", "waits too"):
        put(store, ADA, text)
    put(store, BEN, "to Ben")
    under_way, _ = claim(store)
    do(store, lambda tx: outbox.give_up_chat(tx, ADA, "blocked"))
    assert state(store, under_way) == (Delivery.SENDING, 1)
    sent(store, under_way)
    assert words(claim(store, now=NOW + LEASE)) == ["to Ben"]
    put(store, ADA, "Ada is back")
    assert words(claim(store)) == ["Ada is back"]


def test_after_a_crash_what_was_being_sent_is_sent_again_at_once(store: Store) -> None:
    put(store, ADA, "under way")
    put(store, BEN, "was sent")
    under_way, was_sent = claim(store)
    sent(store, was_sent)
    do(store, outbox.release)
    (again,) = claim(store)
    assert (again.id, again.attempt) == (under_way.id, 2)
    do(store, lambda tx: outbox.give_up(tx, under_way, "refused"))
    assert state(store, again) == (Delivery.SENDING, 2)
    assert state(store, was_sent) == (Delivery.SENT, 1)


def test_a_sent_message_is_never_claimed_again(store: Store) -> None:
    put(store, ADA, "a message")
    assert send_all(store) == ["a message"]
    assert claim(store, now=NOW + timedelta(days=30)) == []


def test_nothing_is_due_when_nothing_waits(store: Store) -> None:
    assert next_due(store) is None
    put(store, ADA, "a message")
    send_all(store)
    assert next_due(store) is None


def test_next_is_due_the_message_that_is_put_off_or_the_lease_that_ends(store: Store) -> None:
    put(store, ADA, "put off")
    (letter,) = claim(store)
    assert next_due(store) == NOW + LEASE
    do(store, lambda tx: outbox.again(tx, letter, NOW + 10 * SECOND, "no answer"))
    assert next_due(store) == NOW + 10 * SECOND


def test_next_due_is_the_sooner_of_a_message_put_off_and_a_lease(store: Store) -> None:
    for chat_id in (ADA, BEN):
        put(store, chat_id, "a message")
    put_off, _ = claim(store)
    do(store, lambda tx: outbox.again(tx, put_off, NOW + LEASE - SECOND, "no answer"))
    assert next_due(store) == NOW + LEASE - SECOND
    assert next_due(store, NOW + LEASE - SECOND) == NOW + LEASE


def test_a_message_that_is_due_but_waits_for_the_one_before_it_is_not_counted(store: Store) -> None:
    put(store, ADA, "first")
    put(store, ADA, "second")
    (letter,) = claim(store)
    do(store, lambda tx: outbox.again(tx, letter, NOW + 10 * SECOND, "no answer"))
    assert next_due(store) == NOW + 10 * SECOND


@pytest.mark.parametrize("passed", [0 * SECOND, 10 * SECOND, LEASE, LEASE + SECOND, LEASE + 59 * SECOND])
def test_what_is_next_due_is_in_the_future_or_can_be_claimed_so_a_sender_never_spins(
    store: Store, passed: timedelta
) -> None:
    """An old reply hangs in its sender, while an emergency to the same chat was told to wait a minute longer."""
    put(store, ADA, "reply")
    claim(store)
    put(store, ADA, "emergency", urgency=Urgency.EMERGENCY)
    (emergency,) = claim(store)
    do(store, lambda tx: outbox.again(tx, emergency, NOW + LEASE + 60 * SECOND, "no answer", spent=False))
    now = NOW + passed
    assert claim(store, now=now) == []
    due = next_due(store, now)
    assert due is not None
    assert due > now


def test_at_the_very_instant_that_next_due_names_there_is_something_to_claim(store: Store) -> None:
    put(store, ADA, "a message")
    claim(store)
    due = next_due(store)
    assert due is not None
    assert words(claim(store, now=due)) == ["a message"]


def test_the_messages_of_a_topic_are_found_with_their_chats(store: Store) -> None:
    for chat_id, topic in ((ADA, "alert:1"), (BEN, "alert:1"), (CAS, "alert:2"), (CAS, None)):
        put(store, chat_id, "a message", topic=topic)
    for number, letter in enumerate(claim(store)):
        sent(store, letter, 50 + number)
    put(store, CAS, "not sent yet", topic="alert:1")
    assert sorted(do(store, lambda tx: outbox.message_ids(tx, "alert:1"))) == [(ADA, 50), (BEN, 51)]
    assert do(store, lambda tx: outbox.message_ids(tx, "alert:1000")) == []


def test_a_call_that_has_no_message_id_is_not_found_by_its_topic(store: Store) -> None:
    put(store, ADA, "an edit", topic="alert:1")
    (letter,) = claim(store)
    sent(store, letter, None)
    assert state(store, letter) == (Delivery.SENT, 1)
    assert do(store, lambda tx: outbox.message_ids(tx, "alert:1")) == []


def test_p2_a_message_whose_transaction_fails_is_never_sent(store: Store) -> None:
    def work(tx: Transaction) -> None:
        outbox.put(tx, ADA, "sendMessage", {"text": "never"}, urgency=Urgency.EMERGENCY, now=NOW)
        tx.session.flush()
        raise LookupError

    with pytest.raises(LookupError):
        do(store, work)
    assert claim(store) == []


def test_p7_a_message_that_was_moved_to_another_row_does_not_go_to_the_wrong_person(store: Store) -> None:
    put(store, ADA, "for Ada only")
    put(store, BEN, "for Ben")

    def swap(tx: Transaction) -> None:
        first, second = tx.session.exec(select(OutboxRow).order_by(col(OutboxRow.id)))
        first.payload_sealed, second.payload_sealed = second.payload_sealed, first.payload_sealed

    do(store, swap)
    assert claim(store) == []
    assert do(store, lambda tx: [row.state for row in tx.session.exec(select(OutboxRow))]) == [Delivery.DEAD] * 2
    assert do(store, lambda tx: len(tx.session.exec(select(DeadLetterRow)).all())) == 2


def test_p8_a_message_is_seen_when_it_was_sent_and_maybe_while_it_is_being_sent(store: Store) -> None:
    def shown() -> outbox.Shown:
        return do(store, lambda tx: outbox.shown(tx, "a question"))

    assert shown() == outbox.Shown(Seen.NO)
    put(store, ADA, "How are you?", topic="a question")
    assert shown() == outbox.Shown(Seen.NO)
    [letter] = claim(store)
    assert shown() == outbox.Shown(Seen.MAYBE)
    sent(store, letter, 41)
    assert shown() == outbox.Shown(Seen.YES, first=41, last=41)
    put(store, ADA, "How are you? (again)", topic="a question")
    sent(store, claim(store)[0], 44)
    assert shown() == outbox.Shown(Seen.YES, first=41, last=44)
    assert do(store, lambda tx: dict(outbox.latest(tx, "a question"))) == {ADA: 44}


def test_p8_a_message_whose_sending_was_cut_off_may_have_been_seen_under_a_number_nobody_knows(store: Store) -> None:
    put(store, ADA, "How are you?", topic="a question")
    claim(store)
    do(store, outbox.release)
    assert do(store, lambda tx: outbox.shown(tx, "a question")) == outbox.Shown(Seen.YES)
    [letter] = claim(store)
    assert do(store, lambda tx: outbox.shown(tx, "a question")).seen is Seen.YES
    sent(store, letter, 43)
    assert do(store, lambda tx: outbox.shown(tx, "a question")) == outbox.Shown(Seen.YES, first=None, last=43)


def test_p4_places_that_are_kept_free_are_for_what_presses(store: Store) -> None:
    put(store, ADA, "routine", urgency=Urgency.ROUTINE)
    put(store, BEN, "reply", urgency=Urgency.REPLY)
    put(store, CAS, "urgent", urgency=Urgency.URGENT)
    letters = do(store, lambda tx: outbox.claim(tx, now=NOW, limit=9, least_urgent=Urgency.URGENT))
    assert words(letters) == ["urgent"]


@pytest.mark.parametrize("taken", [AlertStep.ACKNOWLEDGE, AlertStep.CONTACT, AlertStep.RESOLVE])
@pytest.mark.parametrize("chat_id", [ADA, None])
def test_a_page_that_waits_again_is_dropped_when_somebody_took_its_alert_meanwhile(
    store: Store, chat_id: int | None, taken: AlertStep
) -> None:
    number = page(store, chat_id, "taken")
    other = page(store, BEN, "not taken")
    put(store, ADA, "after it")
    [letter, kept] = claim(store, limit=2)
    assert letter.alert_id == number
    move(store, number, taken)
    do(store, lambda tx: outbox.again(tx, letter, NOW + SECOND, "a reason"))
    do(store, lambda tx: outbox.again(tx, kept, NOW + SECOND, "a reason"))
    found = claim(store, now=NOW + SECOND)
    assert {each.alert_id for each in found} >= {other}
    assert number not in {each.alert_id for each in found}
    assert state(store, letter) == (Delivery.DROPPED, 1)
    rest = {*words(found), *words(claim(store, now=NOW + SECOND))}
    assert rest == {"not taken", "after it"}


def test_a_page_that_a_crash_left_under_way_is_dropped_when_somebody_took_its_alert(store: Store) -> None:
    numbers = [page(store, ADA, "released"), page(store, BEN, "lease over")]
    [first, second] = claim(store)
    for number in numbers:
        move(store, number, AlertStep.ACKNOWLEDGE)
    assert claim(store, now=NOW + LEASE) == []
    assert [state(store, letter)[0] for letter in (first, second)] == [Delivery.DROPPED] * 2
    third = page(store, CAS, "again")
    [letter] = claim(store)
    move(store, third, AlertStep.ACKNOWLEDGE, AlertStep.ESCALATE)
    do(store, outbox.release)
    assert words(claim(store)) == ["again"], "it is open again"
    assert state(store, letter) == (Delivery.SENDING, 2)


def test_a_message_behind_one_that_is_being_sent_is_held_up_and_one_behind_a_pause_is_not(store: Store) -> None:
    def held_up() -> bool:
        return do(store, lambda tx: outbox.is_held_up(tx, NOW))

    put(store, ADA, "first")
    put(store, ADA, "second")
    assert not held_up()
    (first,) = claim(store)
    assert held_up()
    do(store, lambda tx: outbox.again(tx, first, NOW + SECOND, "later"))
    assert not held_up()
