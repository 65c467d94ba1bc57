"""One patient, one clinician, one whole conversation over real HTTP."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from flows.lifecycle import AlertState
from storage import alerts, outbox, visits
from storage.database import Transaction
from storage.outbox import Urgency
from storage.tables import OutboxRow
from tests.world import Phone, World

pytestmark = pytest.mark.both_databases


async def intake(sam: Phone) -> None:
    """Sam's intake from Start to the last answer."""
    sam.starts()
    welcome = await sam.gets("Physical dependence is not addiction", "911", "988")
    assert sam.labels(welcome) == ["Begin", "🆘 Help"]
    sam.taps("Begin")
    reviewed = await sam.goes(until="look at your answers")
    assert all(words in reviewed["text"] for words in ("Sam Doe", "415 555 0100", "Clonazepam (Klonopin)"))
    sam.taps("More")
    await sam.sees("\n11. ")
    assert sam.shows("0.5 mg")
    sam.taps("✅ Send")
    await sam.gets("asked for a consultation")


async def test_from_the_first_hello_to_the_last_goodbye(anyhow: World) -> None:
    sam, lee = anyhow.patient(), await anyhow.clinician()

    await intake(sam)
    request = await lee.gets("Consultation request · R-1", "Patient P-")
    assert lee.labels(request) == ["Enrol", "Done", "Record"]
    lee.taps("Enrol")
    await sam.gets("Welcome to the clinic")
    await sam.gets_nothing()

    await anyhow.passes(timedelta(days=7))
    await sam.gets("weekly check-in")
    sam.taps("Begin")
    await sam.answers("Not at all", "Not at all")
    await sam.gets("better off dead")
    sam.taps("Several days")
    await sam.gets("988", "911", "care team")
    await sam.gets("wished you were dead")
    await lee.gets("URGENT · A-1", "S2", "acknowledge")
    await lee.gets_nothing()

    await anyhow.passes(timedelta(minutes=15))
    await lee.gets("URGENT · A-1 · page 2")
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by Dr. Lee")
    await sam.gets("has now seen")
    await anyhow.passes(timedelta(hours=3))
    await lee.gets_nothing()
    lee.taps("Resolve")
    await lee.gets("What came of A-1?")
    lee.taps("I spoke with the patient")
    await lee.sees("Resolved by Dr. Lee")

    sam.says("can I cut my dose in half?")
    await sam.gets("only with your clinician, at your visit, in person", "asked the clinic for a visit")
    await sam.gets("wished you were dead")
    await lee.gets("Visit request · R-2")
    await lee.gets("ROUTINE · A-2", "D6")

    sam.says("/stop")
    await sam.gets("I will not write to you again", "988")
    await lee.gets("URGENT · A-3", "V5")
    await anyhow.passes(timedelta(days=8))
    assert sam.unread == []

    open_alerts = await anyhow.app.store.run(lambda tx: [(alert.rule, alert.state) for alert in alerts.open_ones(tx)])
    assert open_alerts == [("V5", AlertState.PAGED), ("D6", AlertState.PAGED)]
    assert [row.kind for row in await anyhow.app.store.run(visits.open_ones)] == ["visit"]


async def test_a_consultation_that_is_done_can_still_end_in_an_enrolment(here: World) -> None:
    sam, lee = here.patient(), await here.clinician()
    await intake(sam)
    await lee.gets("Consultation request · R-1")
    lee.taps("Done")
    await lee.sees("Done by Dr. Lee")
    lee.says("enrol 1")
    await sam.gets("Welcome to the clinic")
    await lee.gets("Enrolled")
    lee.says("enrol 1")
    await lee.gets("done before")
    lee.says("/requests")
    await lee.gets("No open requests")


async def test_an_invitation_works_once_and_a_strangers_does_not(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    used = next(message["text"] for message in here.sandbox.messages(lee.person)).removeprefix("/start ")
    for payload in (used, "clinician-nonsense"):
        sam.starts(payload)
        await sam.gets("does not work")
    sam.starts("website")
    await sam.gets("Shall we begin?")


async def test_a_broken_seal_holds_up_nobody(here: World) -> None:
    sam = here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    await here.settled()
    now = here.clock.now()

    def spoil(tx: Transaction) -> None:
        outbox.put(tx, sam.person.id, "sendMessage", {}, urgency=Urgency.EMERGENCY, now=now)
        tx.session.flush()
        tx.session.exec(
            select(OutboxRow).order_by(col(OutboxRow.id).desc()).limit(1)
        ).one().payload_sealed = "v1|k1|x|y"

    await here.app.store.run(spoil)
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
