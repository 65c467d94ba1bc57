"""The rota in Telegram: /oncall, away, cover and back, and who is told of a change."""

from datetime import date, time, timedelta

import pytest

from bot.app import open_memory
from bot.on_call import OnCall
from bot.sandbox import Fault, FaultKind
from flows.escalation import Role
from flows.rota import Cover, Rotation
from storage import audit, clinicians, rota
from storage.database import Transaction
from tests.world import Phone, World

PACIFIC = "America/Los_Angeles"
WEEK = timedelta(weeks=1)


async def three(here: World, name: str = "nights", **more: bool) -> tuple[Phone, Phone, Phone]:
    """Dr. Lee, Dr. Kim and Ana, who take turns of a week, from Monday at eight."""
    phones = (
        await here.clinician("Dr. Lee"),
        await here.clinician("Dr. Kim"),
        await here.clinician("Ana", Role.STAFF),
    )

    def work(tx: Transaction) -> None:
        people = tuple(clinicians.by_name(tx, phone.person.first_name).id for phone in phones)
        rotation = Rotation(name, people, WEEK, date(2026, 11, 23), time(8), PACIFIC, **more)
        rota.put(tx, rotation, actor="operator", now=here.clock.now())

    await here.app.store.run(work)
    return phones


async def on_call(here: World) -> list[str]:
    now = here.clock.now()

    def work(tx: Transaction) -> list[str]:
        return sorted(clinicians.name_of(tx, one) for one in rota.on_call_now(tx, now))

    return await here.app.store.run(work)


async def test_oncall_tells_who_is_on_call_until_when_and_who_is_next(here: World) -> None:
    lee, kim, _ = await three(here)
    for asked in ("/oncall", "on call?", "/oncall@taperline_bot"):
        kim.says(asked)
        await kim.gets("nights: Dr. Lee until Mon 2026-11-30 08:00, then Dr. Kim", "No gaps in the next 14 days")
    await here.passes(WEEK)
    lee.says("/ONCALL")
    await lee.gets("nights: Dr. Kim until Mon 2026-12-07 08:00, then Ana")


async def test_without_a_rota_oncall_says_where_pages_go(here: World) -> None:
    lee = await here.clinician()
    lee.says("/oncall")
    await lee.gets("There is no rota yet", "everybody with the right role", "taperline rota set")
    lee.says("cover nights 2026-12-24 18:00 2026-12-25 08:00")
    await lee.gets("There is no rotation called nights. There is none yet", "Nothing was changed")


async def test_oncall_is_in_the_menu_and_in_the_help(here: World) -> None:
    lee = await here.clinician()
    await here.settled()
    menu = [call for call in here.sandbox.calls if call.method == "setMyCommands"][-1]
    assert "oncall" in str(menu.params)
    lee.says("/help")
    await lee.gets("/oncall", "away", "cover")


async def test_an_absence_says_to_whom_the_shift_falls_and_they_are_told(here: World) -> None:
    lee, kim, ana = await three(here)
    lee.says("away 2026-11-25 2026-11-26")
    await lee.gets(
        "You are away from Wed 2026-11-25 00:00 until Fri 2026-11-27 00:00",
        "nights, Wed 2026-11-25 00:00 to Fri 2026-11-27 00:00: Dr. Kim instead of Dr. Lee.",
    )
    await kim.gets("The rota was changed (Dr. Lee)", "Dr. Kim instead of Dr. Lee")
    await ana.gets_nothing()
    await here.passes(timedelta(days=2))
    assert await on_call(here) == ["Dr. Kim"]
    lee.says("Back!")
    await lee.gets("You are not away any more from Wed 2026-11-25 00:00", "Dr. Lee instead of Dr. Kim")
    await kim.gets("The rota was changed", "Dr. Lee instead of Dr. Kim")
    assert await on_call(here) == ["Dr. Lee"]
    lee.says("back")
    await lee.gets("You were not away, so nothing changes")
    actions = [(line.actor.split(":")[0], line.action) for line in await here.app.store.run(audit.lines)]
    assert [one for one in actions if one[1] in {"away", "back"}] == [("clinician", "away"), ("clinician", "back")]


async def test_a_change_by_another_process_is_told_within_a_minute(here: World) -> None:
    """The command line writes to the same database, and cannot wake the bot."""
    lee, kim, _ = await three(here)
    now, until = here.clock.now(), here.clock.now() + timedelta(days=1)
    desk = OnCall(here.app.turn.catalogue, here.app.turn.renderer)

    def work(tx: Transaction) -> None:
        cover = Cover("nights", clinicians.by_name(tx, "Dr. Kim").id, now, until)
        desk.changing(tx, lambda: rota.take(tx, cover, actor="operator", now=now), until, by=None, now=now)

    await here.passes(timedelta(minutes=1))
    other = open_memory(here.settings)
    other.submit(work).result()
    other.close()
    here.sandbox.advance(timedelta(minutes=1))
    await lee.gets("The rota was changed (Taperline Clinic)", "Dr. Kim instead of Dr. Lee")
    await kim.gets("Dr. Kim instead of Dr. Lee")


