"""The rota: who is on call when. People take turns; who is away is passed over, and anybody may cover a stretch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import TypeVar

from flows.schedule import instant_of, local_time

MOST_SKIPPED = timedelta(hours=25)
"""More than any zone has ever moved its clocks by: Samoa left out a whole day."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """People (clinician ids) who take turns from the first hand-over on, until a later rotation of this name begins.

    Shifts are counted on the clocks of the zone, so the hand-over stays at its local time when the clocks change.
    """

    name: str
    people: tuple[int, ...]
    every: timedelta
    first: date
    hand_over: time
    zone: str
    falls_to_next: bool = True
    """Whether the shift of somebody who is away falls to the next in the order who is there."""

    def begins(self, number: int = 0) -> datetime:
        """The instant (UTC) at which shift `number` is handed over, counted from 0."""
        return instant_of(datetime.combine(self.first, self.hand_over) + number * self.every, self.zone)

    def number_at(self, instant: datetime) -> int:
        """The number of the last shift that had been handed over by this instant."""
        wall = local_time(instant, self.zone).replace(tzinfo=None)
        number = (wall - datetime.combine(self.first, self.hand_over) + MOST_SKIPPED) // self.every
        while self.begins(number) > instant:
            number -= 1
        return number

    def order_at(self, instant: datetime) -> tuple[int, ...]:
        """The people in the order in which they are asked: whose turn it is, then the others if it falls to them."""
        if not self.people:
            return ()
        turn = self.number_at(instant) % len(self.people)
        return self.people[turn:] + self.people[:turn] if self.falls_to_next else self.people[turn : turn + 1]


@dataclass(frozen=True, slots=True)
class Absence:
    """A clinician is away from `begins` until just before `ends`."""

    clinician: int
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Cover:
    """A clinician takes a stretch of a rotation. A swap is two of them."""

    rotation: str
    clinician: int
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Rota:
    """All of it. Later entries win: of rotations with one name the last that has begun, of covers the newest.

    `unreachable` are clinicians whom no page reaches: they have no chat, or they blocked the bot.
    """

    rotations: tuple[Rotation, ...] = ()
    absences: tuple[Absence, ...] = ()
    covers: tuple[Cover, ...] = ()
    unreachable: frozenset[int] = frozenset()

    @property
    def names(self) -> Sequence[str]:
        """The names of the rotations, in the order in which they begin."""
        return list(dict.fromkeys(rotation.name for rotation in self.rotations))

    def in_force(self, name: str, instant: datetime) -> Rotation | None:
        """The rotation of this name at an instant; None before the first has begun."""
        begun = (found for found in reversed(self.rotations) if found.name == name and found.begins() <= instant)
        return next(begun, None)

    def is_away(self, clinician: int, instant: datetime) -> bool:
        """Whether an absence holds."""
        return any(away.clinician == clinician and away.begins <= instant < away.ends for away in self.absences)


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of a rotation: who is on call, and whose turn it would be by the order. None is nobody."""

    rotation: str
    begins: datetime
    ends: datetime
    clinician: int | None
    turn: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which nobody can be paged: nobody is on call, or a clinician whom no page reaches."""

    rotation: str
    begins: datetime
    ends: datetime
    clinician: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch in which somebody else is on call than before."""

    rotation: str
    begins: datetime
    ends: datetime
    before: int | None
    after: int | None


Piece = TypeVar("Piece", Shift, Gap, Change)


def on_call(rota: Rota, instant: datetime) -> Mapping[str, int | None]:
    """Who is on call, by the name of each rotation that has begun; None where nobody is."""
    return {
        name: _duty(rota, found, instant)[0]
        for name in rota.names
        if (found := rota.in_force(name, instant)) is not None
    }


def shifts(rota: Rota, name: str, begins: datetime, ends: datetime) -> Sequence[Shift]:
    """The shifts of a rotation between two instants: without a hole, and none like the one before it.

    A rotation that begins only in between has no shifts before.
    """
    cuts = sorted({begins, *(cut for cut in _cuts(rota, name, begins, ends) if begins < cut < ends), ends})
    return _merged(
        Shift(name, start, end, *_duty(rota, rotation, start))
        for start, end in pairwise(cuts)
        if (rotation := rota.in_force(name, start)) is not None
    )


def gaps(rota: Rota, begins: datetime, ends: datetime) -> Sequence[Gap]:
    """The gaps of all rotations between two instants, the first ones first."""
    found = _merged(
        Gap(name, shift.begins, shift.ends, shift.clinician)
        for name in rota.names
        for shift in shifts(rota, name, begins, ends)
        if shift.clinician is None or shift.clinician in rota.unreachable
    )
    return sorted(found, key=lambda gap: gap.begins)


def changes(before: Rota, after: Rota, begins: datetime, ends: datetime) -> Sequence[Change]:
    """What is different between two instants, the first changes first."""
    found: list[Change] = []
    for name in dict.fromkeys((*before.names, *after.names)):
        old, new = shifts(before, name, begins, ends), shifts(after, name, begins, ends)
        cuts = sorted({cut for shift in (*old, *new) for cut in (shift.begins, shift.ends)})
        found += _merged(Change(name, start, end, _of(old, start), _of(new, start)) for start, end in pairwise(cuts))
    return sorted((change for change in found if change.before != change.after), key=lambda change: change.begins)


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces of time in their order, where neighbours that say the same are one."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if last is not None and replace(last, begins=last.ends, ends=piece.ends) == piece:
            found[-1] = replace(last, ends=piece.ends)
        else:
            found.append(piece)
    return found


def _duty(rota: Rota, rotation: Rotation, instant: datetime) -> tuple[int | None, int | None]:
    """Who is on call, and whose turn it is: the newest cover, else the order, and of both the first who is there."""
    covers = (
        cover.clinician
        for cover in reversed(rota.covers)
        if cover.rotation == rotation.name and cover.begins <= instant < cover.ends
    )
    order = rotation.order_at(instant)
    asked = (clinician for clinician in (*covers, *order) if not rota.is_away(clinician, instant))
    return next(asked, None), order[0] if order else None


def _cuts(rota: Rota, name: str, begins: datetime, ends: datetime) -> Iterable[datetime]:
    """Every instant at which somebody else may come on call."""
    for rotation in (rotation for rotation in rota.rotations if rotation.name == name):
        yield rotation.begins()
        number = rotation.number_at(begins)
        while (cut := rotation.begins(number)) < ends:
            yield cut
            number += 1
    for away in rota.absences:
        yield from (away.begins, away.ends)
    for cover in (cover for cover in rota.covers if cover.rotation == name):
        yield from (cover.begins, cover.ends)


def _of(found: Sequence[Shift], instant: datetime) -> int | None:
    return next((shift.clinician for shift in found if shift.begins <= instant < shift.ends), None)
