"""The items of a questionnaire as frozen values: questions, groups and texts to show."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum

from flows.conditions import Test
from flows.values import Coding, PartialDate, Quantity, Value, Values


class ItemType(StrEnum):
    """The FHIR item types that a conversation can hold."""

    GROUP = "group"
    DISPLAY = "display"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    OPEN_CHOICE = "open-choice"
    INTEGER = "integer"
    DECIMAL = "decimal"
    QUANTITY = "quantity"
    STRING = "string"
    TEXT = "text"
    URL = "url"
    DATE = "date"
    DATE_TIME = "dateTime"
    TIME = "time"


REFUSED = frozenset({"attachment", "reference"})
"""FHIR item types that cannot be asked in a chat."""

CHOICES = frozenset({ItemType.CHOICE, ItemType.OPEN_CHOICE})
WRITTEN = frozenset({ItemType.STRING, ItemType.TEXT, ItemType.URL, ItemType.OPEN_CHOICE})
NUMBERS = frozenset({ItemType.INTEGER, ItemType.DECIMAL, ItemType.QUANTITY})
MOMENTS = frozenset({ItemType.DATE, ItemType.DATE_TIME, ItemType.TIME})
LIMITED = NUMBERS | MOMENTS
"""The types that can have a minValue and a maxValue."""

PYTHON_TYPE: dict[ItemType, tuple[type, ...]] = {
    ItemType.BOOLEAN: (bool,),
    ItemType.INTEGER: (int,),
    ItemType.DECIMAL: (Decimal, int),
    ItemType.QUANTITY: (Quantity,),
    ItemType.STRING: (str,),
    ItemType.TEXT: (str,),
    ItemType.URL: (str,),
    ItemType.DATE: (date, PartialDate),
    ItemType.DATE_TIME: (datetime, date, PartialDate),
    ItemType.TIME: (time,),
}
"""What an answer to a question without options is in Python."""


SUGGESTED = 6
"""The options that stand on buttons where the others are found by typing."""


@dataclass(frozen=True, slots=True)
class Option:
    """One permitted answer of a choice, and the words on its button. An exclusive one goes with no other.

    `also` are other names of it that people type.
    """

    value: Value
    label: str
    exclusive: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A question, a group or a text to show.

    `enable_when` is None when the item is always enabled; `enable_expression`, `calculated` and `variables` are
    FHIRPath. A total that `adds_up` questions before it, named by linkId, needs no FHIRPath. `initial` is a first
    value: proposed to whoever is asked, and the answer where nobody is. A `recalled` item is filled in, when the
    conversation is opened, with what the record knows by its code. With `autocomplete` most options are found by
    typing; `others` are names of what is known and is none of them.
    """

    link_id: str
    type: ItemType
    text: str = ""
    prefix: str = ""
    help: str = ""
    link: str = ""
    required: bool = False
    repeats: bool = False
    read_only: bool = False
    hidden: bool = False
    recalled: bool = False
    may_decline: bool = False
    options: tuple[Option, ...] = ()
    autocomplete: bool = False
    others: tuple[str, ...] = ()
    initial: Values = ()
    enable_when: Test | None = None
    enable_expression: str | None = None
    calculated: str | None = None
    adds_up: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    entry_format: str = ""
    decimal_places: int | None = None
    units: tuple[Coding, ...] = ()
    minimum: Value | None = None
    maximum: Value | None = None
    min_occurs: int = 0
    max_occurs: int | None = None
    codes: tuple[Coding, ...] = ()
    items: tuple["Item", ...] = ()

    @property
    def is_question(self) -> bool:
        return self.type not in {ItemType.GROUP, ItemType.DISPLAY}

    @property
    def is_asked(self) -> bool:
        """Whether a person is to answer it: not what is hidden, read-only or computed."""
        return self.is_question and not (self.hidden or self.read_only or self.calculated)

    @property
    def suggested(self) -> tuple[Option, ...]:
        """The options that stand on buttons."""
        return self.options[:SUGGESTED] if self.autocomplete else self.options

    @property
    def unit(self) -> str:
        """The words for the unit of a number, when there is just one. UCUM's notes, such as {#}, are for machines."""
        words = (self.units[0].display or self.units[0].code) if len(self.units) == 1 else ""
        return "" if "{" in words else words

    @property
    def takes_several(self) -> bool:
        """Whether a question can have more than one answer."""
        return self.is_question and self.repeats and self.max_occurs != 1

    @property
    def least(self) -> int:
        """The fewest answers of a question, or occurrences of a group."""
        return max(self.min_occurs, int(self.required))

    @property
    def most(self) -> int | None:
        """The most answers of a question, or occurrences of a group; None when there is no limit."""
        return self.max_occurs if self.repeats else 1
