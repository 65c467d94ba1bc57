"""The rota as it is kept: rotations, absences and covers, read as one value. Every change is audited."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import col, or_, select

from flows import rota
from flows.errors import TaperlineError
from flows.rota import Absence, Cover, Gap, Rota, Rotation
from storage import audit
from storage.database import Transaction, new_id
from storage.tables import AbsenceRow, ClinicianRow, CoverRow, RotationMemberRow, RotationRow

MOST_ROTATIONS = 12
LONGEST_NAME = 40
"""Characters of a rotation's name: with so many rotations, all of them fit into one message."""


class RotaError(TaperlineError):
    """A change of the rota that cannot be made; the text says why and what to do."""


def read(tx: Transaction, since: datetime) -> Rota:
    """The rota, without absences and covers that had ended by `since`."""
    members: dict[int, list[int]] = {}
    for member in tx.session.exec(select(RotationMemberRow).order_by(col(RotationMemberRow.place))):
        members.setdefault(member.rotation_id, []).append(member.clinician_id)
    kept = tx.session.exec(select(RotationRow).order_by(col(RotationRow.id)))
    absences = tx.session.exec(select(AbsenceRow).where(AbsenceRow.ends > since).order_by(col(AbsenceRow.id)))
    covers = tx.session.exec(select(CoverRow).where(CoverRow.ends > since).order_by(col(CoverRow.id)))
    no_page = or_(col(ClinicianRow.chat_sealed).is_(None), col(ClinicianRow.reachable).is_(False))
    return Rota(
        tuple(_rotation(row, tuple(members.get(row.id, ()))) for row in kept),
        tuple(Absence(row.clinician_id, row.begins, row.ends) for row in absences),
        tuple(Cover(row.rotation, row.clinician_id, row.begins, row.ends) for row in covers),
        frozenset(tx.session.exec(select(ClinicianRow.id).where(no_page))),
    )


def on_call_now(tx: Transaction, now: datetime) -> frozenset[int]:
    """The clinicians on call in any rotation who can be paged; empty when there is no rotation, or a gap in all."""
    found = read(tx, now)
    return frozenset(person for person in rota.on_call(found, now).values() if person is not None) - found.unreachable


def gaps(tx: Transaction, now: datetime, days: int) -> Sequence[Gap]:
    """The gaps of the next days, the first ones first."""
    return rota.gaps(read(tx, now), now, now + timedelta(days=days))


def by_name(tx: Transaction, name: str, now: datetime) -> str:
    """A rotation's name as it is kept. Raises RotaError, which lists those that there are."""
    names = read(tx, now).names
    wanted = " ".join(name.split()).casefold()
    for known in names:
        if known.casefold() == wanted:
            return known
    listed = f"There are: {', '.join(names)}." if names else "There is none yet: `taperline rota set --help` tells how."
    raise RotaError(f"There is no rotation called {name}. {listed}")


def put(tx: Transaction, rotation: Rotation, *, actor: str, now: datetime) -> None:
    """Keep a rotation. It takes the place of what it has of that name from its first hand-over on. Raises RotaError."""
    known = {name.casefold(): name for name in read(tx, now).names}
    name = known.get(rotation.name.casefold(), rotation.name)
    if not name.isprintable() or not name.strip() or len(name) > LONGEST_NAME:
        raise RotaError(f"A rotation needs a name of at most {LONGEST_NAME} letters, such as nights.")
    if name not in known.values() and len(known) >= MOST_ROTATIONS:
        raise RotaError(f"There are {MOST_ROTATIONS} rotations already, which is as many as fit. Remove one first.")
    for row in tx.session.exec(select(RotationRow).where(RotationRow.name == name)).all():
        if _rotation(row, ()).begins() >= rotation.begins():
            _delete(tx, row)
    row_id = new_id()
    hours = int(rotation.every / timedelta(hours=1))
    tx.session.add(
        RotationRow(
            id=row_id,
            name=name,
            every_hours=hours,
            first=rotation.first,
            hand_over=rotation.hand_over,
            zone=rotation.zone,
            falls_to_next=rotation.falls_to_next,
        )
    )
    tx.session.flush()
    for place, clinician in enumerate(rotation.people):
        tx.session.add(RotationMemberRow(rotation_id=row_id, place=place, clinician_id=clinician))
    tx.session.flush()
    order = ", ".join(map(str, rotation.people))
    audit.note(tx, actor, "set rotation", f"rotation:{row_id}", now=now, reason=f"{name}: {order}; {hours} hours each")


