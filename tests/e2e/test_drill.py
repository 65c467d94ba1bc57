"""A drill goes the way of a real alert and says so on every page; figures tell how fast real ones are answered."""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.sandbox import Fault, FaultKind
from flows.escalation import Role, Tier
from storage import alerts, audit
from storage.database import Transaction
from tests.databases import KEYRING, Database
from tests.e2e.test_escalation import CRISIS, MINUTES
from tests.e2e.test_kill import process
from tests.e2e.test_operators import one_sentence, taperline
from tests.outside import webhook
from tests.world import MONDAY, World, world

IS_DRILL = ("THIS IS A DRILL", "Drill, nobody is in danger")


async def audited(here: World) -> list[tuple[str, str, str]]:
    """The audit trail of drills and figures: who, what, and the reason."""

    def work(tx: Transaction) -> list[tuple[str, str, str]]:
        wanted = ("drill", "figures", "figures refused")
        return [
            (line.actor.split(":")[0], line.action, line.reason) for line in audit.lines(tx) if line.action in wanted
        ]

    return await here.app.store.run(work)


async def test_a_drill_climbs_the_ladder_of_an_emergency_until_it_is_resolved(anyhow: World) -> None:
    lee, kim = await anyhow.clinician(), await anyhow.clinician("Kim", Role.STAFF)
    kim.says("/drill")
    await kim.gets("Drill A-1 is raised")
    page = await lee.gets("EMERGENCY · A-1", *IS_DRILL)
    assert lee.labels(page) == ["Acknowledge", "Hand over", "Escalate", "Resolve", "Why", "Trace"]
    await kim.gets("EMERGENCY · A-1", *IS_DRILL)
    await anyhow.passes(5 * MINUTES)
    await lee.gets("A-1 · page 2", *IS_DRILL)
    await kim.gets("A-1 · page 2", *IS_DRILL)
    lee.taps("Acknowledge")
    await kim.sees("Acknowledged by Dr. Lee", *IS_DRILL)
    await anyhow.passes(timedelta(days=1))
    lee.taps("Resolve")
    await kim.sees("Resolved by Dr. Lee", "No action was needed", *IS_DRILL)
    lee.says("why 1")
    why = await lee.gets("EMERGENCY · A-1", "Paging that nobody has tried")
    assert "Patient" not in why["text"]
    assert "patient" not in why["text"]
    assert "What fired it" not in why["text"]
    await lee.gets_nothing()
    await kim.gets_nothing()
    assert await audited(anyhow) == [("clinician", "drill", "emergency")]


async def test_who_may_not_read_answers_is_told_the_reason_of_a_drill_all_the_same(here: World) -> None:
    kim = await here.clinician("Kim", Role.STAFF)
    kim.says("/drill")
    await kim.gets("is raised")
    await kim.gets(*IS_DRILL)
    kim.says("why 1")
    why = await kim.gets("Paging that nobody has tried")
    assert "The answers behind it" not in why["text"]


async def test_a_second_drill_is_not_raised_while_one_is_open(here: World) -> None:
    lee = await here.clinician()
    lee.says("drill urgent")
    await lee.gets("Drill A-1 is raised")
    await lee.gets("URGENT · A-1")
    for words in ("/drill", "/DRILL@taperline_bot same-day"):
        lee.says(words)
        await lee.gets("A drill is open already", "type resolve 1")
    lee.says("resolve 1")
    await lee.gets("Resolved")
    lee.says("/drill@taperline_bot Urgent")
    await lee.gets("Drill A-2 is raised")
    await lee.gets("URGENT · A-2")
    assert await audited(here) == [("clinician", "drill", "urgent")] * 2


async def test_a_drill_of_a_kind_that_there_is_not_pages_nobody(here: World) -> None:
    lee = await here.clinician()
    lee.says("/drill <b>")
    await lee.gets("no drill of that kind", "emergency, urgent, same_day, routine")
    await lee.gets_nothing()
    assert await audited(here) == []


async def test_a_drill_waits_for_opening_where_a_real_alert_does(here: World) -> None:
    lee = await here.clinician()
    await here.passes(timedelta(hours=9))  # seven in the evening
    lee.says("/drill same day")
    await lee.gets("A-1 is raised. It waits for opening", "it is paged Tue 09:00")
    await here.passes(timedelta(hours=13, minutes=59))
    await lee.gets_nothing()
    await here.passes(1 * MINUTES)
    await lee.gets("SAME DAY · A-1", *IS_DRILL)


async def test_the_fallback_channels_are_told_that_it_is_a_drill(tmp_path: Path) -> None:
    async with webhook() as hook, world(tmp_path, fallback=(hook.url,)) as here:
        await here.app.store.run(lambda tx: here.app.turn.ladder.drill(tx, Tier.EMERGENCY, now=here.clock.now()))
        here.app.ticker.wake()
        assert await hook.gets() == (
            "DRILL, alert A-1 (emergency), page 1\n"
            "This is a drill: nobody is in danger. Please acknowledge it on Telegram. No clinician can be paged."
        )


async def test_also_by_the_auditor_when_telegram_does_not_take_a_page_of_it(tmp_path: Path) -> None:
    async with webhook() as hook, world(tmp_path, fallback=(hook.url,)) as here:
        lee = await here.clinician()
        fault = Fault(FaultKind.SERVER_ERROR, method="sendMessage", chat_id=lee.person.id, times=99)
        here.sandbox.inject(fault)
        await here.app.store.run(lambda tx: here.app.turn.ladder.drill(tx, Tier.EMERGENCY, now=here.clock.now()))
        here.app.ticker.wake()
        await here.passes(1 * MINUTES)
        assert await hook.gets("Page 1 was not taken by Telegram.") == (
            "DRILL, alert A-1 (emergency)\n"
            "This is a drill: nobody is in danger. Please acknowledge it on Telegram. Page 1 was not taken by Telegram."
        )
        await hook.gets("Taperline operations", "Pages do not go out")


