"""Every step of an alert's life, in the manner of GoAlert's smoke tests: what is not expected fails, in any chat.

The real bot, the sandbox as Telegram, a clock that is moved, and a service that takes what goes to the fallback.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.sandbox import Fault, FaultKind
from flows.effects import Raise
from flows.escalation import Outcome, Role, Tier
from storage import clinicians as team
from storage import patients
from storage.database import Transaction
from tests.databases import Database
from tests.outside import Outside, webhook
from tests.world import Phone, World, world

HERE = ZoneInfo("America/Los_Angeles")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

CRISIS = "i want to kill myself"
STOPPED = "i stopped all my pills yesterday"
PERSON = "i want to talk to a person"
VIOLENCE = "my husband hits me"

UNTOLD = "X0"
"""A rule by which patients are told nothing."""

OUTCOMES = {
    Outcome.HELPED: "I spoke with the patient",
    Outcome.ARRANGED: "A call or a visit is arranged",
    Outcome.REFERRED: "Sent to emergency care",
    Outcome.NOT_REACHED: "Not reached, the protocol was followed",
    Outcome.NO_ACTION: "No action was needed",
}


@pytest.fixture
async def fallback() -> AsyncIterator[Outside]:
    """The service that the clinic's FALLBACK_URLS name."""
    async with webhook() as service:
        yield service


@pytest.fixture
async def here(tmp_path: Path, database: Database, fallback: Outside) -> AsyncIterator[World]:
    """A running world in which, at the end, nobody may have anything left to read."""
    async with world(tmp_path, database=database, fallback=(fallback.url,)) as running:
        yield running
        await running.is_quiet()


async def at(here: World, local: str) -> None:
    """It becomes that time in the clinic, and what was due by then has happened."""
    await here.passes(datetime.fromisoformat(local).replace(tzinfo=HERE).astimezone(UTC) - here.clock.now())


async def everyone_gets(phones: list[Phone], *words: str) -> None:
    for phone in phones:
        await phone.gets(*words)


async def toast(here: World, tap: str) -> str:
    """The word that a tapped button was answered with."""

    def answered() -> list[str]:
        calls = here.sandbox.calls_of("answerCallbackQuery")
        return [call.params.get("text", "") for call in calls if call.params["callback_query_id"] == tap]

    return (await here.sandbox.wait_for(answered))[0]


async def fact(here: World, sam: Phone, rule: str, tier: Tier) -> None:
    """A rule finds something about a patient, of any tier: no rule of the clinic is due the same day."""
    now = here.clock.now()

    def found(tx: Transaction) -> None:
        row = patients.by_chat(tx, sam.person.id)
        assert row is not None
        here.app.turn.ladder.raise_(tx, row.id, Raise(rule, tier, ()), now=now)

    await here.app.store.run(found)
    here.app.delivery.wake()
    here.app.ticker.wake()
    await here.settled()


async def known(here: World, name: str = "Sam") -> Phone:
    """A patient who has said hello."""
    sam = here.patient(name)
    sam.says("hello")
    await sam.gets("Hello. I am the bot of Taperline Clinic")
    return sam


async def emergency(here: World, *phones: Phone, number: int = 1) -> Phone:
    """A patient in an emergency, of which these phones read."""
    sam = here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    await everyone_gets(list(phones), f"EMERGENCY · A-{number}")
    return sam


def button(phone: Phone, label: str) -> tuple[int, str]:
    """The message with the newest button whose words begin so, and what it says when it is tapped, then or later."""
    message, row, column = phone._button(label)
    return message["message_id"], message["reply_markup"]["inline_keyboard"][row][column]["callback_data"]


def with_sound(here: World, phone: Phone, words: str) -> list[bool]:
    """Of every message with these words, whether it made a sound."""
    sent = here.sandbox.calls_of("sendMessage", phone.person)
    return [not call.params.get("disable_notification", False) for call in sent if words in call.params["text"]]


# Every step of every tier, by the content that comes with the bot.


async def test_p4_an_emergency_takes_every_step_and_then_repeats_for_ever(here: World, fallback: Outside) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    await at(here, "2026-11-28T03:00")
    await emergency(here, lee)
    await here.passes(5 * MINUTE - timedelta(seconds=1))
    await here.is_quiet()
    await here.passes(timedelta(seconds=1))
    await everyone_gets([lee, kim], "EMERGENCY · A-1 · page 2")
    await here.passes(9 * MINUTE)
    await here.is_quiet()
    await here.passes(MINUTE)
    await everyone_gets([lee, kim], "EMERGENCY · A-1 · page 3")
    await fallback.gets("Alert A-1 (emergency), page 3")
    await here.passes(14 * MINUTE)
    await here.is_quiet()
    fallback.nothing_more()
    for number, passed in enumerate((MINUTE, 15 * MINUTE, 15 * MINUTE, 30 * DAY, 15 * MINUTE), start=4):
        await here.passes(passed)
        await everyone_gets([lee, kim], f"EMERGENCY · A-1 · page {number}")
        await fallback.gets(f"Alert A-1 (emergency), page {number}")
    assert with_sound(here, lee, "A-1") == [True] * 8


