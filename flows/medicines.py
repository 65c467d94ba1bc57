"""The medicines that the clinic knows, by all their names: what a patient types -> the medicine, or a guess."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from flows.names import Names, together

SYSTEM = "urn:taperline:medicine"
"""The code system of medicines; a code is the generic name."""

CANONICAL = "https://taperline.example/ValueSet/"


class Group(StrEnum):
    """What a medicine is to somebody who tapers a benzodiazepine. One can be several of these."""

    BENZODIAZEPINE = "benzodiazepine"
    Z_DRUG = "z-drug"
    THIENODIAZEPINE = "thienodiazepine"
    NOVEL = "novel"
    OPIOID = "opioid"
    OPIOID_TREATMENT = "opioid-treatment"
    GABAPENTINOID = "gabapentinoid"
    SEDATIVE = "sedative"
    SEIZURE_THRESHOLD = "seizure-threshold"
    CYP3A4_INHIBITOR = "cyp3a4-inhibitor"
    CYP3A4_INDUCER = "cyp3a4-inducer"
    ADJUNCT = "adjunct"
    ANTIDEPRESSANT = "antidepressant"
    OTHER = "other"


TAPERED = frozenset({Group.BENZODIAZEPINE, Group.Z_DRUG, Group.THIENODIAZEPINE, Group.NOVEL})
"""What patients of the clinic taper."""


class Cyp3a4(StrEnum):
    """How far the body needs CYP3A4 to break a benzodiazepine down."""

    FULL = "full"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class Range:
    """A measure that is known as a range, from the least to the most."""

    least: Decimal
    most: Decimal


@dataclass(frozen=True, slots=True)
class Medicine:
    """One medicine. `ashton_mg` and `vadod_mg` equal 10 mg of diazepam by mouth; None is unknown.

    All its numbers are for clinicians; none is said to a patient.
    """

    generic: str
    groups: frozenset[Group]
    brands: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    cyp3a4: Cyp3a4 | None = None
    ashton_mg: Range | None = None
    vadod_mg: Decimal | None = None
    half_life_h: Range | None = None
    metabolite_half_life_h: Range | None = None
    source: str = ""

    @property
    def label(self) -> str:
        """How it stands on a button: Alprazolam (Xanax)."""
        name = self.generic[:1].upper() + self.generic[1:]
        return f"{name} ({self.brands[0]})" if self.brands else name

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it is called, the generic first."""
        return (self.generic, *self.brands, *self.also)

    @property
    def is_tapered(self) -> bool:
        return bool(self.groups & TAPERED)


@dataclass(frozen=True, slots=True)
class Match:
    """The medicine that a text names. What is not certain is a guess: it does not count until it was asked back."""

    medicine: Medicine
    is_certain: bool


@dataclass(frozen=True)
class Medicines:
    """All medicines, those most often taken first."""

    all: tuple[Medicine, ...]
    _names: Names = field(repr=False, compare=False)

    def find(self, text: str) -> Match | None:
        """The medicine that a text names, with a dose or the like beside it; None when it names none, or several."""
        found = self._names.find(text)
        return None if found is None else Match(self.all[found.number], found.is_certain)

    def by_code(self, code: str) -> Medicine | None:
        """The medicine with this code, which is its generic name."""
        return self._codes.get(code)

    @cached_property
    def value_sets(self) -> Mapping[str, Mapping[str, Any]]:
        """FHIR ValueSets for questionnaires, by their addresses: what is tapered, and all medicines."""
        tapered = [medicine for medicine in self.all if medicine.is_tapered]
        found = (("benzodiazepines", "What is tapered", tapered), ("medicines", "Medicines", self.all))
        return {CANONICAL + name: self._value_set(name, title, offered) for name, title, offered in found}

    @cached_property
    def _codes(self) -> Mapping[str, Medicine]:
        return {medicine.generic: medicine for medicine in self.all}

    def _value_set(self, name: str, title: str, offered: Sequence[Medicine]) -> Mapping[str, Any]:
        """A ValueSet. It excludes the other medicines by name: whoever types one of them means none of the offered."""
        others = [medicine for medicine in self.all if medicine not in offered]
        compose = {"include": [_concepts(offered)], **({"exclude": [_concepts(others)]} if others else {})}
        about = {"id": name, "url": CANONICAL + name, "title": title, "status": "active"}
        return {"resourceType": "ValueSet", **about, "compose": compose}


