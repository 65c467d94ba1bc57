"""A FHIR R4 Questionnaire (YAML or JSON) as frozen values."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from flows import plain_yaml
from flows.items import Item
from flows.problems import Problem, QuestionnaireError, Severity, problems
from flows.reading import Raw, item, variables

MOST_NESTED = 6
"""Repetitions inside each other: the callback data of a button has room for the numbers of so many."""

TOO_DEEP = f"it stands in more than {MOST_NESTED} repeating items, one inside the other: nest them less deep"


@dataclass(frozen=True)
class Questionnaire:
    """A questionnaire as it will be asked. `hash` is that of its source: it names this version and no other."""

    url: str
    version: str
    title: str
    items: tuple[Item, ...]
    hash: str
    source: str
    variables: tuple[tuple[str, str], ...] = ()

    def walk(self) -> Sequence[Item]:
        """Every item, parents before children, in the order of asking."""
        return self._walked

    def find(self, link_id: str) -> Item | None:
        """The item with this linkId, or None."""
        position = self.positions.get(link_id)
        return None if position is None else self._walked[position]

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Where each linkId stands in `walk`."""
        return {found.link_id: position for position, found in enumerate(self._walked)}

    @cached_property
    def resource(self) -> Mapping[str, Any]:
        """The FHIR resource as it was written."""
        found: Mapping[str, Any] = plain_yaml.read(self.source, self.url)
        return found

    @cached_property
    def coded(self) -> Sequence[Item]:
        """The questions that carry a code of what they are about."""
        return tuple(found for found in self._walked if found.is_question and found.codes)

    @cached_property
    def computes(self) -> bool:
        """Whether something in it is computed from answers by FHIRPath."""
        return any((found.calculated and not found.adds_up) or found.enable_expression for found in self._walked)

    @cached_property
    def _walked(self) -> Sequence[Item]:
        return tuple(_walk(self.items))


@lru_cache(maxsize=64)
def load(text: str, name: str) -> Questionnaire:
    """Read a questionnaire from YAML or JSON; `name` is the file's name, for the errors.

    Raises UnreadableError when the text is neither, and QuestionnaireError with all problems when it cannot be asked.
    """
    resource = plain_yaml.read(text, name)
    found = [problem for problem in problems(resource) if problem.refuses]
    items = () if found else tuple(item(part, resource) for part in resource["item"])
    found += [Problem(TOO_DEEP, deep, "not-supported") for deep in _too_deep(items, 0)]
    if found:
        raise QuestionnaireError(name, found)
    return Questionnaire(
        url=resource.get("url", f"urn:taperline:{name}"),
        version=str(resource.get("version", "")),
        title=resource.get("title", ""),
        items=items,
        hash=hashlib.sha256(text.encode()).hexdigest()[:16],
        source=text,
        variables=variables(resource),
    )


def complete(text: str, name: str, value_sets: Mapping[str, Raw]) -> str:
    """The text of a questionnaire with the value sets in it that it refers to by their addresses.

    So a version that is kept can be read without them, whatever becomes of them. A text that refers to none of
    `value_sets` stays as it is. Raises UnreadableError when it is neither YAML nor JSON.
    """
    if not any(address in text for address in value_sets):
        return text
    resource = plain_yaml.read(text, name)
    if not isinstance(resource, dict) or not isinstance(contained := resource.get("contained", []), list):
        return text
    whole = list(contained)
    for found in list(_raw_items(resource)):
        address = str(found.get("answerValueSet")).partition("|")[0]
        if address in value_sets:
            found["answerValueSet"] = "#" + _put_into(whole, value_sets[address])
    return json.dumps({**resource, "contained": whole}, ensure_ascii=False) if whole != contained else text


def _put_into(contained: list[Any], value_set: Raw) -> str:
    """The id of a value set among the contained resources; it is put there unless its address stands there already."""
    parts = [part for part in contained if isinstance(part, Mapping)]
    for part in parts:
        if part.get("url") == value_set["url"] and isinstance(part.get("id"), str):
            return str(part["id"])
    taken, named = {part.get("id") for part in parts}, str(value_set["id"])
    while named in taken:
        named += "-1"
    contained.append({**value_set, "id": named})
    return named


def _raw_items(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    below = holder.get("item")
    for found in below if isinstance(below, list) else ():
        if isinstance(found, dict):
            yield found
            yield from _raw_items(found)


def _too_deep(items: Sequence[Item], depth: int) -> Iterator[str]:
    """The linkIds that stand in more repetitions than a button can name."""
    for found in items:
        if depth > MOST_NESTED:
            yield found.link_id
        else:
            yield from _too_deep(found.items, depth + (found.repeats and bool(found.items)))


def _walk(items: Sequence[Item]) -> Iterator[Item]:
    for found in items:
        yield found
        yield from _walk(found.items)


__all__ = ["Problem", "Questionnaire", "QuestionnaireError", "Severity", "load", "problems"]