async def test_p4_an_urgent_alert_takes_every_step_at_night_too(here: World, fallback: Outside) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient()
    await at(here, "2026-11-27T23:00")
    sam.says(STOPPED)
    await sam.gets("Stopping suddenly")
    await lee.gets("URGENT · A-1", "Supply or sudden stop (D1)")
    await here.passes(14 * MINUTE)
    await here.is_quiet()
    await here.passes(MINUTE)
    await everyone_gets([lee, kim], "URGENT · A-1 · page 2")
    await here.passes(29 * MINUTE)
    await here.is_quiet()
    for number, passed in enumerate((MINUTE, HOUR, HOUR), start=3):
        await here.passes(passed)
        await everyone_gets([lee, kim], f"URGENT · A-1 · page {number}")
        await fallback.gets(f"Alert A-1 (urgent), page {number}")
        await here.passes(timedelta())
    assert with_sound(here, lee, "A-1") == [True] * 5


async def test_p4_an_alert_of_the_same_day_takes_every_step_while_the_clinic_is_open(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), await known(here)
    await fact(here, sam, "D3", Tier.SAME_DAY)
    await lee.gets("SAME DAY · A-1")
    await at(here, "2026-11-23T11:59")
    await here.is_quiet()
    for number, time in enumerate(("23T12:00", "23T14:00", "23T16:00", "24T09:00", "24T11:00"), start=2):
        await at(here, f"2026-11-{time}")
        await everyone_gets([lee, kim], f"SAME DAY · A-1 · page {number}")
        if time == "23T16:00":
            await at(here, "2026-11-24T08:59")
            await here.is_quiet()
    assert with_sound(here, lee, "A-1") == [True] * 6


async def test_p4_a_routine_alert_takes_every_step_on_days_when_the_clinic_is_open_and_makes_no_sound(
    here: World,
) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient()
    await at(here, "2026-11-25T16:30")
    sam.says(PERSON)
    await sam.gets("asked the clinic's team to call you")
    await kim.gets("ROUTINE · A-1", "Asks for a person (X2)")
    for number, time in enumerate(("26T16:30", "27T16:30", "30T09:00"), start=2):
        await at(here, f"2026-11-{time}")
        await everyone_gets([lee, kim], f"ROUTINE · A-1 · page {number}")
        if time == "27T16:30":
            await at(here, "2026-11-30T08:59")
            await here.is_quiet()
    assert with_sound(here, kim, "A-1") == [False] * 4


async def test_what_may_wait_is_paged_when_the_clinic_opens_and_not_before(here: World) -> None:
    lee, sam = await here.clinician(), await known(here)
    for number, (tier, raised, before, opening) in enumerate(
        (
            (Tier.SAME_DAY, "2026-11-23T22:00", "2026-11-24T08:59:59", "2026-11-24T09:00"),
            (Tier.SAME_DAY, "2026-11-27T17:00", "2026-11-30T08:59:59", "2026-11-30T09:00"),
            (Tier.ROUTINE, "2026-12-01T02:00", "2026-12-01T08:59:59", "2026-12-01T09:00"),
            (Tier.ROUTINE, "2026-12-04T18:00", "2026-12-07T08:59:59", "2026-12-07T09:00"),
        ),
        start=1,
    ):
        await at(here, raised)
        await fact(here, sam, "D3", tier)
        await here.is_quiet()
        await at(here, before)
        await here.is_quiet()
        await at(here, opening)
        await lee.gets(f"A-{number}\n")
        lee.says(f"resolve {number} no_action")
        await lee.gets("Resolved")


# A clinic's own steps.


OWN = """
- tier: emergency
  steps:
    - {to: [{person: Kim}], wait: 1m}
    - {to: [therapist], wait: 2m}
    - {to: [on_call, {person: Kim}], wait: 3m}
    - {to: [fallback], wait: 4m}
  contact: 20m
  merge: 1h
- tier: urgent
  silent: true
  steps:
    - {to: [physician, {person: Nobody Here}], wait: 10m}
  contact: 2h
  merge: 1h
- {tier: same_day, steps: [{to: [everyone], wait: 1h}], contact: 1d, merge: 1h}
- {tier: routine, steps: [{to: [{person: Nobody Here}], wait: 2h}], contact: 1d, merge: 1h}
"""


