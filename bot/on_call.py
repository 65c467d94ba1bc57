"""The rota in Telegram: who is on call, one's own absence, a stretch that one takes; and whom a change concerns."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.render import Rendered, Renderer
from flows import rota as duty
from flows.catalogue import Catalogue
from flows.rota import Absence, Change, Cover, Gap, Rota
from flows.schedule import local_date
from flows.stretches import MOMENT, NotUnderstoodError, spoken, stretch
from storage import clinicians, outbox, rota
from storage.database import Transaction
from storage.outbox import Urgency
from storage.rota import RotaError
from storage.tables import ClinicianRow

DAYS = 14
"""How far ahead gaps are looked for."""

MOST_LINES = 10

_STRETCH = rf"(?P<begins>{MOMENT})\s+(?:(?:to|until|till|-|–)\s+)?(?P<ends>{MOMENT})"
ON_CALL = re.compile(r"/?on[ -]?call(?:@\w+)?\??", re.IGNORECASE)
AWAY = re.compile(rf"/?away\s+(?:from\s+)?{_STRETCH}", re.IGNORECASE)
"""A clinician types `away 2026-12-20 2026-12-27`."""

COVER = re.compile(rf"/?cover\s+(?:(?P<name>.+?)\s+)?(?:from\s+)?{_STRETCH}", re.IGNORECASE)
"""A clinician types `cover nights 2026-12-24 18:00 2026-12-25 08:00`; with one rotation its name may be left out."""

BACK = re.compile(r"/?back(?:@\w+)?[.!]?", re.IGNORECASE)
ATTEMPT = re.compile(r"/?(?:away|cover)(?:@\w+)?(?:\s.*[0-9][-/.:][0-9].*)?", re.IGNORECASE)
"""What was meant for the rota; other sentences that begin so were not."""


@dataclass(frozen=True, slots=True)
class OnCall:
    """The clinicians' side of the rota. Everybody sees all of it, and changes only their own part of it."""

    catalogue: Catalogue
    renderer: Renderer

    def answer(self, tx: Transaction, clinician: ClinicianRow, text: str, *, now: datetime) -> Rendered | None:
        """Do what a clinician types about the rota, and say what was understood; None when it is something else."""
        said = " ".join(text.split())
        if ON_CALL.fullmatch(said):
            return self._shown(tx, now)
        if BACK.fullmatch(said):
            return self._back(tx, clinician, now)
        if not ATTEMPT.fullmatch(said):
            return None
        away, cover = AWAY.fullmatch(said), COVER.fullmatch(said)
        try:
            if away is not None:
                return self._away(tx, clinician, away, now)
            if cover is not None:
                return self._cover(tx, clinician, cover, now)
        except (NotUnderstoodError, RotaError) as error:
            return self._explained(tx, str(error), now)
        return self._explained(tx, "", now)

    def changing(
        self, tx: Transaction, change: Callable[[], None], until: datetime, *, by: int | None, now: datetime
    ) -> Sequence[Change]:
        """Change the rota, and write to everybody whom that puts on call or takes off, but not to who did it.

        Returns what is different from now until then.
        """
        before = rota.read(tx, now)
        change()
        changed = duty.changes(before, rota.read(tx, now), now, until)
        who = clinicians.name_of(tx, by) if by is not None else self.catalogue.clinic.name
        reachable = {colleague.id for colleague in clinicians.team(tx, now)} - {by}
        for person in sorted(reachable & {one for change in changed for one in (change.before, change.after)}):
            theirs = [change for change in changed if person in {change.before, change.after}]
            chat_id = clinicians.chat_of(tx, person)
            told = self._told(tx, "told", theirs, now, who=who)
            outbox.put(tx, chat_id, "sendMessage", told.parameters(chat_id), urgency=Urgency.REPLY, now=now)
        return changed

    def _shown(self, tx: Transaction, now: datetime) -> Rendered:
        found = rota.read(tx, now)
        rotations = [self._rotation(tx, found, name, now) for name in found.names]
        missing = duty.gaps(found, now, now + timedelta(days=DAYS))
        gaps = [self._line(tx, gap, who=gap.clinician) for gap in missing[:MOST_LINES]]
        return self.renderer.staff(
            "on_call", rotations=rotations, gaps=gaps, left_out=len(missing) - len(gaps), days=DAYS
        )

    def _rotation(self, tx: Transaction, found: Rota, name: str, now: datetime) -> Mapping[str, Any]:
        """Who is on call in a rotation, until when, and who is next."""
        begins = min(rotation.begins() for rotation in found.rotations if rotation.name == name)
        current = found.in_force(name, now)
        if current is None:
            return {"name": name, "begins": self._at(begins)}
        ahead = duty.shifts(found, name, now, now + max(timedelta(days=DAYS), 2 * current.every))
        clinician = ahead[0].clinician
        then = next((shift for shift in ahead if shift.clinician != clinician), None)
        return {
            "name": name,
            "begins": None,
            "who": self._name(tx, clinician),
            "until": None if then is None else self._at(then.begins),
            "next": None if then is None else self._name(tx, then.clinician),
        }

    def _away(self, tx: Transaction, clinician: ClinicianRow, said: re.Match[str], now: datetime) -> Rendered:
        found = stretch(said["begins"], said["ends"], self.catalogue.clinic.zone, now=now)
        absence, actor = Absence(clinician.id, found.begins, found.ends), f"clinician:{clinician.id}"
        changed = self.changing(
            tx, lambda: rota.leave(tx, absence, actor=actor, now=now), found.ends, by=clinician.id, now=now
        )
        mine = [change for change in changed if change.before == clinician.id]
        return self._told(tx, "away", mine, now, begins=self._at(found.begins), ends=self._at(found.ends))

    def _cover(self, tx: Transaction, clinician: ClinicianRow, said: re.Match[str], now: datetime) -> Rendered:
        names = rota.read(tx, now).names
        name = names[0] if said["name"] is None and len(names) == 1 else rota.by_name(tx, said["name"] or "", now)
        found = stretch(said["begins"], said["ends"], self.catalogue.clinic.zone, now=now)
        cover, actor = Cover(name, clinician.id, found.begins, found.ends), f"clinician:{clinician.id}"
        changed = self.changing(
            tx, lambda: rota.take(tx, cover, actor=actor, now=now), found.ends, by=clinician.id, now=now
        )
        stretched = {"rotation": name, "begins": self._at(found.begins), "ends": self._at(found.ends)}
        return self._told(tx, "cover", changed, now, **stretched)

    def _back(self, tx: Transaction, clinician: ClinicianRow, now: datetime) -> Rendered:
        ended: list[Absence] = []
        actor = f"clinician:{clinician.id}"
        last = max((away.ends for away in rota.read(tx, now).absences if away.clinician == clinician.id), default=now)
        changed = self.changing(
            tx,
            lambda: ended.extend(rota.come_back(tx, clinician.id, actor=actor, now=now)),
            last,
            by=clinician.id,
            now=now,
        )
        left = [away for away in rota.read(tx, now).absences if away.clinician == clinician.id]
        return self._told(
            tx,
            "back",
            [change for change in changed if change.after == clinician.id],
            now,
            ended=[self._stretch(away) for away in ended],
            left=[self._stretch(away) for away in left[:MOST_LINES]],
        )

    def _told(self, tx: Transaction, deed: str, changed: Sequence[Change], now: datetime, **context: Any) -> Rendered:
        """What was understood, and who is on call instead of whom."""
        unreachable = rota.read(tx, now).unreachable
        lines = [
            self._line(tx, change, who=change.after)
            | {"before": self._name(tx, change.before), "is_gap": change.after in {None, *unreachable}}
            for change in changed[:MOST_LINES]
        ]
        return self.renderer.staff(
            "rota_changed", deed=deed, changes=lines, left_out=len(changed) - len(lines), **context
        )

    def _explained(self, tx: Transaction, reason: str, now: datetime) -> Rendered:
        """Why something was not understood, with examples that would be."""
        day = local_date(now, self.catalogue.clinic.zone) + timedelta(days=7)
        names = rota.read(tx, now).names
        return self.renderer.staff(
            "rota_help",
            reason=reason,
            rotation=names[0] if names else "nights",
            begins=day.isoformat(),
            ends=(day + timedelta(days=1)).isoformat(),
        )

    def _line(self, tx: Transaction, piece: Gap | Change, *, who: int | None) -> dict[str, Any]:
        return {"rotation": piece.rotation, "who": self._name(tx, who), **self._stretch(piece)}

    def _stretch(self, piece: Gap | Change | Absence) -> dict[str, str]:
        return {"begins": self._at(piece.begins), "ends": self._at(piece.ends)}

    def _at(self, instant: datetime) -> str:
        return spoken(instant, self.catalogue.clinic.zone)

    def _name(self, tx: Transaction, clinician: int | None) -> str | None:
        return None if clinician is None else clinicians.name_of(tx, clinician)
