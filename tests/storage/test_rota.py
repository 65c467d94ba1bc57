"""The rota as it is kept: read as one value, changed with an audit line, and who of it can be paged."""

from datetime import date, datetime, time, timedelta

import pytest

from flows.escalation import Role
from flows.rota import Absence, Cover, Gap, Rota, Rotation
from storage import audit, clinicians, rota
from storage.clinicians import NoSuchClinicianError
from storage.database import Store, Transaction
from storage.rota import MOST_ROTATIONS, RotaError
from tests.storage.parts import NOW, ZONE, add_clinician, do

pytestmark = pytest.mark.both_databases

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
ACTOR = "operator"


def rotation(*people: int, name: str = "nights", first: date = date(2026, 3, 2), every: timedelta = WEEK) -> Rotation:
    """A rotation whose first shift begins an hour before NOW."""
    return Rotation(name, people, every, first, time(8), ZONE)


def put(store: Store, *rotations: Rotation) -> None:
    for one in rotations:
        do(store, lambda tx, one=one: rota.put(tx, one, actor=ACTOR, now=NOW))  # type: ignore[misc]


def people(store: Store) -> tuple[int, int, int]:
    """Dr. Lee, Dr. Kim and Ana, who can be paged."""
    names = {"Dr. Lee": Role.PHYSICIAN, "Dr. Kim": Role.PHYSICIAN, "Ana": Role.STAFF}
    lee, kim, ana = (
        do(store, lambda tx, n=number, name=name: add_clinician(tx, n, names[name], name))  # type: ignore[misc]
        for number, name in enumerate(names, start=900)
    )
    return lee, kim, ana


def read(store: Store, since: datetime = NOW) -> Rota:
    return do(store, lambda tx: rota.read(tx, since))


def on_call(store: Store, now: datetime = NOW) -> frozenset[int]:
    return do(store, lambda tx: rota.on_call_now(tx, now))


def away(store: Store, clinician: int, begins: datetime, ends: datetime) -> None:
    do(store, lambda tx: rota.leave(tx, Absence(clinician, begins, ends), actor=ACTOR, now=NOW))


def trail(store: Store) -> list[tuple[str, str, str]]:
    return [(line.actor, line.action, line.subject.split(":")[0]) for line in do(store, audit.lines)]


def block(store: Store, clinician: int) -> None:
    def work(tx: Transaction) -> None:
        row = next(row for row in clinicians.everyone(tx) if row.id == clinician)
        row.reachable = False
        tx.session.add(row)

    do(store, work)


def test_what_is_put_is_read_again(store: Store) -> None:
    lee, kim, ana = people(store)
    nights, days = rotation(lee, kim, lee), rotation(name="days", every=12 * HOUR)
    put(store, nights, days)
    absence, cover = Absence(kim, NOW, NOW + DAY), Cover("nights", ana, NOW + HOUR, NOW + DAY)
    away(store, kim, NOW, NOW + DAY)
    do(store, lambda tx: rota.take(tx, cover, actor="clinician:1", now=NOW))
    assert read(store) == Rota((nights, days), (absence,), (cover,))
    assert read(store, NOW + DAY) == Rota((nights, days)), "what is over is not read"
    assert trail(store) == [
        *[("operator", "set rotation", "rotation")] * 2,
        ("operator", "away", "clinician"),
        ("clinician:1", "cover", "clinician"),
    ]


def test_without_a_rotation_nobody_is_on_call_so_that_pages_go_by_role(store: Store) -> None:
    people(store)
    assert on_call(store) == frozenset()
    assert do(store, lambda tx: rota.gaps(tx, NOW, 14)) == []


def test_who_is_on_call_now_is_who_can_be_paged_in_any_rotation(store: Store) -> None:
    lee, kim, ana = people(store)
    put(store, rotation(lee, kim), rotation(ana, lee, name="desk"))
    assert on_call(store) == {lee, ana}
    assert on_call(store, NOW + WEEK) == {kim, lee}
    block(store, lee)
    assert on_call(store) == {ana}
    assert read(store).unreachable == {lee}


def test_who_has_no_chat_or_blocked_the_bot_is_a_gap(store: Store) -> None:
    lee, _, ana = people(store)
    do(store, lambda tx: clinicians.invite(tx, "New", Role.STAFF, now=NOW))
    new = do(store, lambda tx: clinicians.by_name(tx, "New").id)
    put(store, rotation(lee, new, ana))
    block(store, ana)
    begins = rotation().begins
    assert do(store, lambda tx: rota.gaps(tx, NOW, 14)) == [
        Gap("nights", begins(1), begins(2), new),
        Gap("nights", begins(2), NOW + 14 * DAY, ana),
    ]


def test_all_away_is_a_gap(store: Store) -> None:
    lee, kim, _ = people(store)
    put(store, rotation(lee, kim))
    for clinician, ends in ((lee, NOW + 3 * DAY), (kim, NOW + 2 * DAY)):
        away(store, clinician, NOW + DAY, ends)
    assert do(store, lambda tx: rota.gaps(tx, NOW, 14)) == [Gap("nights", NOW + DAY, NOW + 2 * DAY, None)]
    assert do(store, lambda tx: rota.gaps(tx, NOW, 1)) == []
    assert on_call(store, NOW + DAY) == frozenset()


def test_a_rotation_that_is_set_again_takes_the_place_of_the_old_one_from_its_first_shift_on(store: Store) -> None:
    lee, kim, ana = people(store)
    old, later = rotation(lee), rotation(kim, first=date(2026, 3, 9))
    put(store, old, later)
    assert read(store).rotations == (old, later)
    assert (on_call(store), on_call(store, NOW + WEEK)) == ({lee}, {kim})
    sooner = rotation(ana, name="NIGHTS", first=date(2026, 3, 5))
    put(store, sooner)
    assert [(one.name, one.people) for one in read(store).rotations] == [("nights", (lee,)), ("nights", (ana,))]
    put(store, rotation(kim))
    assert [one.people for one in read(store).rotations] == [(kim,)]


