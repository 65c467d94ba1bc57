"""`taperline rota`: the rotations, who covers and who is away, at the keyboard of whoever runs the machine."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot import app
from bot.on_call import DAYS, OnCall
from bot.render import Renderer
from bot.settings import read_settings
from flows import catalogue
from flows import rota as duty
from flows.rota import Absence, Change, Cover, Gap, Rota, Rotation
from flows.stretches import (
    LONGEST,
    WEEKDAYS,
    NotUnderstoodError,
    day,
    hand_over,
    latest,
    length,
    spoken,
    stretch,
)
from storage import clinicians
from storage import rota as kept
from storage.database import Transaction

rota = typer.Typer(
    no_args_is_help=True,
    help="On call: people take turns, cover for each other, and are away.",
    epilog='Times are those of the clinic: 2026-12-24, or "2026-12-24 18:00". A date alone means the whole day.',
)
Result = TypeVar("Result")
OPERATOR = "operator"
WEEK = timedelta(weeks=1)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The rotation, such as nights.")]
Person = Annotated[
    str, typer.Argument(metavar="CLINICIAN", help="The clinician, as `taperline clinician list` shows them.")
]
Begin = Annotated[str, typer.Argument(metavar="FROM", help='2026-12-24 or "2026-12-24 18:00".')]
End = Annotated[str, typer.Argument(metavar="UNTIL", help="The same. A date alone is included.")]


@rota.command("set")
def set_(
    name: Name,
    people: Annotated[
        list[str], typer.Argument(metavar="CLINICIAN...", help="The clinicians, in the order of their turns.")
    ],
    *,
    every: Annotated[
        str, typer.Option(metavar="LENGTH", help="How long a shift is: day, week, 2 weeks, 12 hours.")
    ] = "week",
    at: Annotated[
        str | None,
        typer.Option(
            "--hand-over",
            metavar="TIME",
            help='When shifts change, by the clinic\'s clocks: "mon 08:00", "17:30". Else 08:00, weeks on Monday.',
        ),
    ] = None,
    begins: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="The day of the first shift. Without it: the one that runs now."),
    ] = None,
    falls_to_next: Annotated[
        bool,
        typer.Option(
            "--falls-to-next/--stays-empty",
            help="Whether the shift of somebody who is away falls to the next in the order.",
        ),
    ] = True,
) -> None:
    """Make a rotation, or change one: from its first shift on it takes the place of the one with this name.

    The first of the people has the first shift. Example:
    taperline rota set nights "Dr. Lee" "Dr. Kim" Ana --every week --hand-over "mon 08:00"
    """

    def work(tx: Transaction, desk: OnCall, now: datetime) -> None:
        zone = desk.catalogue.clinic.zone
        shift = length(every)
        weekday, clock = hand_over(at or ("08:00" if shift % WEEK else "mon 08:00"))
        first = latest(weekday, clock, zone, now=now) if begins is None else day(begins)
        if weekday not in {None, first.weekday()}:
            back = timedelta(days=(first.weekday() - (weekday or 0)) % 7)
            raise NotUnderstoodError(
                f"{first} is a {WEEKDAYS[first.weekday()]}, and the hand-over is on {WEEKDAYS[weekday or 0]}s. "
                f"Give {first - back} or {first - back + timedelta(days=7)}."
            )
        order = tuple(clinicians.by_name(tx, person).id for person in people)
        rotation = Rotation(" ".join(name.split()), order, shift, first, clock, zone, falls_to_next)
        if rotation.begins() > now + LONGEST:
            raise NotUnderstoodError(f"{first} is more than a year ahead. Check the year.")
        until = max(now, rotation.begins()) + timedelta(days=DAYS)
        desk.changing(tx, lambda: kept.put(tx, rotation, actor=OPERATOR, now=now), until, by=None, now=now)
        _say(f"{rotation.name} begins {spoken(rotation.begins(), zone)}. The length of a shift: {every}.")
        _print(tx, desk, now, DAYS)

    _with_rota(work)


@rota.command()
def remove(name: Name) -> None:
    """Take a rotation away, with its covers. Pages then go by role, unless another rotation is left."""

    def work(tx: Transaction, desk: OnCall, now: datetime) -> None:
        until = now + timedelta(days=DAYS)
        desk.changing(
            tx, lambda: _say(f"{kept.remove(tx, name, actor=OPERATOR, now=now)} is gone."), until, by=None, now=now
        )

    _with_rota(work)


@rota.command()
def show(
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days ahead.")] = DAYS,
) -> None:
    """Show who is on call when, who is away, and the gaps: times in which nobody can be paged."""
    _with_rota(lambda tx, desk, now: _print(tx, desk, now, days))


@rota.command()
def cover(name: Name, person: Person, begins: Begin, ends: End) -> None:
    """Let somebody take a stretch of a rotation. The newest cover wins; a swap is two covers.

    Example: taperline rota cover nights "Dr. Kim" "2026-12-24 18:00" "2026-12-25 08:00"
    """

    def work(tx: Transaction, desk: OnCall, now: datetime) -> None:
        zone = desk.catalogue.clinic.zone
        found, clinician = stretch(begins, ends, zone, now=now), clinicians.by_name(tx, person)
        taken = Cover(kept.by_name(tx, name, now), clinician.id, found.begins, found.ends)
        changed = desk.changing(tx, lambda: kept.take(tx, taken, actor=OPERATOR, now=now), found.ends, by=None, now=now)
        who = clinicians.name_of(tx, clinician.id)
        _say(f"{who} covers {taken.rotation} from {spoken(found.begins, zone)} until {spoken(found.ends, zone)}.")
        _tell(tx, changed, zone)

    _with_rota(work)


@rota.command()
def away(person: Person, begins: Begin, ends: End) -> None:
    """Note that somebody is away. Their shifts fall to the next in the order, unless the rotation says otherwise.

    Example: taperline rota away "Dr. Lee" 2026-12-20 2026-12-27
    """

    def work(tx: Transaction, desk: OnCall, now: datetime) -> None:
        zone = desk.catalogue.clinic.zone
        found, clinician = stretch(begins, ends, zone, now=now), clinicians.by_name(tx, person)
        absence = Absence(clinician.id, found.begins, found.ends)
        changed = desk.changing(
            tx, lambda: kept.leave(tx, absence, actor=OPERATOR, now=now), found.ends, by=None, now=now
        )
        _say(_away(tx, absence, zone))
        _tell(tx, changed, zone)

    _with_rota(work)


@rota.command()
def back(person: Person) -> None:
    """End somebody's absence. When nothing keeps them away now, what is planned is taken back."""

    def work(tx: Transaction, desk: OnCall, now: datetime) -> None:
        clinician, zone = clinicians.by_name(tx, person), desk.catalogue.clinic.zone
        who, ended = clinicians.name_of(tx, clinician.id), list[Absence]()
        last = max((one.ends for one in kept.read(tx, now).absences if one.clinician == clinician.id), default=now)
        changed = desk.changing(
            tx,
            lambda: ended.extend(kept.come_back(tx, clinician.id, actor=OPERATOR, now=now)),
            last,
            by=None,
            now=now,
        )
        for one in ended:
            _say(f"{who} is not away any more from {spoken(one.begins, zone)} until {spoken(one.ends, zone)}.")
        if not ended:
            _say(f"{who} was not away, so nothing changes.")
        _tell(tx, changed, zone)

    _with_rota(work)


