"""When Telegram is not enough: fallback channels, the auditor and the heartbeat, each message of them expected."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from bot import log
from bot.cli import cli
from bot.clock import MovableClock
from bot.lifeline import FallbackError, Lifeline
from bot.sandbox import Fault, FaultKind
from flows.escalation import Role
from storage import outbox
from storage.database import Transaction
from storage.outbox import FALLBACK, Delivery, Urgency
from storage.tables import AlertEventRow, ClinicianRow, OutboxRow, TimerRow
from tests.outside import Outside, mail_server, watch, webhook
from tests.world import World, world

CRISIS = "i want to kill myself"
MINUTE = timedelta(minutes=1)
PERSONAL = ("Dr. Lee", "Kim", "Samantha", "kill", "P-")
"""What must never stand in a message outside Telegram."""


@dataclass
class Around:
    """A world with a mail server, a webhook and a watch around it."""

    here: World
    mail: Outside
    hook: Outside
    heart: Outside

    async def both_get(self, *words: str) -> None:
        """The mail server and the webhook get the same message, and nothing private in it."""
        for outside in (self.mail, self.hook):
            message = await outside.gets(*words)
            assert not [word for word in PERSONAL if word in message]

    async def beats(self, times: int = 1) -> None:
        """Minutes go by, and after each the heart has beaten."""
        for _ in range(times):
            await self.here.passes(MINUTE)
            await self.heart.gets("beat")

    async def may_beat(self, times: int = 1) -> None:
        """Minutes go by, in which things change."""
        await self.here.passes(times * MINUTE)
        self.heart.read = len(self.heart.got)

    async def is_silent(self, times: int = 1) -> None:
        """Minutes go by without a heartbeat."""
        for _ in range(times):
            await self.here.passes(MINUTE)
            self.heart.nothing_more()


@asynccontextmanager
async def surrounded(folder: Path, *, by_webhook: bool = False) -> AsyncIterator[Around]:
    """Everything there is; at the end nobody may have got anything that the test did not read."""
    async with (
        mail_server() as mail,
        webhook() as hook,
        watch() as heart,
        world(folder, webhook=by_webhook, fallback=(mail.url, hook.url), heartbeat=heart.url) as here,
    ):
        await asyncio.to_thread(here.app.turn.catalogue.listener.hear, CRISIS)  # the first time it loads its encoder
        yield Around(here, mail, hook, heart)
        await here.nothing_more()


@pytest.fixture
async def around(tmp_path: Path) -> AsyncIterator[Around]:
    async with surrounded(tmp_path) as there:
        yield there


async def rows(here: World) -> Sequence[OutboxRow]:
    return await here.app.store.run(lambda tx: tx.session.exec(select(OutboxRow).order_by(OutboxRow.id)).all())  # type: ignore[arg-type]


async def trace(here: World) -> list[str]:
    events = select(AlertEventRow.kind).order_by(AlertEventRow.id)  # type: ignore[arg-type]
    return list(await here.app.store.run(lambda tx: tx.session.exec(events).all()))


async def test_p4_telegram_is_down_for_an_hour_and_every_page_reaches_somebody_within_two_minutes(
    around: Around,
) -> None:
    here = around.here
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient("Samantha")
    here.sandbox.inject(Fault(FaultKind.BAD_GATEWAY, method="sendMessage", times=None))
    sam.says(CRISIS)
    await here.settled()
    late, by_policy = {1: 1, 6: 2}, {15: 3, 30: 4, 45: 5, 60: 6}
    for minute in range(1, 61):
        await around.is_silent()
        if minute in late:
            await around.both_get("Alert A-1 (emergency)", f"Page {late[minute]} was not taken by Telegram")
        if minute in by_policy:
            await around.both_get(f"Alert A-1 (emergency), page {by_policy[minute]}", "A patient needs a person.")
        if minute == 1:
            await around.both_get("Taperline operations", "Pages do not go out", "A-1")
        around.mail.nothing_more()
        around.hook.nothing_more()
    here.sandbox.clear_faults()
    await here.passes(timedelta(seconds=15))
    await lee.gets("EMERGENCY · A-1")
    for number in range(2, 7):
        await lee.gets(f"A-1 · page {number}")
        await kim.gets(f"A-1 · page {number}")
    kim.taps("Acknowledge")
    await lee.sees("Acknowledged by Kim")
    await here.passes(timedelta(minutes=5))
    await sam.gets("988")
    await sam.gets("has now seen")
    await around.heart.gets("beat")
    pages_of_alert = [row for row in await rows(here) if row.alert_id == 1]
    assert {(row.state, row.reason) for row in pages_of_alert} == {(Delivery.SENT, None)}
    assert sum(row.topic == FALLBACK for row in pages_of_alert) == 2 * 6
    assert sum(row.topic != FALLBACK for row in pages_of_alert) == 6 + 5
    assert (await trace(here)).count("late") == 2


async def test_a_channel_that_refuses_is_tried_again_by_itself_and_the_other_delivers_once(around: Around) -> None:
    here = around.here
    around.mail.refuses = True
    here.patient().says(CRISIS)
    await here.phones[0].gets("988")
    await here.settled()
    await around.hook.gets("Alert A-1 (emergency)", "No clinician can be paged")
    (refused,) = [row for row in await rows(here) if row.state == Delivery.QUEUED]
    assert "451" in (refused.reason or "")
    assert "oncall" not in (refused.reason or "")
    await here.passes(timedelta(seconds=2))
    around.mail.refuses = False
    await here.passes(timedelta(seconds=4))
    await around.mail.gets("Alert A-1 (emergency)")
    around.hook.nothing_more()


async def test_a_channel_is_not_tried_again_with_an_alert_that_somebody_took(around: Around) -> None:
    here = around.here
    around.mail.refuses = True
    sam = here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    await around.hook.gets("Alert A-1 (emergency)")
    lee = await here.clinician()
    await lee.gets("EMERGENCY · A-1")
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by")
    await sam.gets("has now seen")
    await here.passes(timedelta(seconds=5))
    around.mail.refuses = False
    await here.passes(timedelta(minutes=5))
    (dropped,) = [row for row in await rows(here) if row.state == Delivery.DROPPED]
    assert dropped.topic == FALLBACK
    around.mail.nothing_more()
    around.hook.nothing_more()
    around.heart.read = len(around.heart.got)


async def test_operations_hear_once_of_a_channel_that_fails_and_the_heart_stops_until_it_works(around: Around) -> None:
    here = around.here
    lee = await here.clinician()
    around.mail.refuses = True
    await here.app.store.run(
        lambda tx: here.app.turn.ladder.lifeline.tell_operations(tx, "A word.", now=here.clock.now())
    )
    here.app.delivery.wake()
    await around.hook.gets("A word.")
    await around.beats(1)
    await around.may_beat()  # the third attempt and the look are at the same instant
    await around.is_silent(3)
    await around.hook.gets("The fallback channel 1. E-Mail clinic.example", "fails", "451")
    around.hook.nothing_more()
    around.mail.refuses = False
    await around.may_beat(2)
    await around.mail.gets("A word.")
    await around.mail.gets("fails")
    await around.beats()
    await lee.gets_nothing()


async def test_a_channel_that_hangs_holds_up_no_other_and_gets_the_page_once(around: Around) -> None:
    here = around.here
    around.mail.answers.clear()
    sam = here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    await around.mail.is_knocked_at(1)
    await around.hook.gets("Alert A-1 (emergency)")
    around.mail.answers.set()
    await here.settled()
    await around.mail.gets("Alert A-1 (emergency)")


async def test_a_message_for_a_channel_that_is_gone_is_dead_and_says_so(around: Around) -> None:
    here = around.here
    around.mail.refuses = True
    sam = here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    await here.settled()
    await around.hook.gets("Alert A-1 (emergency)")
    here.settings = here.settings.model_copy(update={"fallback_urls": here.settings.fallback_urls[1:]})
    await here.restart()
    await here.passes(timedelta(seconds=5))
    (dead,) = [row for row in await rows(here) if row.state == Delivery.DEAD]
    assert dead.reason == "its channel is no longer in FALLBACK_URLS"
    around.mail.nothing_more()


async def test_an_id_of_a_channel_survives_restarts_and_its_name_tells_no_secret() -> None:
    urls = [
        "mailtos://user:hunter2@clinic.example",
        "json://name:hunter2@10.0.0.1:8080/hunter2",
        "pagerduty://hunter2hunter2@hunter2hunter2",
        "json://name:hunter2@10.0.0.1:8080/hunter2",
    ]
    first, again = Lifeline.open(urls), Lifeline.open(list(reversed(urls)))
    assert [channel.name for channel in first.channels] == [
        "1. E-Mail clinic.example",
        "2. JSON 10.0.0.1",
        "3. Pager Duty",
    ]
    assert {channel.id for channel in first.channels} == {channel.id for channel in again.channels}
    assert "hunter2" not in repr(first)
    for wrong in ("nonsense://hunter2", "hunter2"):
        with pytest.raises(FallbackError, match="address 1") as refused:
            Lifeline.open([wrong])
        assert "hunter2" not in str(refused.value)


async def test_without_a_fallback_channel_nothing_is_claimed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("info")
    async with watch() as heart, world(tmp_path, heartbeat=heart.url) as here:
        assert capfd.readouterr().err.count("FALLBACK_URLS is empty") == 1
        sam = here.patient()
        sam.says(CRISIS)
        await sam.gets("988")
        await here.settled()
        assert capfd.readouterr().err.count("there is no fallback channel for this") == 1
        assert not [row for row in await rows(here) if row.alert_id is not None]
        await here.passes(MINUTE)
        heart.nothing_more()
        assert "nobody:1" in capfd.readouterr().err
        lee = await here.clinician()
        await lee.gets("EMERGENCY · A-1")
        lee.taps("Acknowledge")
        await lee.sees("Acknowledged by")
        await sam.gets("has now seen")
        await here.passes(MINUTE)
        await heart.gets("beat")
        await here.nothing_more()


@pytest.mark.parametrize("kind", [FaultKind.FORBIDDEN, FaultKind.BAD_REQUEST])
async def test_who_blocked_the_bot_or_is_gone_is_passed_over_and_operations_hear_of_it_once(
    around: Around, kind: FaultKind
) -> None:
    here = around.here
    lee, kim, sam = await here.clinician(), await here.clinician("Kim", Role.STAFF), here.patient("Samantha")
    here.sandbox.inject(Fault(kind, method="sendMessage", chat_id=lee.person.id, times=None))
    sam.says(CRISIS)
    await sam.gets("988")
    await kim.gets("EMERGENCY · A-1 · page 2")
    await around.both_get("Taperline operations", "A physician (clinician:", "cannot be paged on Telegram")
    (dead,) = [row for row in await rows(here) if row.state == Delivery.DEAD and row.alert_id is not None]
    assert dead.reason == "the bot was blocked, or the account is gone"
    late = {"chat_id": lee.person.id, "text": "This one was on its way already."}
    urgency, now = Urgency.REPLY, here.clock.now()
    await here.app.store.run(lambda tx: outbox.put(tx, lee.person.id, "sendMessage", late, urgency=urgency, now=now))
    here.app.delivery.wake()
    kim.taps("Acknowledge")
    await kim.sees("Acknowledged by Kim")
    await sam.gets("has now seen")
    sam.says(CRISIS)
    await sam.gets("988")
    await kim.gets("A-1 · page 3")
    await around.beats(2)


async def test_operations_hear_at_once_when_a_clinician_blocks_the_bot(around: Around) -> None:
    here = around.here
    lee = await here.clinician()
    here.sandbox.block(lee.person)
    await here.settled()
    await around.both_get("A physician (clinician:", "cannot be paged")
    here.sandbox.block(lee.person, False)
    await around.beats(2)


async def test_p4_an_alert_that_went_quiet_is_paged_again_and_the_heart_skips_that_minute(around: Around) -> None:
    here = around.here
    lee, sam = await here.clinician(), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("A-1")
    await around.beats()
    await here.app.store.run(lambda tx: [tx.session.delete(row) for row in tx.session.exec(select(TimerRow))])
    await around.is_silent()
    await lee.gets("A-1 · page 2")
    await around.both_get("Taperline operations", "Alert A-1 had gone quiet. It is paged again.")
    await around.beats(2)


async def test_p4_a_page_that_cannot_be_made_goes_to_the_fallback_channels(around: Around) -> None:
    here, half = around.here, MINUTE / 2
    lee, sam = await here.clinician(), here.patient()
    await here.passes(half)
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("A-1")

    def spoil(tx: Transaction) -> None:
        tx.session.exec(select(ClinicianRow)).one().chat_sealed = "v1|k1|x|y"

    await here.app.store.run(spoil)
    await here.passes(half)
    await around.heart.gets("beat")
    await around.beats(4)
    await here.passes(half)
    await around.both_get("Taperline operations", "A timer failed")
    await here.passes(half)
    await around.both_get("Alert A-1 (emergency)", "Its next page is overdue.")
    await around.both_get("Taperline operations", "Alert A-1 should be paged and is not")
    await around.is_silent(5)
    assert (await trace(here)).count("unpaged") == 1


async def test_p4_the_auditor_sees_that_the_ticker_stands_still(around: Around) -> None:
    here = around.here
    lee, sam = await here.clinician(), here.patient()
    sam.says(CRISIS)
    await sam.gets("988")
    await lee.gets("A-1")
    await here.settled()
    here.app.ticker.clock = MovableClock(frozen_at=here.clock.now())
    for _ in range(4):
        await around.beats()
    for _ in range(3):
        here.sandbox.advance(MINUTE)
        await here.audited()
    await around.both_get("Alert A-1 (emergency)", "Its next page is overdue.")
    await around.both_get("Taperline operations", "Alert A-1 should be paged and is not")
    await around.heart.gets("beat")
    around.heart.nothing_more()
    here.app.ticker.clock = here.clock
    here.app.ticker.wake()
    await lee.gets("A-1 · page 2")
    await around.beats()


async def test_the_heart_beats_once_a_minute_and_not_while_telegram_gives_no_updates(around: Around) -> None:
    here = around.here
    sam = here.patient()
    await around.beats(3)
    here.sandbox.inject(Fault(FaultKind.SERVER_ERROR, method="getUpdates", times=None))
    here.sandbox.updates.wake()
    await here.sandbox.wait_for(lambda: here.app.receiver.unheard_since)
    await around.is_silent(2)
    await around.both_get("Taperline operations", "Telegram has not given us any updates")
    here.sandbox.clear_faults()
    sam.says("hello")
    await sam.gets()
    await around.beats(2)


async def test_by_webhook_the_heart_beats_only_while_updates_reach_us(tmp_path: Path) -> None:
    async with surrounded(tmp_path, by_webhook=True) as around:
        here = around.here
        await around.beats(2)
        here.sandbox.inject(Fault(FaultKind.DROP_WEBHOOK, times=None))
        sam = here.patient()
        sam.says("hello")
        await here.sandbox.wait_for(lambda: here.sandbox.webhook and here.sandbox.webhook.last_error_date)
        for _ in range(2):
            here.sandbox.advance(MINUTE)
            await here.audited()
        await around.both_get("Taperline operations", "Telegram has not given us any updates")
        await around.heart.gets("beat")
        around.heart.nothing_more()
        here.sandbox.clear_faults()
        await sam.gets()
        await around.may_beat()  # what Telegram says now counts at the next look
        await around.beats(2)


async def test_when_the_database_fails_operations_are_told_past_it_once_and_the_heart_stops(
    around: Around, tmp_path: Path
) -> None:
    await around.beats()
    with closing(sqlite3.connect(tmp_path / "taperline.db")) as other:
        other.execute("ALTER TABLE trouble RENAME TO elsewhere")
        await around.is_silent(2)
        await around.both_get("Taperline operations", "The audit fails, perhaps with the database")
        other.execute("ALTER TABLE elsewhere RENAME TO trouble")
    await around.beats(2)


async def test_a_restart_is_no_heartbeat(around: Around) -> None:
    await around.here.settled()
    for _ in range(3):
        await around.here.restart()
        await around.here.settled()
    around.heart.nothing_more()
    await around.beats()


async def test_a_heartbeat_that_is_not_taken_is_logged_once_and_its_address_never(
    around: Around, capfd: pytest.CaptureFixture[str]
) -> None:
    log.configure("info")
    around.heart.refuses = True
    for _ in range(3):
        await around.here.passes(MINUTE)
    around.heart.refuses = False
    await around.beats()
    logged = capfd.readouterr().err
    assert logged.count("the heartbeat is not taken") == 1
    assert logged.count("the heartbeat is taken again") == 1
    assert "a-secret-path" not in logged


async def test_the_command_tries_every_channel_and_fails_when_one_fails() -> None:
    async with mail_server() as mail, webhook() as hook:
        given = {"FALLBACK_URLS": f"{mail.url} {hook.url}"}

        async def tested() -> tuple[int, str]:
            found = await asyncio.to_thread(CliRunner().invoke, cli, ["fallback", "test"], env=given)
            return found.exit_code, found.output

        code, output = await tested()
        assert code == 0
        assert "1. E-Mail clinic.example" in output
        assert "2. JSON 127.0.0.1" in output
        for outside in (mail, hook):
            await outside.gets("Taperline test", "This is a test page. Nobody needs help.")
        hook.refuses = True
        code, output = await tested()
        assert code == 1
        assert "error=500" in output
        assert "a-secret-path" not in output
        await mail.gets("Taperline test")


async def test_the_command_fails_when_there_is_no_channel() -> None:
    found = await asyncio.to_thread(CliRunner().invoke, cli, ["fallback", "test"])
    assert found.exit_code == 1
    assert "FALLBACK_URLS is empty" in str(found.exception)