async def test_a_clinics_own_steps_name_persons_roles_and_hours(here: World, fallback: Outside, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "escalation.yaml").write_text(OWN, "utf-8")
    rules = (resources.files("flows") / "content" / "redflags.yaml").read_text("utf-8")
    (own / "redflags.yaml").write_text(rules.replace("- id: X1\n", "- id: X1\n  hours: opening\n"), "utf-8")
    here.settings = here.settings.model_copy(update={"content_dir": own})
    await here.restart()
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    noa = await here.clinician("Noa", Role.THERAPIST)
    await emergency(here, kim)
    await here.passes(MINUTE)
    await noa.gets("A-1 · page 2")
    await here.passes(2 * MINUTE)
    await everyone_gets([kim, lee, noa], "A-1 · page 3")
    for number, passed in ((4, 3), (5, 4), (6, 4)):
        await here.passes(passed * MINUTE)
        await fallback.gets(f"Alert A-1 (emergency), page {number}")
    noa.says("contact 1")
    await noa.gets("Done")

    await at(here, "2026-11-27T20:00")
    rosa, ida = here.patient("Rosa"), here.patient("Ida")
    rosa.says(VIOLENCE)
    await rosa.gets("in danger right now")
    ida.says(STOPPED)
    await ida.gets("Stopping suddenly")
    await lee.gets("URGENT · A-3", "(D1)")
    lee.says("contact 3")
    await lee.gets("Done")
    await at(here, "2026-11-30T08:59")
    await here.is_quiet()
    await at(here, "2026-11-30T09:00")
    await lee.gets("URGENT · A-2\n", "Safety of others (X1)")
    assert with_sound(here, lee, "A-2") == [False]
    await at(here, "2026-11-30T16:51")
    await lee.gets("URGENT · A-2 · page 2")
    await at(here, "2026-12-01T08:59")
    await here.is_quiet()
    await at(here, "2026-12-01T09:00")
    await lee.gets("URGENT · A-2 · page 3")
    lee.says("ack 2")
    await lee.gets("Done")
    await rosa.gets("has now seen")
    await here.passes(2 * HOUR)
    await lee.gets("URGENT · A-2 · page 4", "It was with Dr. Lee, 09:00")
    lee.says("resolve 2 helped")
    await lee.gets("Resolved")
    await fact(here, ida, "D3", Tier.ROUTINE)
    await everyone_gets([lee, kim, noa], "ROUTINE · A-4")


# The bot is taken down and started again at every step.


async def test_p4_a_restart_at_any_step_of_an_alert_loses_nothing(here: World, fallback: Outside) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), await known(here)
    await at(here, "2026-11-23T20:00")
    await fact(here, sam, "D3", Tier.ROUTINE)  # raised
    await here.restart()
    await at(here, "2026-11-24T09:00")
    await lee.gets("ROUTINE · A-1\n")
    lee.says("resolve 1 arranged")
    await lee.gets("Resolved")

    await emergency(here, lee, number=2)  # paged
    await here.restart()
    await here.passes(5 * MINUTE)
    await everyone_gets([lee, kim], "A-2 · page 2")
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by Dr. Lee")
    await here.phones[-1].gets("has now seen")
    await here.restart()
    await here.passes(30 * MINUTE)
    await lee.gets("A-2 · page 3", "It was with Dr. Lee")
    lee.taps("Hand over")
    await lee.gets("Who takes A-2?")
    lee.taps("Kim")
    await kim.gets("A-2 · page 4", "Handed to Kim by Dr. Lee")
    await here.restart()
    await here.passes(5 * MINUTE)
    await lee.gets("A-2 · page 5")
    kim.taps("I spoke with them")
    await kim.sees("In hand")
    await here.restart()
    await here.passes(3 * DAY)
    await here.is_quiet()
    kim.says("resolve 2 helped")
    await kim.gets("Resolved")
    await here.restart()
    await here.passes(30 * DAY)


# Acknowledged, and spoken with the patient or not.


async def test_p4_who_took_an_alert_and_did_not_speak_with_the_patient_is_paged_again(here: World) -> None:
    lee, sam = await here.clinician(), await known(here)
    for number, (tier, taken, before, due) in enumerate(
        (
            (Tier.URGENT, "2026-11-23T20:00", "2026-11-24T03:59", "2026-11-24T04:00"),
            (Tier.SAME_DAY, "2026-11-27T11:00", "2026-11-30T08:59", "2026-11-30T09:00"),
            (Tier.ROUTINE, "2026-11-30T10:00", "2026-12-03T09:59", "2026-12-03T10:00"),
        ),
        start=1,
    ):
        await at(here, taken)
        await fact(here, sam, UNTOLD, tier)
        await lee.gets(f"A-{number}\n")
        lee.taps("Acknowledge")
        told = f"Please note by {datetime.fromisoformat(due):%a %H:%M} that you spoke with them."
        await lee.sees(f"A-{number}\n", "Acknowledged by Dr. Lee", told)
        await at(here, before)
        await here.is_quiet()
        await at(here, due)
        await lee.gets(f"A-{number} · page 2", "Waiting for somebody to acknowledge", f"with Dr. Lee, {taken[11:]}")
        lee.says(f"resolve {number} arranged")
        await lee.gets("Resolved")


