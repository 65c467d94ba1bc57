"""Value sets of FHIR R4 itself, which are known without a terminology server."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from flows import plain_yaml
from flows.values import Coding


@dataclass(frozen=True)
class ValueSet:
    """The codes of a value set. Of the `unlisted` code systems it has all; each has a pattern of what its codes are."""

    codings: Sequence[Coding]
    unlisted: Mapping[str, str] = field(default_factory=dict)

    def may_hold(self, code: str | None, system: str | None) -> bool:
        """Whether a code, of one system or of any, can be one of those that are not listed."""
        patterns = (pattern for url, pattern in self.unlisted.items() if system in {None, url})
        return code is not None and any(re.fullmatch(pattern, code) for pattern in patterns)


def value_set(url: str) -> ValueSet | None:
    """The value set with this canonical address, with or without a version; None when it is not known here."""
    return _value_sets().get(url.partition("|")[0])


@cache
def _value_sets() -> Mapping[str, ValueSet]:
    text = (resources.files("flows") / "value_sets.yaml").read_text("utf-8")
    return {
        url: ValueSet(
            tuple(
                Coding(code, system, display)
                for system, concepts in systems.items()
                if not isinstance(concepts, str)
                for codes, display in concepts.items()
                for code in codes.split()
            ),
            {system: concepts for system, concepts in systems.items() if isinstance(concepts, str)},
        )
        for url, systems in plain_yaml.read(text, "value_sets.yaml").items()
    }
