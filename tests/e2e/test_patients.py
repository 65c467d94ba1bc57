"""What people really send: the question stays, the answer is kind, and nothing lands where it does not belong."""

from datetime import timedelta
from typing import Any

import pytest

from flows.values import Coding
from storage import conversations, patients
from storage.database import Transaction
from tests.world import Phone, World


async def at_the_first_question(world: World) -> Phone:
    """A patient who has begun the intake and read the first question."""
    sam = world.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
    return sam


async def answers(world: World, phone: Phone) -> dict[str, tuple[Any, ...]]:
    """What is stored for a patient's open conversation."""

    def work(tx: Transaction) -> dict[str, tuple[Any, ...]]:
        row = patients.by_chat(tx, phone.person.id)
        assert row is not None
        conversation, _ = conversations.open_ones(tx, row.id)
        given = conversation.answers if conversation is not None else {}
        return {place.link_id: values for place, values in given.items()}

    await world.settled()
    return await world.app.store.run(work)


@pytest.mark.parametrize("kind", ["sticker", "voice", "photo", "document", "location", "contact"])
async def test_what_is_not_text_gets_a_kind_answer_and_the_question_stays(here: World, kind: str) -> None:
    sam = await at_the_first_question(here)
    here.sandbox.say(sam.person, "", kind=kind)
    await sam.gets("can only read text")
    await sam.gets("Is that all right for you?")
    sam.taps("Yes, let us begin")
    await sam.gets("What should we call you?")
    assert set(await answers(here, sam)) == {"consent"}


async def test_a_long_text_a_forwarded_and_an_edited_one_are_kept_and_answer_nothing(here: World) -> None:
    sam = await at_the_first_question(here)
    long = ("my garden and the weather " * 190).strip()
    sam.says(long, raw=True)
    await sam.gets("Please tap one of the buttons", "Is that all right for you?")
    here.sandbox.say(sam.person, "yes", forward_from="A friend")
    await sam.gets("forwarded message")
    await sam.gets("Is that all right for you?")
    first = next(message for message in here.sandbox.messages(sam.person) if message.get("text", "") == long)
    here.sandbox.edit(sam.person, first["message_id"], "no")
    await sam.gets("changed a message")
    await sam.gets("Is that all right for you?")
    assert await answers(here, sam) == {}
    kept = await here.app.store.run(lambda tx: [text.text for text in conversations.texts(tx, _id(tx, sam))])
    assert kept == [long, "yes", "no"]


async def test_p8_a_double_tap_changes_nothing_and_an_old_button_shows_where_we_are(here: World) -> None:
    sam = await at_the_first_question(here)
    old = here.sandbox.last_message(sam.person)
    yes, no = (row[0]["callback_data"] for row in old["reply_markup"]["inline_keyboard"][:2])
    here.sandbox.tap(sam.person, old["message_id"], yes)
    here.sandbox.tap(sam.person, old["message_id"], yes, forged=True)
    await sam.gets("What should we call you?")
    await sam.gets_nothing()
    here.sandbox.tap(sam.person, old["message_id"], no, forged=True)
    await sam.gets("What should we call you?")
    assert await answers(here, sam) == {"consent": (Coding("yes", "urn:taperline"),)}


@pytest.mark.parametrize("data", ["a:0:1:1:0", "a:zzzzzzzzzzzzz:99:0:0", "s:ack:1", "s:enrol:1", "b:0", "c:no", "²:1"])
async def test_p8_a_forged_button_does_nothing(here: World, data: str) -> None:
    sam = await at_the_first_question(here)
    here.sandbox.tap(sam.person, here.sandbox.last_message(sam.person)["message_id"], data, forged=True)
    await here.settled()
    assert all("Is that all right for you?" in message["text"] for message in sam.unread)
    assert await answers(here, sam) == {}