async def test_p4_an_emergency_that_was_taken_waits_half_an_hour_for_a_call_and_then_begins_again(
    here: World, fallback: Outside
) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    sam = await emergency(here, lee)
    await here.passes(5 * MINUTE)
    await everyone_gets([lee, kim], "page 2")
    kim.taps("Acknowledge")
    await lee.sees("Acknowledged by Kim, 10:05", "Please note by Mon 10:35")
    await sam.gets("has now seen")
    await here.passes(29 * MINUTE)
    await here.is_quiet()
    await here.passes(MINUTE)
    await lee.gets("A-1 · page 3", "It was with Kim, 10:05")
    await here.passes(5 * MINUTE)
    await everyone_gets([lee, kim], "A-1 · page 4", "It was with Kim, 10:05")
    lee.taps("I spoke with them")
    await kim.sees("In hand, the patient was spoken with by Dr. Lee, 10:40")
    for passed in (5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, 8 * HOUR, 60 * DAY):
        await here.passes(passed)
        await here.is_quiet()


# New facts.


async def test_new_facts_page_again_who_had_taken_the_alert_and_after_a_day_raise_another(here: World) -> None:
    lee = await here.clinician()
    sam = await emergency(here, lee)
    sam.says(CRISIS)
    await sam.gets("988")
    await here.is_quiet()
    lee.says("ack 1")
    await lee.gets("Done")
    await sam.gets("has now seen")
    await here.passes(10 * MINUTE)
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("EMERGENCY · A-1 · page 2", "It was with Dr. Lee, 10:00")
    lee.says("contact 1")
    await lee.gets("Done")
    await here.passes(40 * MINUTE)
    await here.is_quiet()
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("EMERGENCY · A-1 · page 3", "It was with Dr. Lee, 10:10")
    lee.says("contact 1")
    await lee.gets("Done")
    await here.passes(DAY)
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("EMERGENCY · A-2\n", "Waiting for somebody")
    sam.says(CRISIS)
    await sam.gets("988")
    await here.is_quiet()
    lee.says("resolve 2 helped")
    await lee.gets("Resolved")
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("EMERGENCY · A-3\n")


async def test_an_alert_whose_tier_rises_pages_at_once_with_sound_and_never_sinks(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), await known(here)
    await at(here, "2026-11-27T20:00")
    await fact(here, sam, UNTOLD, Tier.ROUTINE)
    await here.is_quiet()
    await fact(here, sam, UNTOLD, Tier.URGENT)
    await kim.gets("URGENT · A-1\n")
    await here.passes(15 * MINUTE)
    await everyone_gets([lee, kim], "URGENT · A-1 · page 2")
    await fact(here, sam, UNTOLD, Tier.ROUTINE)
    await here.is_quiet()
    await fact(here, sam, UNTOLD, Tier.EMERGENCY)
    await kim.gets("EMERGENCY · A-1 · page 3")
    await here.passes(5 * MINUTE)
    await everyone_gets([lee, kim], "EMERGENCY · A-1 · page 4")
    lee.says("contact 1")
    await lee.gets("Done")
    await fact(here, sam, UNTOLD, Tier.ROUTINE)
    await kim.gets("EMERGENCY · A-1 · page 5", "It was with Dr. Lee")
    assert with_sound(here, kim, "A-1") == [True] * 5


# Handed over, and escalated.


async def test_an_alert_is_handed_to_a_colleague_who_alone_is_paged_until_they_do_not_answer(here: World) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    noa = await here.clinician("Noa", Role.THERAPIST)
    sam = await emergency(here, lee, noa)
    noa.taps("Acknowledge")
    await noa.sees("Acknowledged")
    await sam.gets("has now seen")
    lee.taps("Hand over")
    question = await lee.gets("Who takes A-1?")
    assert lee.labels(question) == ["Kim", "Noa"]
    assert await toast(here, lee.taps("Kim")) == "Kim is paged now. Until they acknowledge, it stays open."
    await kim.gets("A-1 · page 2", "Handed to Kim by Dr. Lee, 10:00")
    await noa.sees("Handed to Kim by Dr. Lee, 10:00")
    await here.passes(5 * MINUTE)
    await everyone_gets([lee, noa], "A-1 · page 3", "It was with Dr. Lee")
    await here.passes(10 * MINUTE - 5 * MINUTE)
    await everyone_gets([lee, kim, noa], "A-1 · page 4")
    lee.taps("Hand over")
    await lee.gets("Who takes A-1?")
    lee.taps("Kim")
    await kim.gets("A-1 · page 5", "Handed to Kim")
    kim.taps("Acknowledge")
    await lee.sees("Acknowledged by Kim")
    await sam.gets("has now seen")