async def test_an_absence_outside_ones_shifts_changes_nothing_else(here: World) -> None:
    _, kim, _ = await three(here)
    kim.says("Away from 2026-11-24 18:00 until 2026-11-25 08:00")
    await kim.gets("from Tue 2026-11-24 18:00 until Wed 2026-11-25 08:00", "You were not on call then")


async def test_an_absence_that_leaves_nobody_says_so_and_is_a_gap(here: World) -> None:
    lee, kim, _ = await three(here, falls_to_next=False)
    lee.says("away 2026-11-25 2026-11-26")
    await lee.gets("nobody instead of Dr. Lee", "This is a gap: please find somebody to cover")
    kim.says("/oncall")
    await kim.gets("Gaps in the next 14 days", "nights, Wed 2026-11-25 00:00 to Fri 2026-11-27 00:00: nobody")
    kim.says("cover nights 2026-11-25 2026-11-26")
    await kim.gets("You cover nights", "Dr. Kim instead of nobody")
    kim.says("/oncall")
    await kim.gets("No gaps")


async def test_a_stretch_that_somebody_takes_is_theirs_and_who_had_it_is_told(here: World) -> None:
    lee, kim, ana = await three(here)
    ana.says("cover nights 2026-11-24 18:00 2026-11-25 08:00")
    await ana.gets("You cover nights from Tue 2026-11-24 18:00 until Wed 2026-11-25 08:00.", "Ana instead of Dr. Lee")
    await lee.gets("The rota was changed (Ana)", "Ana instead of Dr. Lee")
    await kim.gets_nothing()
    await here.passes(timedelta(hours=32))
    assert await on_call(here) == ["Ana"]
    kim.says("cover 2026-11-24 20:00 to 2026-11-25 08:00")
    await kim.gets("You cover nights from Tue 2026-11-24 20:00", "Dr. Kim instead of Ana")
    await ana.gets("Dr. Kim instead of Ana")
    kim.says("cover 2026-11-30 2026-11-30")
    await kim.gets("You cover nights", "Dr. Kim instead of Dr. Lee", "to Mon 2026-11-30 08:00")
    await lee.gets("The rota was changed (Dr. Kim)")
    kim.says("cover 2026-12-01 2026-12-01")
    await kim.gets("You were on call then anyway")


async def test_who_blocked_the_bot_is_a_gap_and_is_not_to_be_paged(here: World) -> None:
    lee, kim, ana = await three(here)
    here.sandbox.inject(Fault(FaultKind.FORBIDDEN, method="sendMessage", chat_id=lee.person.id, times=1))
    kim.says("cover nights 2026-11-24 18:00 2026-11-25 08:00")
    await kim.gets("instead of Dr. Lee")
    await here.settled()
    ana.says("/oncall")
    await ana.gets(
        "Gaps in the next 14 days", "nights, Mon 2026-11-23 10:00 to Tue 2026-11-24 18:00: Dr. Lee cannot be paged"
    )
    assert await on_call(here) == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("away", "To be away: away 2026-11-30 2026-12-01"),
        ("cover", "cover nights 2026-11-30 18:00 2026-12-01 08:00"),
        ("away 2026-12-27 2026-12-20", "2026-12-20 is not after 2026-12-27"),
        ("away 2026-02-30 2026-12-20", "2026-02-30 is no date"),
        ("away 2025-12-20 2025-12-27", "2025-12-27 is over"),
        ("away 12/20 to 12/27", "To be away: away 2026-11-30"),
        (
            "cover days 2026-12-24 2026-12-25",
            "There is no rotation called days. There are: nights. Nothing was changed",
        ),
    ],
)
async def test_what_is_not_understood_is_answered_with_an_example(here: World, said: str, words: str) -> None:
    lee, _, _ = await three(here)
    lee.says(said)
    await lee.gets(words)
    now = here.clock.now()
    found = await here.app.store.run(lambda tx: rota.read(tx, now))
    assert (found.absences, found.covers) == ((), ())


