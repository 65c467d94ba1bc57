"""Learn on a phone: the menu, a topic, and a question in the middle of a check-in that takes no answer away."""

from datetime import timedelta

from tests.e2e.test_first_light import intake
from tests.e2e.test_patients import answers, at_the_first_question
from tests.world import World


async def test_the_menu_turns_its_page_in_place_and_a_tap_shows_the_topic(anyhow: World) -> None:
    sam = anyhow.patient()
    sam.says("/learn")
    menu = await sam.gets("What would you like to read about?")
    assert sam.labels(menu)[0] == "Panic right now"
    assert sam.labels(menu)[-2:] == ["More ›", "🆘 Help"]
    sam.taps("More")
    await anyhow.settled()
    [shown] = [one for one in anyhow.sandbox.messages(sam.person) if one["message_id"] == menu["message_id"]]
    assert sam.labels(shown)[-3:] == ["‹ Earlier", "More ›", "🆘 Help"]
    assert "Panic right now" not in sam.labels(shown)
    sam.taps("A missed dose")
    topic = await sam.gets("I can't tell you what to take now", "911", "From: Patient guide (ASAM, 2025)")
    assert sam.labels(topic) == ["📖 More to read", "🆘 Help"]
    sam.taps("📖 More to read")
    await sam.gets("What would you like to read about?")
    await sam.gets_nothing()


async def test_p8_a_question_in_a_check_in_is_answered_and_the_answer_after_it_still_lands(anyhow: World) -> None:
    sam, lee = anyhow.patient(), await anyhow.clinician()
    await intake(sam)
    await lee.gets("Consultation request")
    lee.taps("Enrol")
    await sam.gets("Welcome to the clinic")
    await anyhow.passes(timedelta(days=7))
    await sam.gets("weekly check-in")
    sam.taps("Begin")
    await sam.gets("Little interest")
    sam.says("what are withdrawal symptoms?")
    topic = await sam.gets("What withdrawal is", "Common signs")
    assert sam.labels(topic) == ["📖 More to read", "🆘 Help"]
    await sam.gets("Little interest")
    before = await answers(anyhow, sam)
    assert not any(link_id.startswith("phq9") for link_id in before)
    sam.taps("📖 More to read")
    await sam.gets("What would you like to read about?")
    sam.taps("Sleeping better")
    read = await sam.gets("Get up at the same time")
    assert sam.labels(read) == ["Go on", "📖 More to read", "🆘 Help"]
    sam.taps("Several days")
    await sam.gets("Feeling down")
    assert (await answers(anyhow, sam)).keys() - before.keys() == {"phq9-1"}
    await lee.gets_nothing()


async def test_help_leads_to_learn_and_learn_leads_back(here: World) -> None:
    sam = await at_the_first_question(here)
    sam.says("/help")
    await sam.gets("Help is here")
    sam.taps("📖 Learn")
    await sam.gets("What would you like to read about?")
    sam.taps("Panic right now")
    await sam.gets("A panic attack feels awful", "911", "988")
    sam.taps("Go on")
    await sam.gets("Is that all right for you?")
    sam.taps("Yes")
    await sam.gets("What should we call you?")


async def test_a_taper_question_is_answered_by_the_visit_and_the_topic_waits_behind_a_button(here: World) -> None:
    sam, lee = here.patient(), await here.clinician()
    sam.says("I missed a dose, what do I do?")
    await sam.gets("only with your clinician, at your visit, in person")
    offer = await sam.gets("you can read about this")
    assert sam.labels(offer) == ["A missed dose", "🆘 Help"]
    await lee.gets("Visit request")
    await lee.gets("D6")
    sam.taps("A missed dose")
    await sam.gets("I can't tell you what to take now", "1-800-222-1222")
    await lee.gets_nothing()
