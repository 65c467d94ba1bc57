"""A patient's record in the hands of physicians and therapists: asked for, told what it means, sent as a file."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from bot.sandbox import Fault, FaultKind
from flows.escalation import Role
from flows.fhir import read_bundle
from flows.lifecycle import Stage
from storage import audit
from tests.databases import KEYRING
from tests.e2e.test_operators import taperline
from tests.e2e.test_why import TAKING
from tests.world import Phone, World

CRISIS = "i want to kill myself, says the zebra"


async def code_of(phone: Phone, *words: str) -> str:
    """The patient's code on the next page."""
    text: str = (await phone.gets(*words))["text"]
    return text.split("Patient ")[1].split(maxsplit=1)[0]


async def gets_file(phone: Phone) -> dict[str, Any]:
    """The next message, which must be a file."""
    await phone.world.sandbox.wait_for(lambda: phone.unread)
    message = phone.unread[0]
    phone.read += 1
    assert "document" in message
    return message


async def exports(here: World) -> list[tuple[str, str]]:
    """Who opened or tried to open a record, by the audit trail."""
    lines = await here.app.store.run(audit.lines)
    return [(line.actor.split(":")[0], line.action) for line in lines if line.action.startswith("export")]


async def test_a_physician_opens_the_record_from_a_request_and_gets_a_bundle(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.starts()
    await sam.gets()
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
    sam.taps("Yes, let us begin")
    await sam.gets()
    sam.says("/visit")
    await sam.gets()
    code = await code_of(lee, "request · R-1")
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("EMERGENCY · A-1")

    lee.taps("Record")
    question = await lee.gets("record of", code, "Telegram, which can read it")
    assert lee.labels(question) == ["The intake on one page", "The whole record, as a file"]
    assert await exports(here) == []
    lee.taps("The whole record")
    message = await gets_file(lee)
    await here.settled()

    assert message["document"]["file_name"] == f"{code}.fhir.json"
    assert message["has_protected_content"] is True
    assert "caption" not in message
    assert await exports(here) == [("clinician", "export")]
    [asked] = [shown for shown in here.sandbox.messages(lee.person) if "record of" in shown.get("text", "")]
    assert lee.labels(asked) == []

    file = here.sandbox.files.stored[message["document"]["file_id"]]
    _, content = here.sandbox.files.by_path(file.path) or (file, b"")
    assert Bundle.model_validate_json(content)
    record = read_bundle(json.loads(content))
    assert record.code == code
    assert [kept.conversation.stage for kept in record.responses] == [Stage.PAUSED]
    assert [words.text for words in record.words] == [CRISIS]
    assert [(alert.rule, len(alert.pages)) for alert in record.alerts] == [("S1", 1)]
    assert [request.closed_at for request in record.requests] == [None]
    assert str(sam.person.id) not in content.decode()


async def test_p7_the_page_and_the_question_hold_nothing_of_the_record(here: World) -> None:
    lee, sam = await here.clinician("Ada", Role.THERAPIST), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    page = await lee.gets("EMERGENCY · A-1")
    assert lee.labels(page) == [*TAKING, "Why", "Trace", "Record"]
    lee.taps("Record")
    question = await lee.gets("record of")
    for message in (page, question):
        assert "zebra" not in json.dumps(message)
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by Ada")
    lee.taps("Record")
    await lee.gets("record of")


async def test_the_front_desk_is_refused_and_that_is_kept(here: World) -> None:
    kim, sam = await here.clinician("Kim", Role.STAFF), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    code = await code_of(kim, "EMERGENCY · A-1")
    kim.taps("Record")
    await kim.gets("Only physicians and therapists", "Nothing was sent")
    kim.says(f"record {code}")
    await kim.gets("Only physicians and therapists")
    assert await exports(here) == [("clinician", "export refused")] * 2


async def test_a_button_that_is_forged_or_was_kept_is_refused_as_well(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    code = await code_of(lee, "EMERGENCY · A-1")
    kim.says(f"s:send:{code}")
    await kim.gets("Only physicians and therapists")
    sam.says(f"s:send:{code}")
    await sam.gets()
    await here.settled()
    assert await exports(here) == [("clinician", "export refused")]


@pytest.mark.parametrize("typed", ["record {}", "/record {}", "RECORD {}", "Record: {}"])
async def test_the_record_by_typing(here: World, typed: str) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    code = await code_of(lee, "EMERGENCY · A-1")
    lee.says(typed.format(code))
    await lee.gets("record of", code)


async def test_an_unknown_code_is_said(here: World) -> None:
    lee = await here.clinician()
    lee.says("record P-22222")
    await lee.gets("There is no patient P-22222")
    lee.says("record 17")
    await lee.gets("record P-7K3FA")


async def test_a_file_that_telegram_refuses_for_now_is_sent_later(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    here.sandbox.inject(Fault(FaultKind.SERVER_ERROR, method="sendDocument", chat_id=lee.person.id, times=1))
    sam.says(CRISIS)
    await sam.gets("988")
    code = await code_of(lee, "EMERGENCY · A-1")
    lee.says(f"record {code}")
    await lee.gets("record of")
    lee.taps("The whole record")
    await here.settled()
    here.sandbox.advance(timedelta(seconds=2))
    message = await gets_file(lee)
    assert message["document"]["file_name"] == f"{code}.fhir.json"


async def test_the_operator_exports_the_same_by_the_command_line(here: World, tmp_path: Path) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    code = await code_of(lee, "EMERGENCY · A-1")
    database = here.settings.database_url
    run = await asyncio.to_thread(
        taperline, tmp_path, "export", code.lower(), DATABASE_URL=database, TAPERLINE_KEYS=KEYRING.text()
    )
    assert run.returncode == 0
    assert Bundle.model_validate_json(run.stdout)
    assert [words.text for words in read_bundle(json.loads(run.stdout)).words] == [CRISIS]
    assert await exports(here) == [("operator", "export")]


async def test_a_therapist_reads_an_intake_on_one_page_and_the_front_desk_does_not(here: World) -> None:
    lee, desk = await here.clinician(role=Role.THERAPIST), await here.clinician("Pat", Role.STAFF)
    sam = here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.goes(until="look at your answers", usual_day="4", naloxone="No")
    sam.taps("✅ Send")
    await sam.gets("A clinician would like to talk with you on the phone")
    await desk.gets("URGENT · A-1", "I0")
    code = await code_of(desk, "Consultation request · R-1", "Please call first, today.")
    await lee.gets("URGENT · A-1", "I0")
    lee.says(f"record {code}")
    await lee.gets("record of", code, "one page")
    lee.taps("The intake on one page")
    page = await lee.gets(f"Intake of {code}", "Call first, today", "A high dose", "Clonazepam (Klonopin), 4 mg a day")
    assert "Ashton 80 mg (high), VA/DoD 40 mg (high)" in page["text"]
    assert page["has_protected_content"] is True
    desk.says(f"s:summary:{code}")
    await desk.gets("Only physicians and therapists can open a record.")
    await here.settled()
    lines = [line.action for line in await here.app.store.run(audit.lines)]
    assert "read summary" in lines
    assert "export refused" in lines


async def test_the_page_of_an_intake_says_of_an_emergency_in_words_what_its_request_said(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.goes(until="All visits are in person")
    sam.says(CRISIS)
    await sam.gets("988")
    await sam.gets("Your answers are safe")
    code = await code_of(lee, "EMERGENCY · A-1")
    sam.taps("Go on")
    await sam.goes(until="look at your answers")
    sam.taps("✅ Send")
    await sam.gets("Your care team knows")
    await lee.gets("Consultation request · R-1", "Please call first, today.")
    lee.says(f"s:summary:{code}")
    await lee.gets(f"Intake of {code}", "An emergency was raised")


async def test_who_has_sent_no_intake_has_no_page(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    code = await code_of(lee, "EMERGENCY · A-1")
    lee.says(f"s:summary:{code}")
    await lee.gets(f"{code} has not sent an intake.")
