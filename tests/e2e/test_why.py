"""For any alert, one tap away: the rule, the answers that fired it, the rationale and the source. Not on the page."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import log
from bot.render import LONGEST
from flows import catalogue
from flows.effects import Raise
from flows.escalation import Role, Tier
from flows.evidence import Evidence, Finding
from storage import alerts, audit
from storage.database import Transaction
from tests.e2e.test_privacy import contents
from tests.world import Phone, World, world

CRISIS = "i want to kill myself, says the zebra"
S1 = next(rule for rule in catalogue.load().rules if rule.id == "S1")
TAKING = ["Acknowledge", "I spoke with them", "Hand over", "Escalate", "Resolve"]
REFUSED = "The answers behind it are for physicians and therapists"


async def reads(here: World) -> list[tuple[str, str, str]]:
    """Who asked why, about which alert and with which restriction, by the audit trail."""
    await here.settled()
    lines = await here.app.store.run(audit.lines)
    return [(line.actor.split(":")[0], line.subject, line.reason) for line in lines if line.action == "why"]


async def alert_of(here: World, phone: Phone, said: str = CRISIS) -> dict[str, Any]:
    """The page, on this phone, of an alert that a new patient raises."""
    sam = here.patient()
    sam.says(said)
    await sam.gets("988")
    return await phone.gets("EMERGENCY · A-1")


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.THERAPIST])
async def test_one_tap_tells_the_rule_what_fired_it_why_it_matters_and_its_source(here: World, role: Role) -> None:
    lee = await here.clinician(role=role)
    page = await alert_of(here, lee)
    assert lee.labels(page) == [*TAKING, "Why", "Trace", "Record"]
    code = page["text"].split("Patient ")[1].split(maxsplit=1)[0]
    lee.taps("Why")
    message = await lee.gets("EMERGENCY · A-1", "Safety, acute (S1)", f"Patient {code}", "Nov 23, 10:00")
    text = message["text"]
    for words in ("Emergency, case 2 of S1", "Heard in the patient's words", f"“{CRISIS}”", "%signal is crisis"):
        assert words in text
    for words in ("Why it matters", S1.rationale, "Source", S1.source, "Physician, therapist"):
        assert words in text
    for words in ("What the patient was told", "I'm really glad you told me", "Are you in a safe place right now?"):
        assert words in text
    assert message["has_protected_content"] is True
    assert lee.labels(message) == ["Record"]
    assert await reads(here) == [("clinician", "alert:1", "")]


async def test_new_facts_come_first_each_with_its_time(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.says("I had a seizure")
    await sam.gets("911")
    await lee.gets("EMERGENCY · A-1", "M1")
    await here.passes(timedelta(minutes=3))
    sam.says("another seizure just now")
    await sam.gets("911")
    lee.says("why 1")
    text = (await lee.gets("Nov 23, 10:00", "Nov 23, 10:03"))["text"]
    assert text.index("“another seizure just now”") < text.index("“I had a seizure”")


async def test_p7_the_page_the_logs_and_the_disk_hold_none_of_it(
    here: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log.configure("debug")
    lee = await here.clinician()
    page = await alert_of(here, lee)
    lee.taps("Why")
    await lee.gets("zebra")
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by")
    await here.restart()
    await here.settled()
    logs = "".join(capfd.readouterr())
    assert "running" in logs
    files = contents(tmp_path)
    for words in ("zebra", "Heard in the patient", "case 2 of"):
        assert words not in json.dumps(page)
        assert words not in logs
        assert [name for name, content in files.items() if words.encode() in content] == []


async def test_the_front_desk_gets_the_rule_and_its_source_but_not_the_answers(here: World) -> None:
    kim = await here.clinician("Kim", Role.STAFF)
    await alert_of(here, kim)
    kim.taps("Why")
    message = await kim.gets("Safety, acute (S1)", REFUSED, S1.rationale, S1.source)
    for words in ("zebra", "%signal", "case 2", "Heard"):
        assert words not in message["text"]
    assert kim.labels(message) == []
    assert await reads(here) == [("clinician", "alert:1", "without the answers")]


@pytest.mark.parametrize("typed", ["why 1", "/why 1", "WHY A-1", "why #1", "s:why:1"])
async def test_it_can_be_typed(here: World, typed: str) -> None:
    lee = await here.clinician()
    await alert_of(here, lee)
    lee.says(typed)
    await lee.gets("zebra")


async def test_a_stranger_with_a_forged_button_gets_nothing(here: World) -> None:
    lee, kim, eve = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient("Eve")
    await alert_of(here, lee)
    kim.says("s:why:1")
    await kim.gets(REFUSED)
    eve.starts()
    message = await eve.gets()
    here.sandbox.tap(eve.person, message["message_id"], "s:why:1", forged=True)
    await eve.gets_nothing()
    eve.says("why 1")
    assert "zebra" not in (await eve.gets())["text"]
    assert await reads(here) == [("clinician", "alert:1", "without the answers")]


async def test_an_alert_that_is_not_there_is_said(here: World) -> None:
    lee = await here.clinician()
    lee.says("why 99")
    await lee.gets("There is no alert A-99")
    lee.says("why R-1")
    await lee.gets("/alerts: what is open")
    assert await reads(here) == []


async def test_it_stays_under_a_resolved_alert(here: World) -> None:
    lee = await here.clinician()
    await alert_of(here, lee)
    lee.taps("Resolve")
    await lee.gets("What came of A-1?")
    lee.taps("No action was needed")
    await lee.sees("Resolved by", "No action was needed")
    lee.taps("Why")
    await lee.gets("zebra")


async def test_evidence_longer_than_a_message_is_cut_and_says_so(here: World) -> None:
    lee = await here.clinician()
    await alert_of(here, lee, said=f"{CRISIS} {'🙂 & <b> ' * 400}")
    lee.taps("Why")
    await lee.gets("“i want to kill myself", "…", "There is more than fits into one message", S1.source)
    findings = tuple(
        Finding(f"q{n}", f"q{n} >= 1", f"Question {n}: {'🙂' * 200}?", ("<Often>",) * 9) for n in range(50)
    )

    def add(tx: Transaction) -> None:
        alert = alerts.by_number(tx, 1)
        assert alert is not None
        evidence = (Evidence(0, Tier.URGENT, findings),)
        alerts.raise_(tx, alert.patient_id, "S1", Tier.URGENT, evidence, merge=timedelta(days=1), now=here.clock.now())

    await here.app.store.run(add)
    lee.taps("Why")
    message = await lee.gets(
        "Question 0", "<Often>", "There is more than fits into one message", S1.rationale, S1.source
    )
    assert len(message["text"].encode("utf-16-le")) // 2 <= LONGEST
    assert "Question 49" not in message["text"]


async def test_an_alert_without_evidence_says_so(here: World) -> None:
    lee = await here.clinician()
    await alert_of(here, lee)

    def before(tx: Transaction) -> None:
        alert = alerts.by_number(tx, 1)
        assert alert is not None
        raised = Raise("gone", Tier.ROUTINE, ())
        here.app.turn.ladder.raise_(tx, alert.patient_id, raised, now=here.clock.now())

    await here.app.store.run(before)
    here.app.delivery.wake()
    await lee.gets("A-2", "gone")
    lee.says("why 2")
    await lee.gets("What fired it was not kept at the time", "The clinic's rules no longer have gone")


async def test_p6_a_message_that_could_not_be_handled_says_so(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.starts()
    await sam.gets()
    await here.app.store.run(lambda tx: here.app.turn.failed(tx, sam.person.id, now=here.clock.now()))
    here.app.delivery.wake()
    await lee.gets("A-1", "X0")
    await sam.gets("988")
    lee.says("why 1")
    await lee.gets("The program failed on a message of this patient", "Nothing by this rule")


RULE = """
- id: Z9
  title: A test
  owners: [physician]
  cases:
    - {tier: urgent, when: {question: "%channel", operator: ">", answer: 1}}
  rationale: A rule that is broken.
  source: nowhere
  acknowledge: within 5 minutes
  contact: the same day
"""


async def test_p6_a_broken_rule_says_which_condition_and_which_error_and_the_times_are_told(tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    ours = (catalogue.own_content() / "redflags.yaml").read_text(encoding="utf-8")
    (tmp_path / "content" / "redflags.yaml").write_text(ours + RULE, encoding="utf-8")
    async with world(tmp_path, content_dir=tmp_path / "content") as here:
        lee, sam = await here.clinician(), here.patient()
        sam.starts()
        await sam.gets()
        sam.says("hello there")
        await sam.gets()
        await lee.gets("URGENT · A-1", "Z9")
        lee.taps("Why")
        text = (await lee.gets("Z9 could not be evaluated here (TypeError)", "%channel > 1"))["text"]
        assert "Acknowledge: within 5 minutes" in text
        assert "Contact: the same day" in text