def _with_rota(work: Callable[[Transaction, OnCall, datetime], Result]) -> Result:
    """Do the work in one transaction, with the clinic's words for those whom it concerns."""
    settings = read_settings()
    content = catalogue.load(*([settings.content_dir] if settings.content_dir is not None else []))
    desk = OnCall(content, Renderer(content, settings.content_dir))
    store = app.open_memory(settings)
    try:
        return store.submit(lambda tx: work(tx, desk, datetime.now(UTC))).result()
    finally:
        store.close()


def _print(tx: Transaction, desk: OnCall, now: datetime, days: int) -> None:
    """The shifts as a table, and in words who is away and where the gaps are."""
    found, until, zone = kept.read(tx, now), now + timedelta(days=days), desk.catalogue.clinic.zone
    if not found.rotations:
        _say("There is no rota yet, so pages go by role. Make one: taperline rota set --help")
        return
    table = Table("Rotation", "From", "Until", "On call")
    for name in found.names:
        for shift in duty.shifts(found, name, now, until):
            table.add_row(
                escape(name), spoken(shift.begins, zone), spoken(shift.ends, zone), escape(_on_call(tx, found, shift))
            )
    Console().print(table)
    for rotation in found.rotations:
        if rotation.begins() >= until:
            _say(f"{rotation.name} begins {spoken(rotation.begins(), zone)}.")
    for absence in found.absences:
        _say(_away(tx, absence, zone))
    gaps = duty.gaps(found, now, until)
    for gap in gaps:
        _say(_gap(tx, gap, zone))
    if not gaps:
        _say(f"No gaps in the next {days} days.")


def _on_call(tx: Transaction, found: Rota, shift: duty.Shift) -> str:
    if shift.clinician is None:
        return "NOBODY"
    instead = f", for {clinicians.name_of(tx, shift.turn)}" if shift.turn not in {None, shift.clinician} else ""
    lost = " (cannot be paged)" if shift.clinician in found.unreachable else ""
    return f"{clinicians.name_of(tx, shift.clinician)}{instead}{lost}"


def _gap(tx: Transaction, gap: Gap, zone: str) -> str:
    when = f"from {spoken(gap.begins, zone)} until {spoken(gap.ends, zone)}"
    if gap.clinician is None:
        return f"Gap: nobody is on call in {gap.rotation} {when}. Let somebody cover: taperline rota cover --help"
    who = clinicians.name_of(tx, gap.clinician)
    return f"Gap: {who} is on call in {gap.rotation} {when}, and cannot be paged. See taperline clinician list"


def _away(tx: Transaction, absence: Absence, zone: str) -> str:
    who = clinicians.name_of(tx, absence.clinician)
    return f"{who} is away from {spoken(absence.begins, zone)} until {spoken(absence.ends, zone)}."


def _tell(tx: Transaction, changed: Sequence[Change], zone: str) -> None:
    """Who is on call instead of whom. They are told in Telegram too."""
    for change in changed:
        before, after = (
            "nobody" if one is None else clinicians.name_of(tx, one) for one in (change.before, change.after)
        )
        when = f"{spoken(change.begins, zone)} to {spoken(change.ends, zone)}"
        _say(f"{change.rotation}, {when}: {after} instead of {before}.")
    if not changed:
        _say("Nobody else is on call by that.")


def _say(words: str) -> None:
    typer.echo(words)
