"""Totals that LOINC has a code for: the questions that each adds up, so that nobody is asked to do the sum."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from flows.values import Coding

NOTHING = "{}"
"""FHIRPath that gives no value."""

LOINC = "http://loinc.org"
PHQ_2 = ("44250-9", "44255-8")
PHQ_9 = (*PHQ_2, "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
GAD_7 = ("69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7")
AUDIT_C = ("68518-0", "68519-8", "68520-6")
TOTALS = {"55758-7": PHQ_2, "44261-6": PHQ_9, "70274-6": GAD_7, "75626-2": AUDIT_C}
"""The LOINC code of a total, and those of its questions (loinc.org, panels 55757-9, 44249-1, 69737-5 and 72109-2)."""

PANELS = {"55757-9": "55758-7", "44249-1": "44261-6", "69737-5": "70274-6", "72109-2": "75626-2"}
"""The LOINC code of a panel, which stands on its group, and that of its total."""


def total_code(code: Coding) -> str | None:
    """The LOINC code of the total that a code is about: that of the total itself, or of its panel; None for others."""
    total = PANELS.get(code.code, code.code) if code.system == LOINC else None
    return total if total in TOTALS else None


def expression(raw: Mapping[str, Any], resource: Mapping[str, Any]) -> str | None:
    """The FHIRPath of an item that is such a total; None when it is none.

    It gives a total only when every one of the questions is answered, and never when the form lacks one of them.
    """
    questions = next((TOTALS[code] for code in _codes(raw) if code in TOTALS), None)
    if questions is None:
        return None
    found = [item["linkId"] for item in _walk(resource.get("item", ())) if _codes(item) & set(questions)]
    if len(found) != len(questions) or not all(link_id.isprintable() and "'" not in link_id for link_id in found):
        return NOTHING
    names = " | ".join(f"'{link_id}'" for link_id in found)
    answers = f"%resource.repeat(item | answer.item).where(linkId in ({names})).answer.value.ordinal()"
    return f"iif({answers}.count() = {len(found)}, {answers}.sum(), {{}})"


def _walk(items: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        yield item
        yield from _walk(item.get("item", ()))


def _codes(raw: Mapping[str, Any]) -> set[str]:
    codes: Sequence[Mapping[str, Any]] = raw.get("code", ())
    return {str(code.get("code")) for code in codes if code.get("system") == LOINC}