async def test_the_example_works_as_it_stands(here: World) -> None:
    lee, kim, _ = await three(here)
    lee.says("cover")
    text = (await lee.gets("cover nights"))["text"]
    example = next(line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("To cover")).rstrip(".")
    lee.says(example)
    await lee.gets("You cover nights from Mon 2026-11-30 18:00 until Tue 2026-12-01 08:00", "instead of Dr. Kim")
    await kim.gets("The rota was changed")


@pytest.mark.parametrize("said", ["away with the fairies", "cover me please", "back pain", "on call tomorrow"])
async def test_other_sentences_are_not_taken_for_the_rota(here: World, said: str) -> None:
    lee = await here.clinician()
    lee.says(said)
    await lee.gets("/alerts: what is open")


async def test_who_is_away_cannot_cover_and_hears_why(here: World) -> None:
    lee, _, _ = await three(here)
    lee.says("away 2026-12-20 2026-12-27")
    await lee.gets("You are away", "until Mon 2026-12-28 00:00")
    lee.says("cover nights 2026-12-24 18:00 2026-12-25 08:00")
    await lee.gets("Who is away cannot cover", "Nothing was changed")
    lee.says("back")
    await lee.gets("You are not away any more from Sun 2026-12-20 00:00")


async def test_a_patient_who_types_it_is_a_patient(here: World) -> None:
    await three(here)
    sam = here.patient()
    sam.says("/oncall")
    assert "Dr. Lee" not in (await sam.gets())["text"]


async def test_the_longest_rota_fits_into_one_message(here: World) -> None:
    lee = await here.clinician("Dr. " + "Lee" * 12)
    now = here.clock.now()

    def work(tx: Transaction) -> None:
        row = clinicians.everyone(tx)[0]
        for number in range(rota.MOST_ROTATIONS):
            name = f"{number:02}".ljust(rota.LONGEST_NAME, "&")
            one = Rotation(name, (row.id,), timedelta(days=1), date(2026, 11, 23), time(8), PACIFIC, falls_to_next=True)
            rota.put(tx, one, actor="operator", now=now)
        for day in range(10):
            begins = now + timedelta(days=day)
            rota.leave(tx, rota.Absence(row.id, begins, begins + timedelta(hours=5)), actor="operator", now=now)

    await here.app.store.run(work)
    lee.says("/oncall")
    shown = await lee.gets("Gaps in the next 14 days", "and 110 more")
    assert len(shown["text"]) < 4096


async def test_an_emergency_pages_who_is_on_call_first_and_then_everybody(here: World) -> None:
    lee, kim, ana = await three(here)
    await here.passes(WEEK)
    sam = here.patient()
    sam.says("i want to kill myself")
    await sam.gets("988")
    await kim.gets("EMERGENCY · A-1")
    await here.passes(timedelta(minutes=5))
    for phone in (lee, kim, ana):
        await phone.gets("A-1 · page 2")
    kim.taps("Acknowledge")
    await lee.sees("Acknowledged by Dr. Kim")
    await sam.gets("has now seen")
    for phone in (lee, kim, ana, sam):
        await phone.gets_nothing()


async def test_a_gap_in_the_rota_is_an_alert_days_before_and_once_more_when_it_is_near(here: World) -> None:
    lee, kim, ana = await three(here, falls_to_next=False)
    await here.passes(timedelta(hours=1))
    for phone in (lee, kim, ana):
        await phone.gets_nothing()
    kim.says("away 2026-12-02 2026-12-03")
    await kim.gets("away")
    await here.passes(timedelta(hours=1))
    for phone in (lee, kim, ana):
        await phone.gets("SAME DAY · A-1", "Nobody is on call (O1)")
    lee.taps("Why")
    await lee.gets("In nights, nobody can be paged from Wed Dec 2, 00:00 until Fri Dec 4, 00:00")
    lee.taps("Acknowledge")
    await kim.sees("Acknowledged by Dr. Lee")
    await here.passes(timedelta(days=3))
    for phone in (lee, kim, ana):
        await phone.gets_nothing()
    await here.passes(timedelta(days=5))
    paged = [phone for phone in (lee, kim, ana) if phone.unread]
    assert paged == [kim]
    await kim.gets("URGENT · A-2")


async def test_a_gap_that_is_covered_in_time_is_no_alert(here: World) -> None:
    lee, kim, ana = await three(here, falls_to_next=False)
    kim.says("away 2026-12-02 2026-12-03")
    await kim.gets("away")
    lee.says("cover nights 2026-12-02 00:00 2026-12-04 00:00")
    await lee.gets("nights")
    await here.settled()
    for phone in (lee, kim, ana):
        while phone.unread:
            await phone.gets("nights")
    await here.passes(timedelta(hours=2))
    for phone in (lee, kim, ana):
        await phone.gets_nothing()