async def test_an_alert_that_is_handed_to_who_cannot_be_reached_goes_to_the_others_at_once(
    here: World, fallback: Outside
) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    await emergency(here, lee)
    here.sandbox.inject(Fault(FaultKind.FORBIDDEN, method="sendMessage", chat_id=kim.person.id, times=1))
    lee.taps("Hand over")
    await lee.gets("Who takes A-1?")
    lee.taps("Kim")
    await lee.gets("A-1 · page 3")
    await fallback.gets("Taperline operations", "cannot be paged")
    assert await toast(here, lee.taps("Hand over")) == "There is nobody else who can be paged. Escalate instead."
    kim.says("/help")
    await kim.gets("/alerts: what is open")
    lee.taps("Hand over")
    question = await lee.gets("Who takes A-1?")
    assert lee.labels(question) == ["Kim"]
    here.sandbox.block(kim.person)
    await fallback.gets("Taperline operations", "cannot be paged")
    assert await toast(here, lee.taps("Kim")) == "There is nobody else who can be paged. Escalate instead."


async def test_a_forged_button_hands_an_alert_to_nobody(here: World) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    await emergency(here, lee)
    people = await here.app.store.run(lambda tx: {one.name: one.id for one in team.team(tx, here.clock.now())})
    page = here.sandbox.messages(lee.person)[-1]["message_id"]
    for choice in (people["Dr. Lee"], 0, 99999999999999999999, "kim"):
        here.sandbox.tap(lee.person, page, f"s:hand:1:{choice}", forged=True)
        question = await lee.gets("Who takes A-1?")
        assert lee.labels(question) == ["Kim"]
    here.sandbox.tap(lee.person, page, f"s:resolve:1:{people['Kim']}", forged=True)
    await lee.gets("What came of A-1?")
    assert await toast(here, here.sandbox.tap(lee.person, page, "s:ack:1:helped", forged=True))
    assert lee.shows("Waiting for somebody to acknowledge")
    await here.passes(5 * MINUTE)
    await everyone_gets([lee, kim], "A-1 · page 2")


async def test_escalate_pages_the_next_people_at_once_from_every_state(here: World, fallback: Outside) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    sam = await emergency(here, lee)
    assert await toast(here, lee.taps("Escalate")) == "The next people are paged now."  # from paged
    await everyone_gets([lee, kim], "A-1 · page 2")
    kim.taps("Acknowledge")
    await lee.sees("Acknowledged by Kim")
    await sam.gets("has now seen")
    lee.taps("Escalate")
    await everyone_gets([lee, kim], "A-1 · page 3")
    await here.settled()
    await fallback.gets("Alert A-1 (emergency), page 3")
    lee.taps("I spoke with them")
    await kim.sees("In hand")
    kim.says("escalate 1")
    await everyone_gets([lee], "A-1 · page 4")
    await kim.gets("A-1 · page 4")
    await kim.gets("The next people are paged now.")
    await here.settled()
    await fallback.gets("Alert A-1 (emergency), page 4")
    await here.passes(14 * MINUTE)
    await here.is_quiet()
    lee.says("resolve 1 referred")
    await lee.gets("Resolved")
    await at(here, "2026-11-23T22:00")
    await fact(here, sam, "D3", Tier.SAME_DAY)
    lee.says("/alerts")
    await lee.gets("SAME DAY · A-2", "Not yet paged", "It will be paged Tue 09:00")
    lee.taps("Escalate")
    await lee.gets("SAME DAY · A-2")
    await at(here, "2026-11-24T08:59")
    await here.is_quiet()
    await at(here, "2026-11-24T09:00")
    await everyone_gets([lee, kim], "A-2 · page 2")


# Resolved, with a note, and read afterwards.


