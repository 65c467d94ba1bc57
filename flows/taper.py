"""The recorded plan against the reported dose. For clinicians' eyes: no number from here reaches a patient."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from flows.items import Item
from flows.questionnaire import Questionnaire
from flows.values import Coding, Facts

DAILY_DOSE = Coding("daily-dose", "urn:taperline")
"""The code that marks a question for a day's total of the benzodiazepine, in milligrams."""

DAYS_AGO = "urn:taperline:days-ago"
"""The system of a second code on such a question: how many days before the check-in that day was. Without it, none."""

WINDOW = timedelta(days=14)

MATCHES = Decimal("0.1")
"""How far below the plan, as a fraction of it, a reported total may be and still count as the plan [D]."""


@dataclass(frozen=True, slots=True)
class DailyDose:
    """The total of one medicine that a patient reports for one day, in milligrams."""

    day: date
    milligrams: Decimal


@dataclass(frozen=True, slots=True)
class PlanStep:
    """What a physician recorded at a visit in person: a medicine by its generic name, and its milligrams a day.

    It holds from a day on, until the next step. A total of zero means that the taper is over.
    """

    medicine: str
    milligrams: Decimal
    begins: date


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a taper as they were recorded, in the order of their days."""

    steps: tuple[PlanStep, ...] = ()

    def on(self, day: date) -> PlanStep | None:
        """The step that holds on a day."""
        return next((step for step in reversed(self.steps) if step.begins <= day), None)

    def changed_since(self, first: date) -> bool:
        """Whether a step that lowers the total, or changes the medicine, began on this day or later."""
        return any(
            later.begins >= first and (later.medicine != earlier.medicine or later.milligrams < earlier.milligrams)
            for earlier, later in pairwise(self.steps)
        )

    def changed_medicine(self, first: date, last: date) -> bool:
        """Whether different medicines were planned between two days: then milligrams cannot be compared."""
        held = {step.medicine for step in (self.on(first), self.on(last)) if step is not None}
        held |= {step.medicine for step in self.steps if first <= step.begins <= last}
        return len(held) > 1


def reported_fall(doses: Iterable[DailyDose], *, today: date, plan: Plan | None = None) -> Decimal | None:
    """Fall of the latest reported total from the highest of the last 14 days, as a fraction (0.25 = a quarter).

    The highest is that of the reports, and of what was planned on those days. None when there is nothing to compare
    with, when nothing was taken before, when the latest total is what the plan says, and when the planned medicine
    changed in between: then only a physician can compare. Source: ASAM 2025, recommendation 6 (typically not over 25 %
    in two weeks).
    """
    plan = plan or Plan()
    known = (dose for dose in doses if today - WINDOW <= dose.day <= today)
    recent = sorted(known, key=lambda dose: dose.day)
    if plan.steps:  # what was taken before the plan may have been another medicine
        recent = [dose for dose in recent if plan.on(dose.day) is not None]
    if not recent or plan.changed_medicine(today - WINDOW, today):
        return None
    latest, planned = recent[-1], plan.on(recent[-1].day)
    if planned is not None and latest.milligrams >= planned.milligrams * (1 - MATCHES):
        return None
    compared = [dose.milligrams for dose in recent] + _planned(plan, latest.day)
    highest = max(compared)
    return (highest - latest.milligrams) / highest if len(compared) > 1 and highest > 0 else None


def below_plan(doses: Iterable[DailyDose], plan: Plan) -> Decimal | None:
    """How far the lowest of these totals is below what was planned for its day, as a fraction; None without a plan."""
    found = [1 - dose.milligrams / step.milligrams for dose, step in _compared(doses, plan)]
    return max(found, default=None)


def above_plan(doses: Iterable[DailyDose], plan: Plan) -> Decimal | None:
    """How far the highest of these totals is above what was planned for its day, as a fraction; None without a plan."""
    found = [dose.milligrams / step.milligrams - 1 for dose, step in _compared(doses, plan)]
    return max(found, default=None)


def dose_questions(questionnaire: Questionnaire) -> tuple[str, ...]:
    """The linkIds of the questions that ask for a day's total."""
    return tuple(item.link_id for item in questionnaire.walk() if DAILY_DOSE in item.codes)


def reported(questionnaire: Questionnaire, answers: Facts, *, day: date) -> tuple[DailyDose, ...]:
    """The totals that a set of answers, given on a day, reports for that day and the days before it."""
    found = []
    for item in questionnaire.walk() if answers else ():
        if DAILY_DOSE in item.codes:
            that_day = day - timedelta(days=_days_ago(item))
            given = [value for value in answers.get(item.link_id, ()) if isinstance(value, int | Decimal)]
            if len(given) == 1:  # milligrams of two medicines cannot be compared with each other
                found.append(DailyDose(that_day, Decimal(given[0])))
    return tuple(found)


def _days_ago(item: Item) -> int:
    return next((int(code.code) for code in item.codes if code.system == DAYS_AGO and code.code.isdecimal()), 0)


def _planned(plan: Plan, latest: date) -> list[Decimal]:
    """What was planned on each day of the window that ends on `latest`."""
    days = (latest - timedelta(days=back) for back in range(WINDOW.days + 1))
    return [step.milligrams for step in map(plan.on, days) if step is not None]


def _compared(doses: Iterable[DailyDose], plan: Plan) -> Sequence[tuple[DailyDose, PlanStep]]:
    """The totals of days for which the plan says how much."""
    pairs = [(dose, plan.on(dose.day)) for dose in doses]
    return [(dose, step) for dose, step in pairs if step is not None and step.milligrams > 0]