def remove(tx: Transaction, name: str, *, actor: str, now: datetime) -> str:
    """Take a rotation away with its covers. Returns its name as it was kept. Raises RotaError."""
    name = by_name(tx, name, now)
    for row in tx.session.exec(select(RotationRow).where(RotationRow.name == name)).all():
        _delete(tx, row)
        audit.note(tx, actor, "remove rotation", f"rotation:{row.id}", now=now, reason=name)
    for cover in tx.session.exec(select(CoverRow).where(CoverRow.rotation == name)).all():
        tx.session.delete(cover)
    tx.session.flush()
    return name


def take(tx: Transaction, cover: Cover, *, actor: str, now: datetime) -> None:
    """Keep a cover. Raises RotaError when its clinician is away in the stretch."""
    for away in read(tx, now).absences:
        if away.clinician == cover.clinician and away.begins < cover.ends and cover.begins < away.ends:
            raise RotaError("Who is away cannot cover. End the absence first, or choose another stretch.")
    row_id = new_id()
    tx.session.add(
        CoverRow(id=row_id, rotation=cover.rotation, clinician_id=cover.clinician, begins=cover.begins, ends=cover.ends)
    )
    tx.session.flush()
    reason = f"{cover.rotation}, {cover.begins.isoformat()} to {cover.ends.isoformat()}"
    audit.note(tx, actor, "cover", f"clinician:{cover.clinician}", now=now, reason=reason)


def leave(tx: Transaction, absence: Absence, *, actor: str, now: datetime) -> None:
    """Keep an absence."""
    tx.session.add(AbsenceRow(id=new_id(), clinician_id=absence.clinician, begins=absence.begins, ends=absence.ends))
    tx.session.flush()
    reason = f"{absence.begins.isoformat()} to {absence.ends.isoformat()}"
    audit.note(tx, actor, "away", f"clinician:{absence.clinician}", now=now, reason=reason)


def come_back(tx: Transaction, clinician: int, *, actor: str, now: datetime) -> Sequence[Absence]:
    """End what keeps a clinician away now; when nothing does, take back what is planned. Returns what was ended."""
    query = select(AbsenceRow).where(AbsenceRow.clinician_id == clinician, AbsenceRow.ends > now)
    rows = tx.session.exec(query.order_by(col(AbsenceRow.begins))).all()
    ended = [row for row in rows if row.begins <= now] or rows
    found = [Absence(row.clinician_id, row.begins, row.ends) for row in ended]
    for row in ended:
        if row.begins < now:
            row.ends = now
            tx.session.add(row)
        else:
            tx.session.delete(row)
    tx.session.flush()
    if found:
        reason = ", ".join(f"{away.begins.isoformat()} to {away.ends.isoformat()}" for away in found)
        audit.note(tx, actor, "back", f"clinician:{clinician}", now=now, reason=reason)
    return found


def _rotation(row: RotationRow, people: tuple[int, ...]) -> Rotation:
    every = timedelta(hours=row.every_hours)
    return Rotation(row.name, people, every, row.first, row.hand_over, row.zone, row.falls_to_next)


def _delete(tx: Transaction, row: RotationRow) -> None:
    for member in tx.session.exec(select(RotationMemberRow).where(RotationMemberRow.rotation_id == row.id)).all():
        tx.session.delete(member)
    tx.session.flush()
    tx.session.delete(row)
    tx.session.flush()