def test_a_rotation_that_is_removed_is_gone_with_its_covers(store: Store) -> None:
    lee, kim, _ = people(store)
    put(store, rotation(lee), rotation(kim, name="days"))
    for name in ("nights", "days"):
        cover = Cover(name, kim, NOW, NOW + DAY)
        do(store, lambda tx, cover=cover: rota.take(tx, cover, actor=ACTOR, now=NOW))  # type: ignore[misc]
    assert do(store, lambda tx: rota.remove(tx, " Nights ", actor=ACTOR, now=NOW)) == "nights"
    found = read(store)
    assert found.names == ["days"]
    assert [cover.rotation for cover in found.covers] == ["days"]
    assert trail(store)[-1] == ("operator", "remove rotation", "rotation")
    with pytest.raises(RotaError, match=r"no rotation called nights\. There are: days"):
        do(store, lambda tx: rota.remove(tx, "nights", actor=ACTOR, now=NOW))


def test_a_name_that_no_rotation_has_is_refused_when_there_is_none(store: Store) -> None:
    with pytest.raises(RotaError, match="There is none yet: `taperline rota set"):
        do(store, lambda tx: rota.by_name(tx, "nights", NOW))


@pytest.mark.parametrize("name", ["", "n" * 41, "a\nb"])
def test_a_rotation_needs_a_name_that_can_be_shown(store: Store, name: str) -> None:
    with pytest.raises(RotaError, match="needs a name"):
        put(store, rotation(name=name))


def test_more_rotations_than_fit_into_a_message_are_refused_and_those_there_can_be_changed(store: Store) -> None:
    put(store, *(rotation(name=f"r{number}") for number in range(MOST_ROTATIONS)))
    with pytest.raises(RotaError, match="12 rotations already"):
        put(store, rotation(name="one more"))
    put(store, rotation(name="r3", every=DAY))
    assert len(read(store).names) == MOST_ROTATIONS


def test_who_is_away_cannot_cover(store: Store) -> None:
    lee, kim, _ = people(store)
    put(store, rotation(lee))
    away(store, kim, NOW + DAY, NOW + 2 * DAY)
    overlapping = Cover("nights", kim, NOW, NOW + DAY + HOUR)
    with pytest.raises(RotaError, match="Who is away cannot cover"):
        do(store, lambda tx: rota.take(tx, overlapping, actor=ACTOR, now=NOW))
    assert read(store).covers == ()
    before = Cover("nights", kim, NOW, NOW + DAY)
    do(store, lambda tx: rota.take(tx, before, actor=ACTOR, now=NOW))
    assert on_call(store) == {kim}


def test_back_ends_what_keeps_away_now_and_then_takes_back_what_is_planned(store: Store) -> None:
    lee, kim, _ = people(store)
    running, planned, other = (NOW - DAY, NOW + DAY), (NOW + 9 * DAY, NOW + 10 * DAY), (NOW - HOUR, NOW + HOUR)
    for clinician, stretch in ((lee, running), (lee, planned), (kim, other)):
        away(store, clinician, *stretch)

    def back(now: datetime) -> list[Absence]:
        return list(do(store, lambda tx: rota.come_back(tx, lee, actor=ACTOR, now=now)))

    assert back(NOW) == [Absence(lee, *running)]
    assert read(store).absences == (Absence(lee, *planned), Absence(kim, *other))
    assert read(store, NOW - HOUR).absences[0] == Absence(lee, NOW - DAY, NOW), "that they were away is kept"
    assert back(NOW) == [Absence(lee, *planned)]
    assert read(store).absences == (Absence(kim, *other),)
    noted = len(trail(store))
    assert back(NOW) == []
    assert len(trail(store)) == noted


def test_a_clinician_is_found_by_name_or_number(store: Store) -> None:
    lee, kim, ana = people(store)

    def find(name: str) -> int:
        return do(store, lambda tx: clinicians.by_name(tx, name).id)

    assert [find("Dr. Lee"), find("  dr.   KIM "), find(str(ana))] == [lee, kim, ana]
    with pytest.raises(NoSuchClinicianError, match=r"no clinician called Dr. Lim. There are: Dr. Lee, Dr. Kim, Ana"):
        find("Dr. Lim")
    do(store, lambda tx: clinicians.invite(tx, "Ana", Role.STAFF, now=NOW))
    assert find("Ana") == ana, "an invitation that nobody opened is no second Ana"
    other = do(store, lambda tx: add_clinician(tx, 950, Role.STAFF, "Ana"))
    with pytest.raises(NoSuchClinicianError, match=f"More than one clinician is called Ana.*{ana} or {other}"):
        find("Ana")


def test_without_clinicians_the_remedy_is_to_add_one(store: Store) -> None:
    with pytest.raises(NoSuchClinicianError, match="There is none yet: add one with `taperline clinician add`"):
        do(store, lambda tx: clinicians.by_name(tx, "Ana"))


def test_why_a_page_does_not_reach_somebody_is_told(store: Store) -> None:
    lee, _, _ = people(store)
    block(store, lee)
    do(store, lambda tx: clinicians.invite(tx, "New", Role.STAFF, now=NOW))

    def told(now: datetime) -> list[str]:
        return do(store, lambda tx: [clinicians.reachability(row, now) for row in clinicians.everyone(tx)])

    assert told(NOW) == ["no, blocked the bot", "yes", "yes", "no, has not opened the invitation"]
    assert told(NOW + 4 * DAY)[-1] == "no, the invitation is too old: add them again"
