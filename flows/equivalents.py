"""Diazepam equivalents, half-lives and interactions of the medicines that a patient names. For clinicians' eyes only.

No number from here reaches a patient, and no plan is computed from one: equivalents differ between authors and people.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from flows.medicines import TAPERED, Cyp3a4, Group, Medicine, Range

DIAZEPAM_MG = 10
"""The dose of diazepam by mouth that both scales are given for."""

LOW_MG, MODERATE_MG = 10, 15
"""Milligrams of diazepam a day up to which a dose is low, and moderate. Source: ASAM 2025, table 2."""

LONG_HALF_LIFE_H = 24
"""Hours from which a half-life is long. Ours; the guideline tells long from short without a number."""


class Scale(StrEnum):
    """Whose equivalents. They can differ by half; by Ashton's most doses come out higher."""

    ASHTON = "Ashton"
    VADOD = "VA/DoD"


class DoseClass(StrEnum):
    """How much a daily dose is, by its diazepam equivalent."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class Duration(StrEnum):
    """How long a medicine stays in the body."""

    SHORT = "short"
    LONG = "long"


class Interaction(StrEnum):
    """Why a medicine that was newly started concerns the physician (rules C3 and C4)."""

    OPIOID = "opioid"
    GABAPENTINOID_WITH_OPIOID = "gabapentinoid with opioid"
    SEDATIVE = "sedative"
    SEIZURE_THRESHOLD = "seizure threshold"
    CYP3A4 = "CYP3A4"
    CYP3A4_LIMITED = "CYP3A4, limited"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Taken:
    """A medicine as a patient reports it. None is a name that is not known, or a dose that was not told."""

    medicine: Medicine | None
    daily_mg: Decimal | None


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Milligrams of diazepam a day on one scale, of one medicine or of several together.

    `known` is None when nothing is known. `missing` is the number of medicines that could not be counted in: with any,
    the true amount is higher than `known`.
    """

    scale: Scale
    known: Range | None
    missing: int = 0

    @property
    def dose_class(self) -> DoseClass | None:
        """The class of the upper end; None when it is not known, or when what is missing could make it higher."""
        if self.known is None:
            return None
        found = _class_of(self.known.most)
        return None if self.missing and found is not DoseClass.HIGH else found


@dataclass(frozen=True, slots=True)
class Equivalents:
    """What some medicines come to on both scales: each by itself, in their order, and all together."""

    each: tuple[tuple[Taken, tuple[Equivalent, ...]], ...]
    together: tuple[Equivalent, ...]

    @property
    def dose_class(self) -> DoseClass | None:
        """The more cautious class of the two scales, which is the higher one; None when neither is known."""
        known = [found for total in self.together if (found := total.dose_class) is not None]
        return max(known, key=list(DoseClass).index, default=None)

    @property
    def is_disputed(self) -> bool:
        """Whether the scales come to different classes, or only one of them is known."""
        return len({total.dose_class for total in self.together}) > 1


def diazepam_equivalents(taken: Iterable[Taken]) -> Equivalents:
    """The diazepam equivalents of daily doses in milligrams, as a range where a scale gives one.

    What is not known stays unknown: a medicine without a name, a dose or a value on a scale is counted as missing.
    Sources: ASAM 2025, table 7 (VA/DoD 2021 and Ashton 2002) and table 2 (classes); its examples mix both scales, so
    the more cautious counts.
    """
    each = tuple((one, tuple(Equivalent(scale, *_measured(one, scale)) for scale in Scale)) for one in taken)
    totals = tuple(_sum(scale, [equivalents[at] for _, equivalents in each]) for at, scale in enumerate(Scale))
    return Equivalents(each, totals)


def half_life_class(medicine: Medicine) -> Duration | None:
    """Whether a medicine stays long: its half-life or that of its active metabolite reaches 24 hours. None: not known.

    Source of the half-lives: Ashton 2002. The cut-off is ours, for the medical director to confirm.
    """
    known = [span.most for span in (medicine.half_life_h, medicine.metabolite_half_life_h) if span is not None]
    if not known:
        return None
    return Duration.LONG if max(known) >= LONG_HALF_LIFE_H else Duration.SHORT


def interaction_classes(started: Medicine | None, taken: Iterable[Medicine]) -> frozenset[Interaction]:
    """Why a newly started medicine concerns the physician, given what else is taken; never empty.

    A medicine that is not known (None) is OTHER: somebody must still look. It works both ways: a gabapentinoid begun
    beside an opioid, or the opioid beside it. Sources: ASAM 2025, recommendation 5a and table 10; FDA on opioids with
    benzodiazepines (2016, 2020) and on gabapentinoids (2019).
    """
    if started is None:
        return frozenset({Interaction.OTHER})
    beside = [medicine for medicine in taken if medicine != started]
    groups, around = started.groups, frozenset(group for medicine in beside for group in medicine.groups)
    found = set()
    if Group.OPIOID in groups:
        found.add(Interaction.OPIOID)
    for one, other in ((groups, around), (around, groups)):
        if Group.GABAPENTINOID in one and Group.OPIOID in other:
            found.add(Interaction.GABAPENTINOID_WITH_OPIOID)
    if groups & {Group.SEDATIVE, *TAPERED}:
        found.add(Interaction.SEDATIVE)
    if Group.SEIZURE_THRESHOLD in groups:
        found.add(Interaction.SEIZURE_THRESHOLD)
    found |= {_BY_CYP3A4[needs] for medicine in beside if (needs := _meets_cyp3a4(started, medicine)) is not None}
    return frozenset(found or {Interaction.OTHER})


_BY_CYP3A4 = {Cyp3a4.FULL: Interaction.CYP3A4, Cyp3a4.LIMITED: Interaction.CYP3A4_LIMITED}


def _meets_cyp3a4(one: Medicine, other: Medicine) -> Cyp3a4 | None:
    """How far one of two medicines needs CYP3A4 while the other strongly slows or speeds it up."""
    for benzodiazepine, changer in ((one, other), (other, one)):
        if benzodiazepine.cyp3a4 is not None and changer.groups & {Group.CYP3A4_INHIBITOR, Group.CYP3A4_INDUCER}:
            return benzodiazepine.cyp3a4
    return None


def _class_of(milligrams: Decimal) -> DoseClass:
    if milligrams <= LOW_MG:
        return DoseClass.LOW
    return DoseClass.MODERATE if milligrams <= MODERATE_MG else DoseClass.HIGH


def _measured(taken: Taken, scale: Scale) -> tuple[Range | None, int]:
    """The equivalent of one dose on a scale, and how many medicines are missing from it."""
    medicine, daily = taken.medicine, taken.daily_mg
    if daily == 0:
        return Range(Decimal(0), Decimal(0)), 0
    if medicine is None or daily is None:
        return None, 1
    vadod = None if medicine.vadod_mg is None else Range(medicine.vadod_mg, medicine.vadod_mg)
    equal = medicine.ashton_mg if scale is Scale.ASHTON else vadod
    if equal is None:
        return None, 1
    return Range(daily * DIAZEPAM_MG / equal.most, daily * DIAZEPAM_MG / equal.least), 0


def _sum(scale: Scale, parts: Sequence[Equivalent]) -> Equivalent:
    known = [part.known for part in parts if part.known is not None]
    total = Range(sum((span.least for span in known), Decimal()), sum((span.most for span in known), Decimal()))
    return Equivalent(scale, total if known else None, sum(part.missing for part in parts))
