"""The recorded plan against the reported dose. For clinicians' eyes: no number from here reaches a patient."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from flows.questionnaire import Questionnaire
from flows.values import Coding, Facts

DAILY_DOSE = Coding("daily-dose", "urn:taperline")
"""The code that marks a question for the day's total of the benzodiazepine, in milligrams."""

WINDOW = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class DailyDose:
    """The total of one medicine that a patient reports for one day, in milligrams."""

    day: date
    milligrams: Decimal


def reported_fall(doses: Iterable[DailyDose], *, today: date) -> Decimal | None:
    """Fall of the latest reported total from the highest of the last 14 days, as a fraction (0.25 = a quarter).

    None when there are fewer than two reports to compare, or nothing was taken before. Source: ASAM 2025,
    recommendation 6 (typically not over 25 % in two weeks).
    """
    recent = sorted((dose for dose in doses if today - WINDOW <= dose.day <= today), key=lambda dose: dose.day)
    if len(recent) < 2:
        return None
    highest, latest = max(dose.milligrams for dose in recent), recent[-1].milligrams
    return (highest - latest) / highest if highest > 0 else None


def dose_questions(questionnaire: Questionnaire) -> tuple[str, ...]:
    """The linkIds of the questions that ask for the day's total."""
    return tuple(item.link_id for item in questionnaire.walk() if DAILY_DOSE in item.codes)


def reported(questionnaire: Questionnaire, answers: Facts, *, day: date) -> tuple[DailyDose, ...]:
    """The totals that a set of answers reports for a day."""
    given = (value for link_id in dose_questions(questionnaire) for value in answers.get(link_id, ()))
    return tuple(DailyDose(day, Decimal(value)) for value in given if isinstance(value, int | Decimal))