async def test_an_alert_is_resolved_with_each_outcome_by_tap_and_typed(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.PHYSICIAN), await known(here)
    for number, (outcome, label) in enumerate(OUTCOMES.items()):
        tapped, typed = 2 * number + 1, 2 * number + 2
        await fact(here, sam, "D3", Tier.URGENT)
        await everyone_gets([lee, kim], f"URGENT · A-{tapped}\n")
        lee.taps("Resolve")
        question = await lee.gets(f"What came of A-{tapped}?", f"note {tapped} and your words")
        assert lee.labels(question) == list(OUTCOMES.values())
        answer = await toast(here, lee.taps(label))
        assert answer == f"Resolved. To leave a note, type: note {tapped} and your words."
        await kim.sees(f"A-{tapped}", f"Resolved by Dr. Lee, 10:00: {label}")
        assert lee.labels(here.sandbox.messages(lee.person)[-1]) == []
        await fact(here, sam, "D3", Tier.URGENT)
        await everyone_gets([lee, kim], f"URGENT · A-{typed}\n")
        kim.says(f"resolve A-{typed} {outcome}")
        await kim.gets("Resolved")
        await lee.sees(f"A-{typed}", f"Resolved by Kim, 10:00: {label}")
    await here.passes(7 * DAY)


async def test_the_trace_tells_all_and_a_note_only_to_who_may_open_the_record(here: World, fallback: Outside) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    sam = await emergency(here, lee)
    await here.passes(5 * MINUTE)
    await everyone_gets([lee, kim], "page 2")
    here.sandbox.inject(Fault(FaultKind.FORBIDDEN, method="sendMessage", chat_id=kim.person.id, times=1))
    await here.passes(10 * MINUTE)
    await lee.gets("page 3")
    await lee.gets("page 4")
    titles = {(await fallback.gets()).split("\n")[0] for _ in range(3)}
    assert titles == {"Alert A-1 (emergency), page 3", "Alert A-1 (emergency), page 4", "Taperline operations"}
    await here.passes(MINUTE)
    lee.says("ack 1")
    await lee.gets("Done")
    await sam.gets("has now seen")
    kim.says("note 1 her sister <b>is</b> with her")
    await kim.gets("The note is kept in the alert's trace.")
    lee.says("note 1 helped")
    await lee.gets("The note is kept")
    lee.says("resolve 1 referred")
    await lee.gets("Resolved")
    lee.taps("Trace")
    told = (await lee.gets("What happened to A-1"))["text"]
    lines = [line for line in told.splitlines() if line and not line.startswith("Nov 23, ")]
    assert lines == [
        "What happened to A-1",
        "Raised",
        "Page 1, Dr. Lee",
        "Sent 10:00:00",
        "Page 2, Dr. Lee",
        "Sent 10:05:00",
        "Page 2, Kim",
        "Sent 10:05:00",
        "Page 3, Dr. Lee",
        "Sent 10:15:00",
        "Page 3, Kim",
        "Failed (the bot was blocked, or the account is gone)",
        "Page 3, fallback channel",
        "Sent 10:15:00",
        "Page 4, Dr. Lee",
        "Sent 10:15:00",
        "Page 4, fallback channel",
        "Sent 10:15:00",
        "Acknowledged, Dr. Lee",
        "Note, Kim: her sister <b>is</b> with her",
        "Note, Dr. Lee: helped",
        "Resolved, Dr. Lee: Sent to emergency care",
    ]
    kim.says("trace 1")
    told = (await kim.gets("Note, Kim: …", "Note, Dr. Lee: …", "Resolved, Dr. Lee: Sent to emergency care"))["text"]
    assert "sister" not in told
    assert "helped" not in told
    kim.says("why 1")
    told = (await kim.gets("Safety, acute (S1)", "are for physicians and therapists"))["text"]
    assert CRISIS not in told
    lee.says("why 1")
    await lee.gets("Safety, acute (S1)", f"“{CRISIS}”")
    for phone in (lee, kim):
        for words in ("note 7 anything", "trace 7", "why 7", "hand 7", "contact 7"):
            phone.says(words)
            await phone.gets("There is no alert A-7")


# Two at once, stale buttons, and who has no right.


async def test_p8_of_two_clinicians_at_once_one_has_it_and_the_other_hears_who(here: World) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.PHYSICIAN)
    sam = await emergency(here, lee, kim)
    taps = [lee.taps("Acknowledge"), kim.taps("Acknowledge")]
    toasts = [await toast(here, tap) for tap in taps]
    assert toasts in (["Done.", "Dr. Lee took this just now."], ["Kim took this just now.", "Done."])
    await sam.gets("has now seen")
    who = "Dr. Lee" if toasts[0] == "Done." else "Kim"
    await lee.sees(f"Acknowledged by {who}")
    await kim.sees(f"Acknowledged by {who}")

    await here.passes(2 * HOUR)
    await everyone_gets([lee, kim], "A-1 · page 2")
    lee.says("contact 1")
    await lee.gets("Done")
    for first, second in ((lee, kim), (kim, lee)):
        number = 2 if first is lee else 3
        await emergency(here, lee, kim, number=number)
        name = "Dr. Lee" if first is lee else "Kim"
        message_id, data = button(second, "I spoke with them")
        first.says(f"contact {number}")
        await first.gets("Done")
        await here.passes(MINUTE)
        tap = here.sandbox.tap(second.person, message_id, data, forged=True)
        assert await toast(here, tap) == f"{name} took this 1 min ago."
        second.says(f"ack {number}")
        await second.gets(f"{name} took this 1 min ago.")
        await here.passes(2 * HOUR)
        second.says(f"ack {number}")
        await second.gets(f"{name} took this 2 h ago.")


