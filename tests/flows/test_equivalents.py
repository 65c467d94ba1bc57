"""Equivalents, half-lives and interactions: right where they are known, and never made up."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from flows import catalogue
from flows.equivalents import (
    DoseClass,
    Duration,
    Equivalent,
    Equivalents,
    Interaction,
    Scale,
    Taken,
    diazepam_equivalents,
    half_life_class,
    interaction_classes,
)
from flows.medicines import Group, Medicine, Range

OURS = catalogue.load_medicines()

TABLE = """
alprazolam        0.5  0.5  1     6    12   -   -
bromazepam        5    6    -     10   20   -   -
brotizolam        0.25 0.25 -     2    6    -   -
chlordiazepoxide  25   25   25    5    30   36  200
clobazam          20   20   -     12   60   -   -
clonazepam        0.5  0.5  1     18   50   -   -
clorazepate       15   15   15    -    -    36  200
diazepam          10   10   10    20   100  36  200
estazolam         1    2    1     10   24   -   -
flunitrazepam     1    1    -     18   26   36  200
flurazepam        15   30   15    -    -    40  250
halazepam         20   20   -     -    -    30  100
ketazolam         15   30   -     30   100  36  200
loprazolam        1    2    -     6    12   -   -
lorazepam         1    1    2     10   20   -   -
lormetazepam      1    2    -     10   12   -   -
medazepam         10   10   -     36   200  -   -
nitrazepam        10   10   -     15   38   -   -
nordazepam        10   10   -     36   200  -   -
oxazepam          20   20   30    4    15   -   -
prazepam          10   20   -     -    -    36  200
quazepam          20   20   10    25   100  -   -
temazepam         20   20   15    8    22   -   -
triazolam         0.5  0.5  0.25  2    2    -   -
midazolam         10   10   -     1.6  8.3  -   -
etizolam          1    1    -     4    12   -   -
zaleplon          20   20   -     2    2    -   -
zolpidem          20   20   -     2    2    -   -
zopiclone         15   15   -     5    6    -   -
eszopiclone       3    3    -     6    6    -   -
"""
"""Milligrams equal to 10 mg of diazepam: Ashton least and most, VA/DoD; hours of the half-life, the metabolite's."""


def rows() -> list[tuple[str, list[Decimal | None]]]:
    lines = [line.split() for line in TABLE.strip().splitlines()]
    return [(name, [None if cell == "-" else Decimal(cell) for cell in cells]) for name, *cells in lines]


def medicine(name: str) -> Medicine:
    found = OURS.by_code(name)
    assert found is not None
    return found


def taken(**doses: float | None) -> Equivalents:
    """The equivalents of medicines by name, with the milligrams a day."""
    return diazepam_equivalents(
        Taken(medicine(name), None if dose is None else Decimal(str(dose))) for name, dose in doses.items()
    )


def span(found: Equivalent) -> tuple[float, float] | None:
    return None if found.known is None else (round(float(found.known.least), 2), round(float(found.known.most), 2))


def around(pair: Sequence[Decimal | None]) -> Range | None:
    least, most = pair
    return None if least is None or most is None else Range(least, most)


@pytest.mark.parametrize(("name", "cells"), rows())
def test_the_numbers_are_those_of_the_tables(name: str, cells: list[Decimal | None]) -> None:
    found = medicine(name)
    assert found.ashton_mg == around(cells[0:2])
    assert found.vadod_mg == cells[2]
    assert (found.half_life_h, found.metabolite_half_life_h) == (around(cells[3:5]), around(cells[5:7]))
    if found.ashton_mg is not None:
        (ashton, vadod) = taken(**{name: float(found.ashton_mg.most)}).together
        assert ashton.known is not None
        assert ashton.known.least == 10
        assert vadod.missing == (found.vadod_mg is None)


def test_no_other_medicine_has_numbers() -> None:
    listed = {name for name, _ in rows()}
    for found in OURS.all:
        measured = found.ashton_mg, found.vadod_mg, found.half_life_h, found.metabolite_half_life_h
        assert any(part is not None for part in measured) == (found.generic in listed)


@pytest.mark.parametrize("name", ["midazolam", "etizolam", "brotizolam"])
def test_what_is_not_in_ashtons_list_says_so(name: str) -> None:
    assert "Not in Ashton's list" in medicine(name).source


def test_one_dose_on_both_scales() -> None:
    found = taken(clonazepam=1)
    assert [(each.scale, span(each)) for each in found.together] == [
        (Scale.ASHTON, (20.0, 20.0)),
        (Scale.VADOD, (10.0, 10.0)),
    ]
    assert [each.dose_class for each in found.together] == [DoseClass.HIGH, DoseClass.LOW]
    assert found.dose_class is DoseClass.HIGH
    assert found.is_disputed


def test_a_range_stays_a_range() -> None:
    (ashton, _) = taken(flurazepam=30).together
    assert span(ashton) == (10.0, 20.0)
    assert ashton.dose_class is DoseClass.HIGH


def test_several_are_added_up() -> None:
    found = taken(alprazolam=0.25, lorazepam=0.5, diazepam=2)
    assert [span(each) for each in found.together] == [(12.0, 12.0), (7.0, 7.0)]
    assert [span(equivalents[0]) for _, equivalents in found.each] == [(5.0, 5.0), (5.0, 5.0), (2.0, 2.0)]
    assert found.dose_class is DoseClass.MODERATE