@pytest.mark.both_databases
async def test_a_drill_from_the_terminal_is_paged_by_the_bot_and_followed_to_its_end(
    here: World, database: Database, tmp_path: Path
) -> None:
    lee, settings = await here.clinician(), {"DATABASE_URL": database.url, "TAPERLINE_KEYS": KEYRING.text()}
    await here.passes(max(datetime.now(UTC) - MONDAY, timedelta()))  # what the terminal raises now is due now
    async with process(tmp_path, "drill", "--watch", **settings) as terminal:
        assert terminal.stdout is not None
        assert await terminal.stdout.readline() == b"Drill A-1 (emergency) is raised.\n"
        await here.passes(1 * MINUTES)
        await lee.gets("EMERGENCY · A-1", *IS_DRILL)
        again = await asyncio.to_thread(taperline, tmp_path, "drill", **settings)
        assert "The drill A-1 is open already. Follow it with --watch" in one_sentence(again)
        async with process(tmp_path, "drill", "--watch", **settings) as other:
            assert other.stdout is not None
            assert await other.stdout.readline() == b"Drill A-1 (emergency) is open already.\n"
            other.send_signal(signal.SIGINT)
            said = (await other.stdout.read()).decode()
            assert await other.wait() == 130
        assert "The drill goes on. To end it, a clinician types in Telegram: resolve 1" in said
        lee.taps("Acknowledge")
        await lee.sees("Acknowledged by")
        lee.taps("Resolve")
        await lee.sees("Resolved by")
        said = (await terminal.stdout.read()).decode()
        assert await terminal.wait() == 0
    for words in ("Page 1", "Dr. Lee", "Sent after", "Paged after", "Acknowledged after", "The drill is over."):
        assert words in said
    assert await audited(here) == [("operator", "drill", "emergency")]


def test_a_drill_from_the_terminal_says_what_happens_next_and_that_there_is_nobody(tmp_path: Path) -> None:
    run = taperline(tmp_path, "drill", "--tier", "same_day")
    assert run.returncode == 0
    assert run.stdout.splitlines() == [
        "Drill A-1 (same_day) is raised.",
        "No clinician can be paged yet: add one with `taperline clinician add`.",
        "The running bot pages it within a minute. It ends when a clinician resolves it: resolve 1",
    ]


async def test_figures_in_telegram_are_for_physicians_and_leave_drills_out(anyhow: World) -> None:
    lee, kim, sam = await anyhow.clinician(), await anyhow.clinician("Kim", Role.THERAPIST), anyhow.patient()
    lee.says("/figures")
    assert (await lee.gets("The last 28 days"))["text"] == "The last 28 days, without drills\n\nNo alerts."
    sam.says(CRISIS)
    await sam.gets("988")
    for phone in (lee, kim):
        await phone.gets("EMERGENCY · A-1")
    await anyhow.passes(4 * MINUTES)
    lee.taps("Acknowledge")
    await lee.sees("Acknowledged by")
    await sam.gets("has now seen")
    await anyhow.passes(6 * MINUTES)
    lee.taps("I spoke with them")
    await lee.sees("In hand")
    lee.says("resolve 1 no_action")
    await lee.gets("Resolved")
    lee.says("/drill")
    await lee.gets("is raised")
    for phone in (lee, kim):
        await phone.gets(*IS_DRILL)
    lee.says("/figures@taperline_bot 7")
    told = await lee.gets("The last 7 days")
    assert told["text"] == (
        "The last 7 days, without drills\n\n"
        "🔴 Emergency: 1\n"
        "Paged after 0 s, nine of ten after 0 s\n"
        "Acknowledged after 4 min, nine of ten after 4 min\n"
        "Spoken with after 10 min, nine of ten after 10 min\n"
        "In time: 1 of 1, 100% acknowledged, 1 of 1, 100% spoken with\n\n"
        "Resolved as “no action was needed”\n"
        "• Safety, acute (S1): 1 of 1, 100%"
    )
    for days in ("0", "3651"):
        lee.says(f"figures {days}")
        await lee.gets(f"no figures for {days} days", "from 1 to 3650")
    kim.says("/figures")
    await kim.gets("Only physicians can read the figures")
    assert await audited(anyhow) == [
        ("clinician", "figures", "28 days"),
        ("clinician", "drill", "emergency"),
        ("clinician", "figures", "7 days"),
        ("clinician", "figures refused", "28 days"),
    ]


async def test_the_menu_and_the_help_of_staff_name_both(here: World) -> None:
    lee = await here.clinician()
    lee.says("/help")
    await lee.gets("/drill", "/figures")
    await here.settled()
    commands = [command["command"] for command in here.app.turn.staff.renderer.menu(staff=True)]
    assert commands == ["alerts", "requests", "oncall", "drill", "figures", "help"]


async def test_p4_a_drill_that_another_process_raised_is_not_quiet_while_the_bot_has_not_seen_it(here: World) -> None:
    def work(tx: Transaction) -> tuple[bool, int]:
        _, is_new = here.app.turn.ladder.drill(tx, Tier.URGENT, now=here.clock.now())
        return is_new, len(alerts.gone_quiet(tx))

    assert await here.app.store.run(work) == (True, 0)
