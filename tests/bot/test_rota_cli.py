"""`taperline rota` and `taperline clinician list`: what they say and keep, and how they refuse."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from bot.app import open_memory
from bot.cli import cli
from bot.settings import read_settings
from flows.errors import TaperlineError
from flows.escalation import Role
from flows.rota import Rota, Rotation
from storage import audit, clinicians, outbox, rota
from storage.clinicians import NoSuchClinicianError
from storage.database import Transaction

Run = Callable[..., str]
TODAY = datetime.now(ZoneInfo("America/Los_Angeles")).date()
DAY = timedelta(days=1)
SOON, LATER = str(TODAY + 2 * DAY), str(TODAY + 3 * DAY)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command as an operator of a clinic with Dr. Lee, Dr. Kim and Ana, and return what it prints."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/taperline.db")
    monkeypatch.setenv("COLUMNS", "140")

    def invoke(*arguments: str) -> str:
        done = CliRunner().invoke(cli, arguments)
        if isinstance(done.exception, TaperlineError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    def add(tx: Transaction) -> None:
        now = datetime.now(UTC)
        for chat, name in enumerate(("Dr. Lee", "Dr. Kim", "Ana"), start=900):
            assert clinicians.accept(tx, clinicians.invite(tx, name, Role.PHYSICIAN, now=now), chat, now=now)

    in_memory(add)
    return invoke


def in_memory(work: Callable[[Transaction], object]) -> object:
    store = open_memory(read_settings())
    try:
        return store.submit(work).result()
    finally:
        store.close()


def kept() -> Rota:
    found = in_memory(lambda tx: rota.read(tx, datetime.now(UTC)))
    assert isinstance(found, Rota)
    return found


def nights(run: Run, *more: str) -> str:
    return run("rota", "set", "nights", "Dr. Lee", "dr. kim", "Ana", *more)


def test_a_rotation_is_set_shown_and_removed(run: Run) -> None:
    said = nights(run, "--every", "week", "--hand-over", "mon 08:00")
    assert "nights begins Mon" in said
    assert "No gaps in the next 14 days" in said
    [rotation] = kept().rotations
    assert rotation.every == timedelta(weeks=1)
    assert rotation.first.weekday() == 0
    assert rotation.begins() <= datetime.now(UTC) < rotation.begins(1), "the shift that runs now is the first"
    shown = run("rota", "show", "--days", "30")
    assert [name for line in shown.splitlines() for name in ("Dr. Lee", "Dr. Kim", "Ana") if name in line][:3] == [
        "Dr. Lee",
        "Dr. Kim",
        "Ana",
    ]
    assert "08:00" in shown
    assert "nights is gone" in run("rota", "remove", "Nights")
    assert "There is no rota yet, so pages go by role" in run("rota", "show")


def test_a_cover_and_an_absence_say_who_is_on_call_instead(run: Run) -> None:
    run("rota", "set", "days", "Dr. Lee", "Dr. Kim", "--every", "day", "--hand-over", "00:00", "--from", SOON)
    said = run("rota", "cover", "days", "Ana", f"{SOON} 18:00", f"{SOON} 20:00")
    assert f"{SOON} 18:00 until" in said
    assert "Ana instead of Dr. Lee" in said
    assert "Ana, for Dr. Lee" in run("rota", "show")
    said = run("rota", "away", "Dr. Lee", SOON, SOON)
    assert f"Dr. Lee is away from {datetime.fromisoformat(SOON):%a} {SOON} 00:00 until" in said
    assert said.count("Dr. Kim instead of Dr. Lee") == 2
    assert "Dr. Lee is away" in run("rota", "show")
    assert "Dr. Lee is not away any more" in run("rota", "back", "Dr. Lee")
    assert "Dr. Lee was not away" in run("rota", "back", "Dr. Lee")
    assert "Nobody else is on call by that" in run("rota", "away", "Dr. Kim", SOON, SOON)
    found = in_memory(lambda tx: [line.action for line in audit.lines(tx) if line.actor == "operator"])
    assert found == ["set rotation", "cover", "away", "back", "away"]


def test_whom_a_change_concerns_is_told_in_telegram(run: Run) -> None:
    run("rota", "set", "days", "Dr. Kim", "--every", "day")
    letters = in_memory(lambda tx: outbox.claim(tx, now=datetime.now(UTC), limit=9))
    assert isinstance(letters, list)
    [letter] = letters
    assert letter.chat_id == 901
    assert "The rota was changed</b> (Taperline Clinic)" in letter.parameters["text"]
    assert "Dr. Kim instead of nobody" in letter.parameters["text"]


def test_gaps_are_told_in_words(run: Run) -> None:
    run("clinician", "add", "New", "--role", "staff")
    said = run("rota", "set", "days", "New", "Ana", "--every", "day", "--stays-empty")
    assert "New (cannot be paged)" in said
    assert "Gap: New is on call in days from" in said
    said = run("rota", "away", "Ana", str(TODAY), str(TODAY + 20 * DAY))
    assert "nobody instead of Ana" in said
    shown = run("rota", "show")
    assert "NOBODY" in shown
    assert "Gap: nobody is on call in days from" in shown


def test_the_people_are_listed_with_who_is_on_call(run: Run) -> None:
    nights(run)
    run("clinician", "add", "New", "--role", "staff")
    lines = run("clinician", "list").splitlines()
    [lee] = [line for line in lines if "Dr. Lee" in line]
    [kim] = [line for line in lines if "Dr. Kim" in line]
    [new] = [line for line in lines if "New" in line]
    assert lee.count("yes") == 2
    assert kim.count("yes") == 1
    assert "has not opened the invitation" in new


def test_a_clinic_without_people_is_told_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/taperline.db")
    assert "taperline clinician add" in CliRunner().invoke(cli, ["clinician", "list"]).output


def test_a_rotation_of_days_begins_now_and_one_with_a_date_on_its_day(run: Run) -> None:
    run("rota", "set", "days", "Ana", "--every", "12 hours")
    [days] = kept().rotations
    assert days.begins() <= datetime.now(UTC) < days.begins(2)
    run("rota", "set", "days", "Dr. Lee", "--every", "day", "--from", LATER)
    assert [str(one.first) for one in kept().rotations] == [str(days.first), LATER]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("set", "days", "Dr. Lim"), "no clinician called Dr. Lim. There are: Dr. Lee, Dr. Kim, Ana"),
        (("set", "days", "Ana", "--every", "month"), "month is no length of a shift"),
        (("set", "days", "Ana", "--hand-over", "noon"), "noon is no time of a hand-over"),
        (("set", "days", "Ana", "--from", "soon"), "soon is no date"),
        (("set", "days", "Ana", "--from", "2099-01-05"), "more than a year ahead"),
        (("set", "days", "Ana", "--from", "2026-12-30", "--hand-over", "mon 08:00"), "2026-12-28 or 2027-01-04"),
        (("remove", "days"), "no rotation called days. There are: nights"),
        (("cover", "days", "Ana", SOON, SOON), "no rotation called days. There are: nights"),
        (("cover", "nights", "Bob", SOON, SOON), "no clinician called Bob"),
        (("cover", "nights", "Ana", LATER, SOON), "is not after"),
        (("away", "Ana", "2020-01-01", "2020-01-02"), "is over"),
        (("away", "Bob", SOON, SOON), "no clinician called Bob"),
        (("back", "Bob"), "no clinician called Bob"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_remedy_and_changes_nothing(
    run: Run, arguments: tuple[str, ...], words: str
) -> None:
    people = in_memory(lambda tx: tuple(row.id for row in clinicians.everyone(tx)))
    assert isinstance(people, tuple)
    nights = Rotation("nights", people, timedelta(weeks=1), TODAY - 7 * DAY, time(8), "America/Los_Angeles")
    in_memory(lambda tx: rota.put(tx, nights, actor="operator", now=datetime.now(UTC)))
    before = kept()
    with pytest.raises(TaperlineError) as refused:
        run("rota", *arguments)
    assert words in str(refused.value)
    assert kept().rotations == before.rotations
    assert (kept().absences, kept().covers) == ((), ())


def test_two_people_of_one_name_are_told_apart_by_their_number(run: Run) -> None:
    def add(tx: Transaction) -> int:
        now = datetime.now(UTC)
        row = clinicians.accept(tx, clinicians.invite(tx, "Ana", Role.STAFF, now=now), 950, now=now)
        assert row is not None
        return row.id

    number = in_memory(add)
    with pytest.raises(NoSuchClinicianError, match=str(number)):
        run("rota", "set", "days", "Ana")
    run("rota", "set", "days", str(number))
    assert kept().rotations[0].people == (number,)


@pytest.mark.parametrize("command", ["set", "remove", "show", "cover", "away", "back"])
def test_every_command_teaches(run: Run, command: str) -> None:
    assert len(run("rota", command, "--help")) > 200
