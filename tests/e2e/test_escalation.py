"""An alert never goes quiet (P4): every page, its time, and nothing beside it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr
from sqlmodel import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import web
from bot.sandbox import Fault, FaultKind
from flows.escalation import Role
from storage import outbox
from storage.database import Transaction
from storage.outbox import Urgency
from storage.tables import AnswerRow, TimerRow
from tests.databases import Database
from tests.world import World, world

pytestmark = pytest.mark.both_databases

CRISIS = "i want to kill myself"
MINUTES = timedelta(minutes=1)


async def test_an_emergency_is_paged_again_until_somebody_takes_it(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("EMERGENCY · A-1")
    await kim.gets_nothing()
    await here.passes(4 * MINUTES)
    await lee.gets_nothing()
    await here.passes(1 * MINUTES)
    await lee.gets("A-1 · page 2")
    await kim.gets("A-1 · page 2")
    await here.passes(10 * MINUTES)
    await lee.gets("page 3")
    await kim.gets("page 3")
    for number in range(4, 8):
        await here.passes(15 * MINUTES)
        await lee.gets(f"page {number}")
        await kim.gets(f"page {number}")
    kim.taps("Acknowledge")
    await lee.sees("Acknowledged by Kim", "Please note by")
    await sam.gets("has now seen what you told me")
    kim.taps("I spoke with them")
    await lee.sees("In hand")
    await here.passes(timedelta(days=2))
    await lee.gets_nothing()
    await kim.gets_nothing()
    await sam.gets_nothing()


async def test_two_clinicians_at_once_are_told_who_was_first(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.PHYSICIAN), here.patient()
    sam.says(CRISIS)
    await lee.gets("A-1")
    await kim.gets("A-1")
    lee.says("ack 1")
    await lee.gets("Done")
    await here.passes(2 * MINUTES)
    kim.says("ACK A-1")
    await kim.gets("Dr. Lee took this 2 min ago")
    kim.says("resolve 1 helped")
    await kim.gets("Resolved")
    lee.says("/escalate 1")
    await lee.gets("Kim resolved this just now")
    lee.says("ack 99")
    await lee.gets("There is no alert A-99")


async def test_escalate_pages_the_next_people_at_once(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient()
    sam.says(CRISIS)
    await lee.gets("A-1")
    lee.taps("Escalate")
    await kim.gets("A-1 · page 2")
    await lee.gets("A-1 · page 2")


async def test_a_clinician_who_blocked_the_bot_is_passed_over_at_once(here: World) -> None:
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient()
    here.sandbox.inject(Fault(FaultKind.FORBIDDEN, method="sendMessage", chat_id=lee.person.id, times=1))
    sam.says(CRISIS)
    await sam.gets("988")
    await kim.gets("EMERGENCY · A-1")
    await lee.gets_nothing()


async def test_a_new_fact_after_an_acknowledgement_pages_again_and_never_lowers_the_tier(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.says(CRISIS)
    await lee.gets("EMERGENCY · A-1")
    sam.says(CRISIS)
    await here.settled()
    await lee.gets_nothing()
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by")
    sam.says(CRISIS)
    await lee.gets("EMERGENCY · A-1 · page 2")


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY, FaultKind.SERVER_ERROR, FaultKind.BAD_GATEWAY])
async def test_a_page_that_telegram_refuses_for_now_is_sent_later(here: World, kind: FaultKind) -> None:
    lee, sam = await here.clinician(), here.patient()
    here.sandbox.inject(Fault(kind, method="sendMessage", chat_id=lee.person.id, times=2, retry_after=3))
    sam.says(CRISIS)
    await sam.gets("988")
    await here.passes(timedelta(seconds=3))
    await here.passes(timedelta(seconds=3))
    await lee.gets("EMERGENCY · A-1")


async def test_a_page_that_was_cut_off_after_it_arrived_comes_twice_and_means_the_same(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    here.sandbox.inject(Fault(FaultKind.CUT, method="sendMessage", chat_id=lee.person.id, times=1))
    sam.says(CRISIS)
    await lee.gets("EMERGENCY · A-1")
    await here.settled()
    await here.passes(timedelta(seconds=2))
    await lee.gets("EMERGENCY · A-1")
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by")


async def test_pages_survive_a_restart_at_every_step(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.says(CRISIS)
    await lee.gets("A-1")
    for number in range(2, 5):
        await here.restart()
        await here.passes(15 * MINUTES)
        await lee.gets(f"A-1 · page {number}")


async def test_p4_the_auditor_finds_an_alert_that_went_quiet_and_pages_it(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.says(CRISIS)
    await lee.gets("A-1")
    await here.settled()
    await here.app.store.run(lambda tx: [tx.session.delete(row) for row in tx.session.exec(select(TimerRow))])
    await here.passes(2 * MINUTES)
    await lee.gets("A-1 · page 2")


@asynccontextmanager
async def pager() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A service that takes Apprise's JSON by HTTP; yields its address and what it got."""
    got: list[dict[str, Any]] = []

    async def take(request: Request) -> Response:
        got.append(json.loads(await request.body()))
        return Response()

    listener = web.listen("127.0.0.1", 0)
    site = Starlette(routes=[Route("/", take, methods=["POST"])])
    async with web.serving(uvicorn.Config(site, log_config=None), listener):
        yield f"json://127.0.0.1:{listener.getsockname()[1]}/", got


async def test_when_nobody_can_be_paged_the_fallback_channel_is_and_holds_nothing_private(
    tmp_path: Path, database: Database
) -> None:
    async with pager() as (url, got), world(tmp_path, database=database) as here:
        here.settings = here.settings.model_copy(update={"fallback_urls": (SecretStr(url),)})
        await here.restart()
        sam = here.patient("Samantha")
        sam.says(CRISIS)
        await sam.gets("988")
        await here.settled()
        assert [page["title"] for page in got] == ["Alert A-1 (emergency), page 1"]
        assert "Samantha" not in str(got)
        assert CRISIS not in str(got)
        lee = await here.clinician()
        await lee.gets("EMERGENCY · A-1")


async def test_p4_an_outcome_that_cannot_be_written_holds_up_nobody(here: World) -> None:
    lee, sam = await here.clinician(), here.patient()
    sam.starts()
    await sam.gets("Shall we begin?")
    sam.taps("Begin")
    await sam.gets("Is that all right for you?")
    sam.taps("Yes, let us begin")
    await sam.gets("What should we call you?")
    await here.settled()
    here.sandbox.inject(Fault(FaultKind.FORBIDDEN, method="sendMessage", chat_id=sam.person.id, times=1))
    now = here.clock.now()

    def spoil_and_send(tx: Transaction) -> None:
        tx.session.exec(select(AnswerRow)).one().values_sealed = "v1|k1|x|y"
        words = {"chat_id": sam.person.id, "text": "This one is refused."}
        outbox.put(tx, sam.person.id, "sendMessage", words, urgency=Urgency.REPLY, now=now)

    await here.app.store.run(spoil_and_send)
    here.app.delivery.wake()
    rosa = here.patient("Rosa")
    rosa.says(CRISIS)
    await rosa.gets("988")
    await lee.gets("EMERGENCY · A-1", "S1")
    await here.settled()