async def test_p8_a_button_of_somebody_elses_conversation_does_nothing(here: World) -> None:
    sam, rosa = await at_the_first_question(here), await at_the_first_question(here)
    sams = here.sandbox.last_message(sam.person)["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    here.sandbox.tap(rosa.person, here.sandbox.last_message(rosa.person)["message_id"], sams, forged=True)
    await rosa.gets("Is that all right for you?")
    assert await answers(here, sam) == await answers(here, rosa) == {}


async def test_p9_help_is_one_tap_away_under_every_message(here: World) -> None:
    sam = await at_the_first_question(here)
    sam.taps("🆘 Help")
    await sam.gets("988", "911", "1-800-222-1222", "HOME to 741741")
    sam.says("hmm")
    await sam.gets("Is that all right for you?")
    sam.says("/stop")
    await sam.gets("will not write to you again")
    for message in sam.world.sandbox.messages(sam.person):
        if message["from"]["is_bot"] and not message["text"].startswith("Help is here."):
            assert "🆘 Help" in sam.labels(message)


@pytest.mark.parametrize("words", ["i want to kill myself", "I can't go on, I want to die"])
async def test_words_of_suicide_are_answered_first_and_paged_in_every_state(here: World, words: str) -> None:
    lee = await here.clinician()
    sam = here.patient()
    sam.says(words)
    await sam.gets("988", "911", "Are you in a safe place right now?")
    await lee.gets("EMERGENCY · A-1", "S1")
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
    sam.says(words)
    await sam.gets("988", "911")
    await sam.gets("go on where we were")
    await here.settled()
    assert await answers(here, sam) == {}
    sam.taps("Go on")
    await sam.gets("Is that all right for you?")
    await lee.gets_nothing()


async def test_not_safe_is_told_to_the_clinicians_again(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.says("i want to kill myself")
    await sam.gets("safe place")
    await lee.gets("EMERGENCY · A-1")
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by")
    sam.taps("No")
    await sam.gets("988", "911")
    await lee.gets("EMERGENCY · A-1 · page 2")


async def test_a_typed_no_to_the_question_of_safety_is_heard_as_no(here: World) -> None:
    lee, sam = await here.clinician(), await at_the_first_question(here)
    sam.says("i want to kill myself")
    await sam.gets("safe place")
    await sam.gets("go on where we were")
    await lee.gets("EMERGENCY · A-1")
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by")
    await sam.gets("has now seen")
    sam.says("no")
    await sam.gets("988", "911", "safe place")
    await lee.gets("EMERGENCY · A-1 · page 2")
    sam.says("yes")
    await sam.gets("glad that you are in a safe place")
    assert await answers(here, sam) == {}


async def test_p6_no_and_then_yes_on_the_same_question_is_no_answer_but_is_heard(here: World) -> None:
    lee, sam = await here.clinician(), await at_the_first_question(here)
    sam.taps("Yes, let us begin")
    question = await sam.goes(until="have a seizure")
    yes = question["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    sam.taps("No")
    here.sandbox.tap(sam.person, question["message_id"], yes, forged=True)
    await lee.gets("EMERGENCY · A-1", "M1")
    await here.settled()
    assert "Call 911 now" in "".join(message["text"] for message in sam.unread)
    assert (await answers(here, sam))["seizure"] == (Coding("no", "urn:taperline"),)


async def test_an_emergency_fires_on_the_answer_itself_and_pauses_the_questions(here: World) -> None:
    lee, sam = await here.clinician(), await at_the_first_question(here)
    sam.taps("Yes, let us begin")
    await sam.goes(until="have a seizure")
    sam.taps("Not sure")
    await sam.gets("Call 911 now")
    await sam.gets("go on where we were")
    await lee.gets("EMERGENCY · A-1", "M1")
    await here.restart()
    sam.taps("Go on")
    await sam.gets("confused")


async def test_a_paused_patient_is_reminded_once_and_left_in_peace_after_stop(here: World) -> None:
    sam = await at_the_first_question(here)
    await here.passes(timedelta(hours=24))
    await sam.gets("still open")
    await sam.gets("Is that all right for you?")
    await here.passes(timedelta(days=3))
    await sam.gets_nothing()
    sam.says("please stop")
    await sam.gets("Do you want me to stop")
    sam.taps("Yes, stop")
    await sam.gets("will not write to you again")
    sam.taps("Start")
    await sam.gets("Shall we begin?")


async def test_two_weeks_of_silence_put_the_questions_away_and_keep_the_answers(here: World) -> None:
    sam = await at_the_first_question(here)
    sam.taps("Yes, let us begin")
    await sam.gets("What should we call you?")
    await here.passes(timedelta(hours=24))
    await sam.gets("still open")
    await sam.gets("What should we call you?")
    await here.passes(timedelta(days=13))
    await sam.gets("put them away", "is kept")
    await sam.gets_nothing()

    def kept(tx: Transaction) -> list[Any]:
        return [list(held.answers.values()) for held, _ in conversations.of_patient(tx, _id(tx, sam))]

    assert await here.app.store.run(kept) == [[(Coding("yes", "urn:taperline"),)]]
    sam.taps("Start")
    await sam.gets("Shall we begin?")


def _id(tx: Transaction, phone: Phone) -> int:
    row = patients.by_chat(tx, phone.person.id)
    assert row is not None
    return row.id