@pytest.mark.parametrize(
    ("milligrams", "dose_class"),
    [
        (0, DoseClass.LOW),
        (10, DoseClass.LOW),
        (10.01, DoseClass.MODERATE),
        (15, DoseClass.MODERATE),
        (15.01, DoseClass.HIGH),
    ],
)
def test_the_classes_end_where_the_guideline_says(milligrams: float, dose_class: DoseClass) -> None:
    assert taken(diazepam=milligrams).dose_class is dose_class


def test_what_is_unknown_is_counted_as_missing_and_never_made_up() -> None:
    found = diazepam_equivalents(
        [
            Taken(medicine("diazepam"), Decimal(5)),
            Taken(medicine("bromazolam"), Decimal(2)),
            Taken(medicine("lorazepam"), None),
            Taken(None, Decimal(1)),
        ]
    )
    assert [(span(each), each.missing) for each in found.together] == [((5.0, 5.0), 3), ((5.0, 5.0), 3)]
    assert found.dose_class is None
    assert [equivalents[0].known is None for _, equivalents in found.each] == [False, True, True, True]


def test_a_dose_that_is_high_without_what_is_missing_is_high() -> None:
    assert taken(diazepam=20, zolpidem=None).dose_class is DoseClass.HIGH


def test_one_known_scale_is_enough_for_a_class_and_says_that_the_other_is_missing() -> None:
    found = taken(zopiclone=7.5)
    assert [(span(each), each.missing, each.dose_class) for each in found.together] == [
        ((5.0, 5.0), 0, DoseClass.LOW),
        (None, 1, None),
    ]
    assert (found.dose_class, found.is_disputed) == (DoseClass.LOW, True)


def test_nothing_taken_and_nothing_known() -> None:
    assert diazepam_equivalents([]).dose_class is None
    assert taken(gabapentin=300).dose_class is None
    assert taken(bromazolam=0).dose_class is DoseClass.LOW


@pytest.mark.parametrize(
    ("name", "duration"),
    [
        ("alprazolam", Duration.SHORT),
        ("lorazepam", Duration.SHORT),
        ("temazepam", Duration.SHORT),
        ("oxazepam", Duration.SHORT),
        ("zolpidem", Duration.SHORT),
        ("estazolam", Duration.LONG),
        ("clonazepam", Duration.LONG),
        ("diazepam", Duration.LONG),
        ("chlordiazepoxide", Duration.LONG),
        ("clorazepate", Duration.LONG),
        ("bromazolam", None),
        ("gabapentin", None),
    ],
)
def test_how_long_it_stays(name: str, duration: Duration | None) -> None:
    assert half_life_class(medicine(name)) is duration


INTERACTIONS = [
    ("oxycodone", "diazepam", {Interaction.OPIOID}),
    ("methadone", "diazepam", {Interaction.OPIOID}),
    ("buprenorphine", "diazepam", {Interaction.OPIOID}),
    ("naltrexone", "diazepam", {Interaction.OTHER}),
    ("gabapentin", "diazepam", {Interaction.OTHER}),
    ("gabapentin", "diazepam oxycodone", {Interaction.GABAPENTINOID_WITH_OPIOID}),
    ("pregabalin", "methadone", {Interaction.GABAPENTINOID_WITH_OPIOID}),
    ("oxycodone", "gabapentin", {Interaction.OPIOID, Interaction.GABAPENTINOID_WITH_OPIOID}),
    ("tramadol", "alprazolam", {Interaction.OPIOID, Interaction.SEIZURE_THRESHOLD}),
    ("bupropion", "alprazolam", {Interaction.SEIZURE_THRESHOLD}),
    ("lorazepam", "diazepam", {Interaction.SEDATIVE}),
    ("zolpidem", "diazepam", {Interaction.SEDATIVE}),
    ("etizolam", "diazepam", {Interaction.SEDATIVE}),
    ("bromazolam", "diazepam", {Interaction.SEDATIVE}),
    ("carisoprodol", "diazepam", {Interaction.SEDATIVE}),
    ("hydroxyzine", "diazepam", {Interaction.SEDATIVE}),
    ("clarithromycin", "alprazolam", {Interaction.CYP3A4}),
    ("ritonavir", "triazolam", {Interaction.CYP3A4}),
    ("carbamazepine", "diazepam", {Interaction.CYP3A4}),
    ("ketoconazole", "clonazepam", {Interaction.CYP3A4_LIMITED}),
    ("ketoconazole", "clonazepam alprazolam", {Interaction.CYP3A4, Interaction.CYP3A4_LIMITED}),
    ("ketoconazole", "lorazepam", {Interaction.OTHER}),
    ("alprazolam", "itraconazole", {Interaction.SEDATIVE, Interaction.CYP3A4}),
    ("nefazodone", "alprazolam", {Interaction.CYP3A4}),
    ("sertraline", "alprazolam", {Interaction.OTHER}),
    ("propranolol", "alprazolam oxycodone", {Interaction.OTHER}),
    ("amoxicillin", "", {Interaction.OTHER}),
]


@pytest.mark.parametrize(("started", "beside", "expected"), INTERACTIONS)
def test_why_a_new_medicine_concerns_the_physician(started: str, beside: str, expected: set[Interaction]) -> None:
    assert interaction_classes(medicine(started), map(medicine, beside.split())) == expected


def test_a_medicine_that_nobody_knows_still_needs_a_look() -> None:
    assert interaction_classes(None, [medicine("diazepam")]) == {Interaction.OTHER}


def test_none_is_ever_without_a_class() -> None:
    everything = [one for one in OURS.all if Group.OTHER not in one.groups]
    assert all(interaction_classes(one, everything) for one in OURS.all)