def load(entries: Iterable[Mapping[str, Any]]) -> Medicines:
    """The medicines of the entries of a file. Raises ValueError, naming the entry, for what cannot be used."""
    found = tuple(map(_medicine, entries))
    leads_to: dict[str, Medicine] = {}
    for medicine in found:
        if medicine.generic in {other.generic for other in leads_to.values()}:
            raise ValueError(f"medicine {medicine.generic}: it stands twice")
        for name in medicine.names:
            other = leads_to.setdefault(together(name), medicine)
            if other is not medicine:
                raise ValueError(f"medicine {medicine.generic}: the name {name} leads to {other.generic} too")
    if not any(medicine.is_tapered for medicine in found):
        raise ValueError("it has no medicine that is tapered")
    return Medicines(found, Names([medicine.names for medicine in found]))


PARTS = frozenset(
    {
        *("generic", "brands", "also", "groups", "cyp3a4", "source"),
        *("ashton_mg", "vadod_mg", "half_life_h", "metabolite_half_life_h"),
    }
)
"""What an entry can hold."""


def _medicine(entry: Mapping[str, Any]) -> Medicine:
    where = f"medicine {entry.get('generic', '?')}"
    try:
        unknown = sorted(map(str, entry.keys() - PARTS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is unknown; there are: {', '.join(sorted(PARTS))}")
        (generic,) = _texts({"generic": [entry["generic"]]}, "generic")
        groups = frozenset(map(Group, _texts(entry, "groups")))
        if not groups:
            raise ValueError("groups is missing")
        medicine = Medicine(
            generic=" ".join(generic.split()),
            groups=groups,
            brands=_texts(entry, "brands"),
            also=_texts(entry, "also"),
            cyp3a4=Cyp3a4(entry["cyp3a4"]) if "cyp3a4" in entry else None,
            ashton_mg=_range(entry, "ashton_mg"),
            vadod_mg=_number(entry["vadod_mg"], "vadod_mg") if "vadod_mg" in entry else None,
            half_life_h=_range(entry, "half_life_h"),
            metabolite_half_life_h=_range(entry, "metabolite_half_life_h"),
            source=str(entry.get("source", "")),
        )
    except KeyError as error:
        raise ValueError(f"{where}: {error.args[0]} is missing") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from error
    measured = (medicine.ashton_mg, medicine.vadod_mg, medicine.half_life_h, medicine.metabolite_half_life_h)
    if any(part is not None for part in measured) and not medicine.source.strip():
        raise ValueError(f"{where}: its numbers need a source")
    return medicine


def _texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = entry.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) and together(text) for text in texts):
        raise ValueError(f"{key} must be names, in quotes where YAML would read something else")
    return tuple(texts)


def _range(entry: Mapping[str, Any], key: str) -> Range | None:
    if key not in entry:
        return None
    if not isinstance(entry[key], list) or len(entry[key]) != 2:
        raise ValueError(f"{key} must be [least, most]")
    least, most = (_number(number, key) for number in entry[key])
    if least > most:
        raise ValueError(f"{key}: the least stands before the most")
    return Range(least, most)


def _number(number: object, key: str) -> Decimal:
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 10_000:
        raise ValueError(f"{key} must be a number above zero, found {number!r}")
    return Decimal(str(number))


def _concepts(medicines: Sequence[Medicine]) -> Mapping[str, Any]:
    """The part of a ValueSet that lists some medicines, each with all its names."""
    concepts = [
        {
            "code": medicine.generic,
            "display": medicine.label,
            "designation": [{"value": name} for name in dict.fromkeys(medicine.names)],
        }
        for medicine in medicines
    ]
    return {"system": SYSTEM, "concept": concepts}
