"""Questionnaires that nobody here wrote, sent to a patient by a clinician: asked, scored, and out again as FHIR."""

import json
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from flows.catalogue import load
from flows.fhir import bundle
from flows.validation import response_problems
from storage import patients, records
from storage.database import Transaction
from storage.tables import PatientRow
from tests.world import Phone, World, world

FORMS = Path(__file__).parents[1] / "conversations" / "forms"
PUBLIC = sorted(path.stem for path in FORMS.glob("*.json"))


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[World]:
    """A clinic that has put the public questionnaires, and ours, beside its own."""
    folder = tmp_path / "content" / "questionnaires"
    folder.mkdir(parents=True)
    for path in [*FORMS.glob("*.json"), FORMS / "everything.yaml"]:
        shutil.copy(path, folder / path.name)
    async with world(tmp_path, content_dir=folder.parent) as here:
        yield here


async def a_patient(here: World) -> tuple[Phone, str]:
    """Somebody who has written once, and their code."""
    sam = here.patient()
    sam.says("hello")
    await sam.gets("Shall I ask you a few questions")
    return sam, (await here.app.store.run(lambda tx: _row(tx, sam))).code


def _row(tx: Transaction, phone: Phone) -> PatientRow:
    row = patients.by_chat(tx, phone.person.id)
    assert row is not None
    return row


async def exported(here: World, phone: Phone) -> dict[str, Any]:
    """A patient's Bundle, as `taperline export` prints it."""
    content = load(Path(str(here.settings.content_dir)))
    record = await here.app.store.run(lambda tx: records.of_patient(tx, _row(tx, phone), content))
    found: dict[str, Any] = json.loads(json.dumps(bundle(record)))
    Bundle.model_validate(found)
    return found


async def answer_all(sam: Phone, chance: random.Random) -> dict[str, str]:
    """Answer every question by a button, whatever it is, and send. Returns the chosen words by the question's text."""
    said: dict[str, str] = {}
    for _ in range(200):
        message = await sam.gets()
        if "look at your answers" in message["text"]:
            sam.taps("✅ Send")
            await sam.gets("Thank you for taking the time")
            return said
        ways = ("🆘", "‹ Back", "‹ Earlier", "More ›")
        labels = [label for label in sam.labels(message) if not label.startswith(ways)]
        if not labels:  # a text, such as the crisis lines
            continue
        answers = [label for label in labels if label != "Skip"] or labels
        chosen = chance.choice(answers)
        said[message["text"]] = chosen
        sam.taps(chosen)
        if chosen.startswith("☐"):
            await sam.sees("So far:")
            sam.taps("That is all")
    raise AssertionError("it never ends")


@pytest.mark.parametrize("name", PUBLIC)
async def test_a_public_questionnaire_is_asked_in_the_sandbox_and_leaves_as_valid_fhir(
    clinic: World, name: str
) -> None:
    lee = await clinic.clinician()
    sam, code = await a_patient(clinic)
    lee.says(f"ask {code} {name}")
    await lee.gets("The patient is asked now")
    await sam.gets("would like to ask you a few questions")
    sam.taps("Begin")
    said = await answer_all(sam, random.Random(name))
    await clinic.settled()
    entries = [entry["resource"] for entry in (await exported(clinic, sam))["entry"]]
    (response,) = [found for found in entries if found["resourceType"] == "QuestionnaireResponse"]
    form = json.loads((FORMS / f"{name}.json").read_text("utf-8"))
    assert response["status"] == "completed"
    assert [str(found) for found in response_problems(response, form) if found.severity == "error"] == []
    totals = [found for found in entries if found["resourceType"] == "Observation"]
    if "phq-9" in name:
        scored = [words for text, words in said.items() if "difficult" not in text.casefold()]
        words = ("Not at all", "Several days", "More than half the days", "Nearly every day")
        expected = sum(rank for chosen in scored for rank, label in enumerate(words) if chosen.endswith(label))
        loinc = [code["code"] for total in totals for code in total["code"].get("coding", [])]
        assert "44261-6" in loinc
        values = {total.get("valueInteger", total.get("valueQuantity", {}).get("value")) for total in totals}
        assert values == {expected}


async def test_item_9_pages_whoever_wrote_the_form(clinic: World) -> None:
    lee = await clinic.clinician()
    sam, code = await a_patient(clinic)
    lee.says(f"ask {code} us-core-phq-9")
    await lee.gets("asked now")
    await sam.gets("PHQ-9")
    sam.taps("Begin")
    for _ in range(8):
        await sam.gets()
        sam.taps("0 Not at all")
    await sam.gets("better off dead")
    sam.taps("1 Several days")
    await sam.gets("988", "911")
    await sam.gets("How difficult")
    await lee.gets("URGENT · A-1", "S2")


async def test_two_questionnaires_at_once_are_not_mixed(clinic: World) -> None:
    lee = await clinic.clinician()
    sam, code = await a_patient(clinic)
    for name in ("us-core-phq-9", "us-core-taps"):
        lee.says(f"ask {code} {name}")
        await lee.gets("asked now")
    await sam.gets("PHQ-9")
    phq = clinic.sandbox.last_message(sam.person)
    await sam.gets("TAPS")
    sam.taps("Begin")
    await sam.gets("tobacco")
    begin = phq["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    clinic.sandbox.tap(sam.person, phq["message_id"], begin)
    await sam.gets("Little interest")
    sam.taps("1 Several")
    await sam.gets("down, depressed")
    sam.says("/stop")
    await sam.gets("will not write to you again")


async def test_who_is_unknown_or_what_is_unknown_cannot_be_asked(clinic: World) -> None:
    lee = await clinic.clinician()
    sam, code = await a_patient(clinic)
    lee.says("ask P-22222 us-core-taps")
    await lee.gets("patient P-22222")
    lee.says(f"ask {code} phq-10")
    await lee.gets("There is no questionnaire phq-10", "us-core-phq-9")
    await sam.gets_nothing()
    sam.says("/stop")
    await sam.gets("will not write to you again")
    lee.says(f"ask {code} us-core-taps")
    await lee.gets("cannot be written to")
    await sam.gets_nothing()
