"""What staff record of a visit: a step of the plan by a physician, and a visit that was missed."""

from decimal import Decimal
from typing import Any

import pytest

from flows.escalation import Role
from flows.taper import PlanStep
from storage import audit, patients, plans
from storage.database import Transaction
from storage.tables import PatientRow
from tests.world import MONDAY, Phone, World


def row(tx: Transaction, phone: Phone) -> PatientRow:
    found = patients.by_chat(tx, phone.person.id)
    assert found is not None
    return found


async def a_patient(here: World) -> tuple[Phone, str]:
    """Somebody who has written once, and their code."""
    sam = here.patient()
    sam.says("hello")
    await sam.gets("Shall I ask you a few questions")
    return sam, (await here.app.store.run(lambda tx: row(tx, sam))).code


async def steps(here: World, sam: Phone) -> tuple[PlanStep, ...]:
    await here.settled()
    return (await here.app.store.run(lambda tx: plans.of_patient(tx, row(tx, sam).id))).steps


async def noted(here: World, action: str) -> list[tuple[str, str]]:
    """Who did this, and why, by the audit trail."""
    lines = await here.app.store.run(audit.lines)
    return [(line.actor.split(":")[0], line.reason) for line in lines if line.action == action]


@pytest.mark.parametrize(
    "typed",
    ["plan {} clonazepam 1.5", "/plan {} clonazepam 1.5 mg", "PLAN {} Klonopin 1,5", "plan {} clonazepam 1.5MG"],
)
async def test_a_physician_types_a_step_confirms_it_and_only_then_it_is_kept(here: World, typed: str) -> None:
    lee = await here.clinician()
    sam, code = await a_patient(here)
    lee.says(typed.format(code.lower()))
    question = await lee.gets("A step of the plan of", code, "Clonazepam", "1.5 mg a day", "in person")
    assert lee.labels(question) == ["Agreed in person today. Record it"]
    assert await steps(here, sam) == ()
    lee.taps("Agreed in person today")
    assert await steps(here, sam) == (PlanStep("clonazepam", Decimal("1.5"), MONDAY.date()),)
    assert await noted(here, "plan step") == [("clinician", "agreed at a visit in person")]
    (shown,) = [kept for kept in here.sandbox.messages(lee.person) if "step of the plan" in kept.get("text", "")]
    assert lee.labels(shown) == [], "it cannot be recorded twice by a slip"
    await sam.gets_nothing()
    await lee.gets_nothing()


async def test_a_second_step_stands_beside_the_first(here: World) -> None:
    lee = await here.clinician()
    sam, code = await a_patient(here)
    for amount in ("15", "1.5"):
        lee.says(f"plan {code} clonazepam {amount}")
        await lee.gets(f"{amount} mg a day")
        lee.taps("Agreed in person today")
        await here.settled()
    assert [step.milligrams for step in await steps(here, sam)] == [Decimal(15), Decimal("1.5")]


@pytest.mark.parametrize("role", [Role.THERAPIST, Role.STAFF])
async def test_nobody_but_a_physician_records_a_step(here: World, role: Role) -> None:
    kim = await here.clinician("Kim", role)
    sam, code = await a_patient(here)
    for typed in (f"plan {code} clonazepam 1.5", f"s:plan:{code}:clonazepam:1.5"):
        kim.says(typed)
        await kim.gets("Only a physician", "Nothing was recorded")
    here.sandbox.tap(kim.person, here.sandbox.last_message(kim.person)["message_id"], typed, forged=True)
    await kim.gets("Only a physician")
    await here.settled()
    lines = [line.action for line in await here.app.store.run(audit.lines)]
    assert lines.count("plan step refused") == 3
    sam.says(f"plan {code} clonazepam 1.5")
    await sam.gets()
    assert await steps(here, sam) == ()


@pytest.mark.parametrize("medicine", ["klonopn", "sugar", "gabapentin"])
async def test_a_medicine_that_is_not_known_for_certain_or_not_tapered_is_refused(here: World, medicine: str) -> None:
    lee = await here.clinician()
    sam, code = await a_patient(here)
    lee.says(f"plan {code} {medicine} 1.5")
    await lee.gets("I do not know", medicine, "Nothing was recorded")
    lee.says(f"s:plan:{code}:{medicine}:1.5")
    await lee.gets("I do not know")
    assert await steps(here, sam) == ()


async def test_a_code_that_nobody_has_is_said(here: World) -> None:
    lee = await here.clinician()
    for typed in ("plan P-22222 clonazepam 1.5", "missed P-22222"):
        lee.says(typed)
        await lee.gets("There is no patient P-22222")


async def test_a_missed_visit_is_told_to_those_who_act_and_not_to_the_patient(here: World) -> None:
    lee, kim = await here.clinician(), await here.clinician("Kim", Role.STAFF)
    sam, code = await a_patient(here)
    kim.says(f"missed {code.lower()}")
    replies: list[dict[str, Any]] = [await kim.gets(), await kim.gets()]
    assert sorted("Noted" in reply["text"] for reply in replies) == [False, True]
    assert any("SAME DAY · A-1" in reply["text"] and "V4" in reply["text"] for reply in replies)
    await here.settled()
    await sam.gets_nothing()
    assert await noted(here, "visit missed") == [("clinician", "")]
    await lee.gets("SAME DAY · A-1", "V4")


async def test_a_request_that_needs_a_call_first_says_so(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.goes(until="look at your answers", How_old_are_you="Under 18")
    sam.taps("✅ Send")
    await sam.gets("A clinician would like to talk with you on the phone")
    page, request = await lee.gets(), await lee.gets()
    assert "Consultation request · R-1" in request["text"]
    assert "Please call first, today." in request["text"]
    assert "URGENT · A-1" in page["text"]
    assert "I0" in page["text"]