async def test_p8_a_stale_button_is_answered_with_who_has_the_alert_and_changes_nothing(here: World) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.PHYSICIAN)
    sam = await emergency(here, lee, kim)
    stale = here.sandbox.messages(kim.person)[-1]
    buttons = [button["callback_data"] for row in stale["reply_markup"]["inline_keyboard"] for button in row]
    ack, contact, hand, escalate, resolve, *_ = buttons

    async def tapped(data: str) -> str:
        return await toast(here, here.sandbox.tap(kim.person, stale["message_id"], data, forged=True))

    lee.taps("Acknowledge")
    await kim.sees("Acknowledged by Dr. Lee")
    await sam.gets("has now seen")
    await here.passes(2 * MINUTE)
    assert await tapped(ack) == "Dr. Lee took this 2 min ago."
    lee.taps("Hand over")
    await lee.gets("Who takes A-1?")
    question, kim_takes_it = button(lee, "Kim")
    lee.taps("I spoke with them")
    await kim.sees("In hand, the patient was spoken with by Dr. Lee, 10:02")
    assert [await tapped(ack), await tapped(contact)] == ["Dr. Lee took this just now."] * 2
    await here.is_quiet()
    lee.says("resolve 1 helped")
    await lee.gets("Resolved")
    for data in (ack, contact, hand, escalate, resolve, "s:resolve:1:helped"):
        assert await tapped(data) == "Dr. Lee resolved this just now."
    again = here.sandbox.tap(lee.person, question, kim_takes_it)
    assert await toast(here, again) == "Dr. Lee resolved this just now."
    await here.passes(30 * DAY)


async def test_a_patient_or_a_stranger_moves_no_alert_with_forged_buttons(here: World) -> None:
    lee = await here.clinician()
    sam = await emergency(here, lee)
    mallory = here.patient("Mallory")
    mallory.starts("clinician-of-nobody")
    await mallory.gets("This invitation does not work")
    for phone in (sam, mallory):
        message = here.sandbox.messages(phone.person)[-1]["message_id"]
        for data in (
            "s:ack:1",
            "s:contact:1",
            "s:hand:1:1",
            "s:escalate:1",
            "s:resolve:1:helped",
            "s:trace:1",
            "s:why:1",
        ):
            tap = here.sandbox.tap(phone.person, message, data, forged=True)
            assert await toast(here, tap) == "That button is not in use any more."
    sam.says("ack 1")
    await sam.gets()
    await here.settled()
    assert lee.shows("A-1", "Waiting for somebody to acknowledge")
    await here.passes(5 * MINUTE)
    await lee.gets("A-1 · page 2", "Waiting for somebody to acknowledge")


# Pages on their way while somebody takes the alert.


async def test_a_page_that_still_waits_when_the_alert_is_taken_is_not_sent_any_more(here: World) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.PHYSICIAN)
    await here.settled()
    here.sandbox.inject(Fault(FaultKind.TOO_MANY, method="sendMessage", chat_id=kim.person.id, retry_after=60))
    sam = await emergency(here, lee)
    await here.settled()
    lee.taps("Acknowledge")
    await sam.gets("has now seen")
    await here.passes(2 * MINUTE)
    await here.is_quiet()
    lee.taps("Trace")
    await lee.gets("Page 1, Kim\nNot sent, the alert was taken", "Page 1, Dr. Lee\nSent")


async def test_a_page_that_is_under_way_when_the_alert_is_taken_is_put_right_when_it_arrives(here: World) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.PHYSICIAN)
    here.sandbox.inject(Fault(FaultKind.SLOW, method="sendMessage", chat_id=kim.person.id, seconds=1))
    sam = await emergency(here, kim, lee)
    lee.says("ack 1")
    await lee.gets("Done")
    await sam.gets("has now seen")
    await kim.sees("A-1", "Acknowledged by Dr. Lee")


# What the patient hears.


