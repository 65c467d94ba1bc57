"""Totals that LOINC has a code for: the questions that each adds up, so that nobody is asked to do the sum."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
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

OWN = "urn:taperline"
OWN_TOTALS = {"gad2-total": GAD_7[:2]}
"""Totals for which no LOINC code is verified, by our own code."""

PANELS = {"55757-9": "55758-7", "44249-1": "44261-6", "69737-5": "70274-6", "72109-2": "75626-2"}
"""The LOINC code of a panel, which stands on its group, and that of its total."""


BANDS: Mapping[str, Sequence[tuple[int, str]]] = {
    "44261-6": ((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "moderately severe"), (20, "severe")),
    "70274-6": ((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "severe")),
}
"""The bands of totals by their LOINC code, each with its lowest number (loinc.org, LL382-3; GAD-7, Spitzer 2006)."""


def band(code: Coding, total: Decimal) -> str:
    """The name of the band in which a total lies; empty where there are none."""
    bands = BANDS.get(total_code(code) or "", ())
    return next((name for least, name in reversed(bands) if total >= least), "")


def total_code(code: Coding) -> str | None:
    """The LOINC code of the total that a code is about: that of the total itself, or of its panel; None for others."""
    total = PANELS.get(code.code, code.code) if code.system == LOINC else None
    return total if total in TOTALS else None


def expression(raw: Mapping[str, Any], resource: Mapping[str, Any]) -> str | None:
    """The FHIRPath of an item that is such a total; None when it is none.

    It gives a total only when every one of the questions is answered, and never when the form lacks one of them.
    """
    found = _asked(raw, resource)
    if found is None:
        return None
    if not found:
        return NOTHING
    names = " | ".join(f"'{link_id}'" for link_id in found)
    answers = f"%resource.repeat(item | answer.item).where(linkId in ({names})).answer.value.ordinal()"
    return f"iif({answers}.count() = {len(found)}, {answers}.sum(), {{}})"


def adds_up(raw: Mapping[str, Any], resource: Mapping[str, Any]) -> tuple[str, ...]:
    """The linkIds of the questions of such a total, when all stand before it, and none of them can occur twice."""
    found = _asked(raw, resource)
    if not found:
        return ()
    before = []
    for item, repeats in _with_repeats(resource.get("item", ()), False):
        if item is raw or item["linkId"] == raw["linkId"]:
            break
        before += [] if repeats else [item["linkId"]]
    return tuple(found) if set(found) <= set(before) else ()


def _asked(raw: Mapping[str, Any], resource: Mapping[str, Any]) -> Sequence[str] | None:
    """The linkIds of the questions of a total; None when the item is no total, none when the form lacks one of them."""
    own = (code.get("code") for code in raw.get("code", ()) if code.get("system") == OWN)
    known = [TOTALS.get(code) for code in _codes(raw)] + [OWN_TOTALS.get(str(code)) for code in own]
    questions = next(filter(None, known), None)
    if questions is None:
        return None
    found = [item["linkId"] for item in _walk(resource.get("item", ())) if _codes(item) & set(questions)]
    plain = all(link_id.isprintable() and "'" not in link_id for link_id in found)
    return found if len(found) == len(questions) and plain else []


def _with_repeats(items: Iterable[Any], repeats: bool) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Every item, and whether it or something around it can occur more than once."""
    for item in items:
        again = repeats or bool(item.get("repeats"))
        yield item, again
        yield from _with_repeats(item.get("item", ()), again)


def _walk(items: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        yield item
        yield from _walk(item.get("item", ()))


def _codes(raw: Mapping[str, Any]) -> set[str]:
    codes: Sequence[Mapping[str, Any]] = raw.get("code", ())
    return {str(code.get("code")) for code in codes if code.get("system") == LOINC}
