"""What earlier forms of a patient leave for later ones: last answers, totals over time, how bad each symptom was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from flows.values import Facts, Values, decode, encode

KEPT = 12
"""Totals of one kind that are kept, the newest first: three months of weeks."""

Levels = Mapping[str, Decimal]
"""How bad each entry of a checklist was, by the code of the entry."""


@dataclass(frozen=True, slots=True)
class Past:
    """The forms that a patient has sent, summed up.

    `answers` holds the last answer to each question by linkId. `totals` holds the scores by the name of their
    measure, the newest first, at most `KEPT` of each, and `highest` the highest there ever was. `levels` holds the
    last levels of each checklist. `check_ins` counts the check-ins.
    """

    answers: Facts = field(default_factory=dict)
    totals: Mapping[str, tuple[Decimal, ...]] = field(default_factory=dict)
    highest: Mapping[str, Decimal] = field(default_factory=dict)
    levels: Mapping[str, Levels] = field(default_factory=dict)
    check_ins: int = 0

    def after(
        self, answers: Facts, totals: Mapping[str, Decimal], levels: Mapping[str, Levels], *, is_check_in: bool
    ) -> "Past":
        """The past once one more form was sent."""
        given = {link_id: values for link_id, values in answers.items() if values and not link_id.startswith("%")}
        return Past(
            answers={**self.answers, **given},
            totals={**self.totals, **{name: (now, *self.totals.get(name, ()))[:KEPT] for name, now in totals.items()}},
            highest={**self.highest, **{name: max(now, self.highest.get(name, now)) for name, now in totals.items()}},
            levels={**self.levels, **levels},
            check_ins=self.check_ins + is_check_in,
        )

    def facts(self, totals: Mapping[str, Decimal], levels: Mapping[str, Levels]) -> dict[str, Values]:
        """What the rules see of the past, and of how the totals and levels of today differ from it.

        `%last.X` is the last answer to a question. `%rise.M` is how much the total of a measure is above the last one,
        `%rise-share.M` that as a share of the last one (1 when there was nothing before), `%weeks-rising.M` how
        often in a row it has risen, today included, and `%highest.M` the highest one before. `%worst-new.M` is the
        worst level, on the scale of the checklist, of an entry that is worse than it was.
        """
        facts: dict[str, Values] = {f"%last.{link_id}": values for link_id, values in self.answers.items()}
        facts |= {f"%highest.{name}": (highest,) for name, highest in self.highest.items()}
        for name, now in totals.items():
            earlier = self.totals.get(name, ())
            if not earlier:
                continue
            rise = now - earlier[0]
            facts[f"%rise.{name}"] = (rise,)
            facts[f"%rise-share.{name}"] = (rise / earlier[0] if earlier[0] else Decimal(rise > 0),)
            facts[f"%weeks-rising.{name}"] = (_in_a_row((now, *earlier)),)
        for name, today in levels.items():
            before = self.levels.get(name, {})
            worse = [level for entry, level in today.items() if level > before.get(entry, 0)]
            facts[f"%worst-new.{name}"] = (max(worse),) if worse else ()
        return facts


def _in_a_row(totals: tuple[Decimal, ...]) -> int:
    """How many of the newest totals in a row are above the one before them."""
    rising = 0
    for now, before in pairwise(totals):
        if now <= before:
            break
        rising += 1
    return rising


def written(past: Past) -> str:
    """The past as JSON; `read` gives it back."""
    return json.dumps(
        {
            "answers": {link_id: [encode(value) for value in values] for link_id, values in past.answers.items()},
            "totals": {name: list(map(str, totals)) for name, totals in past.totals.items()},
            "highest": {name: str(highest) for name, highest in past.highest.items()},
            "levels": {
                name: {entry: str(level) for entry, level in levels.items()} for name, levels in past.levels.items()
            },
            "check_ins": past.check_ins,
        }
    )


def read(text: str) -> Past:
    """The past that `written` wrote."""
    raw = json.loads(text)
    return Past(
        answers={link_id: tuple(map(decode, values)) for link_id, values in raw["answers"].items()},
        totals={name: tuple(map(Decimal, totals)) for name, totals in raw["totals"].items()},
        highest={name: Decimal(highest) for name, highest in raw["highest"].items()},
        levels={
            name: {entry: Decimal(level) for entry, level in levels.items()} for name, levels in raw["levels"].items()
        },
        check_ins=raw["check_ins"],
    )