async def test_a_patient_hears_once_that_somebody_has_seen_what_they_wrote(here: World) -> None:
    lee = await here.clinician()
    sam = await emergency(here, lee)
    lee.says("ack 1")
    await lee.gets("Done")
    await sam.gets("A person on your care team has now seen")
    sam.says(STOPPED)
    await sam.gets("Stopping suddenly")
    await lee.gets("URGENT · A-2")
    lee.says("ack 2")
    await lee.gets("Done")
    await here.is_quiet()
    lee.says("contact 1")
    await lee.gets("Done")
    await here.passes(HOUR)
    sam.says(VIOLENCE)
    await sam.gets("in danger right now")
    await lee.gets("URGENT · A-3")
    lee.taps("Acknowledge")
    await sam.gets("A person on your care team has now seen")


async def test_a_patient_hears_of_the_emergency_though_something_untold_was_taken_just_before(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient()
    sam.says(PERSON)
    await sam.gets("asked the clinic's team to call you")
    await kim.gets("ROUTINE · A-1")
    kim.says("ack 1")
    await kim.gets("Done")
    await fact(here, sam, UNTOLD, Tier.URGENT)
    await kim.gets("URGENT · A-2")
    kim.says("ack 2")
    await kim.gets("Done")
    await here.is_quiet()
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("EMERGENCY · A-3")
    lee.says("ack 3")
    await lee.gets("Done")
    await sam.gets("A person on your care team has now seen")


async def test_a_patient_who_blocked_the_bot_is_told_nothing(here: World) -> None:
    lee = await here.clinician()
    sam = await emergency(here, lee)
    here.sandbox.block(sam.person)
    await here.settled()
    lee.read += len(lee.unread)
    lee.says("ack 1")
    await lee.gets("Done")
    await here.settled()
    assert [call for call in here.sandbox.calls if call.error is not None] == []


# Nights on which the clocks change.


async def test_p4_on_a_night_when_the_clocks_change_an_emergency_keeps_its_minutes(
    here: World, fallback: Outside
) -> None:
    lee = await here.clinician()
    for number, night in enumerate(("2027-03-14", "2027-11-07"), start=1):
        await at(here, f"{night}T01:50")
        await emergency(here, lee, number=number)
        for page, wait in enumerate((5, 10, 15, 15), start=2):
            await here.passes(wait * MINUTE - timedelta(seconds=1))
            await here.is_quiet()
            await here.passes(timedelta(seconds=1))
            await lee.gets(f"A-{number} · page {page}")
            if page > 2:
                await fallback.gets(f"Alert A-{number} (emergency), page {page}")
        lee.says(f"contact {number}")
        await lee.gets("Done")


async def test_over_a_weekend_on_which_the_clocks_change_the_clinic_opens_at_nine_by_its_own_clock(
    here: World,
) -> None:
    lee, sam = await here.clinician(), await known(here)
    for number, friday, monday in ((1, "2027-03-12", "2027-03-15"), (3, "2027-11-05", "2027-11-08")):
        await at(here, f"{friday}T12:00")
        await fact(here, sam, "D3", Tier.ROUTINE)
        await lee.gets(f"ROUTINE · A-{number}\n")
        await at(here, f"{friday}T18:00")
        await fact(here, sam, UNTOLD, Tier.SAME_DAY)
        lee.says("/alerts")
        await lee.gets(f"A-{number + 1}\n", "Not yet paged", "It will be paged Mon 09:00")
        await lee.gets(f"A-{number}\n")
        await at(here, f"{monday}T08:59")
        await here.is_quiet()
        await at(here, f"{monday}T09:00")
        messages = {(await lee.gets())["text"].split("\n")[0] for _ in range(2)}
        assert messages == {f"🔵 ROUTINE · A-{number} · page 2", f"🟡 SAME DAY · A-{number + 1}"}
        for each in (number, number + 1):
            lee.says(f"resolve {each} no_action")
            await lee.gets("Resolved")


# Nobody, and somebody later.


async def test_p4_a_clinic_with_nobody_pages_the_fallback_until_somebody_joins(here: World, fallback: Outside) -> None:
    sam = await emergency(here)
    await here.settled()
    assert "A patient needs a person. No clinician can be paged." in fallback.got[0]
    for number, passed in enumerate((0, 5, 10, 15, 15), start=1):
        await here.passes(passed * MINUTE)
        await fallback.gets(f"Alert A-1 (emergency), page {number}")
    lee = await here.clinician()
    await lee.gets("EMERGENCY · A-1", "Waiting for somebody to acknowledge")
    await here.passes(15 * MINUTE)
    await lee.gets("EMERGENCY · A-1 · page 6")
    await fallback.gets("Alert A-1 (emergency), page 6")
    kim = await here.clinician("Kim", Role.STAFF)
    await kim.gets("EMERGENCY · A-1 · page 6")
    kim.taps("Acknowledge")
    await lee.sees("page 6", "Acknowledged by Kim")
    await sam.gets("has now seen")
