"""A questionnaire as a Mermaid flowchart that a clinician can follow."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flows.conditions import Condition, Every, Operator, Some, Test
from flows.items import Item, ItemType
from flows.questionnaire import Questionnaire
from flows.values import DECLINED, Coding, Value, spoken

MOST_OPTIONS = 7
LONGEST = 160
"""Characters of a text in a box; the rest is left out."""

LONGEST_CONDITION = 400

COMPARED = {
    Operator.EQUAL: "is",
    Operator.NOT_EQUAL: "is not",
    Operator.GREATER: "is more than",
    Operator.LESS: "is less than",
    Operator.GREATER_OR_EQUAL: "is at least",
    Operator.LESS_OR_EQUAL: "is at most",
}


def mermaid(questionnaire: Questionnaire) -> str:
    """The way through a questionnaire: boxes are questions, hexagons decide, slanted boxes are computed."""
    drawing = _Drawing(questionnaire)
    ends = drawing.items(questionnaire.items, [("begin", "")], 1)
    drawing.box("review", '(["Review, change, send"])', ends, 1)
    return "\n".join(["flowchart TD", '    begin(["Begin"])', *drawing.lines, *drawing.arrows])


End = tuple[str, str]
"""A box that an arrow still has to leave, and the word on that arrow."""


@dataclass
class _Drawing:
    questionnaire: Questionnaire
    lines: list[str] = field(default_factory=list)
    arrows: list[str] = field(default_factory=list)
    """They come last: a box belongs to the frame in which Mermaid meets it first."""

    def items(self, items: Sequence[Item], ends: list[End], depth: int) -> list[End]:
        for item in items:
            if item.hidden and not item.calculated:
                continue
            asked = self._asked_if(item)
            if asked:
                name = f"if{self.questionnaire.positions[item.link_id]}"
                self.box(name, f'{{{{"{_short(asked, LONGEST_CONDITION)}"}}}}', ends, depth)
                ends = [*self._item(item, [(name, "yes")], depth), (name, "no")]
            else:
                ends = self._item(item, ends, depth)
        return ends

    def box(self, name: str, shape: str, ends: list[End], depth: int) -> None:
        """A box, and the arrows that lead to it."""
        self.lines.append("    " * depth + name + shape)
        self.arrows += [_arrow(end, word, name) for end, word in ends]

    def _item(self, item: Item, ends: list[End], depth: int) -> list[End]:
        name = f"q{self.questionnaire.positions[item.link_id]}"
        if item.type is ItemType.GROUP:
            return self._group(item, name, ends, depth)
        if item.type is ItemType.DISPLAY:
            self.box(name, f'>"{_short(item.text)}"]', ends, depth)
        elif not item.is_asked:
            word = "computed" if item.calculated else "shown"
            self.box(name, f'[/"{_short(item.text)}<br/><i>{word}</i>"/]', ends, depth)
        else:
            self.box(name, f'["{_short(item.text)}{_answers(item)}"]', ends, depth)
        return self.items(item.items, [(name, "")], depth)

    def _group(self, group: Item, name: str, ends: list[End], depth: int) -> list[End]:
        pad = "    " * depth
        title = _short(group.text, 60)
        self.lines.append(f'{pad}subgraph g{name}["{title}"]')
        if group.repeats:
            self.box(name, '(["Once for each"])', ends, depth + 1)
            ends = [(name, "")]
        ends = self.items(group.items, ends, depth + 1)
        if group.repeats:
            again = f"again{name}"
            self.box(again, '{{"Another one?"}}', ends, depth + 1)
            self.arrows.append(_arrow(again, "yes", name))
            ends = [(again, "no")]
        self.lines.append(f"{pad}end")
        return ends

    def _asked_if(self, item: Item) -> str:
        if item.enable_expression is not None:
            return item.enable_expression
        return "" if item.enable_when is None else self._words(item.enable_when)

    def _words(self, test: Test) -> str:
        match test:
            case Condition(question, Operator.EXISTS, answer):
                return f"{self._name(question)}: {'answered' if answer else 'not answered'}"
            case Condition(question, operator, answer):
                return f"{self._name(question)} {COMPARED[operator]} {self._value(question, answer)}"
            case Every(parts):
                return " and ".join(map(self._words, parts))
            case Some(parts):
                questions = {part.question for part in parts if isinstance(part, Condition)}
                if len(questions) == 1 and all(_is_equality(part) for part in parts):
                    (question,) = questions
                    values = [self._value(question, part.answer) for part in parts if isinstance(part, Condition)]
                    return f"{self._name(question)} is {', '.join(values[:-1])} or {values[-1]}"
                return " or ".join(map(self._words, parts))

    def _name(self, question: str) -> str:
        asked = self.questionnaire.find(question)
        text = asked.text if asked is not None else question
        return f"“{textwrap.shorten(text, 50, placeholder='…')}”"

    def _value(self, question: str, value: Value) -> str:
        """An answer by the words on its button."""
        asked = self.questionnaire.find(question)
        labels = (option.label for option in (asked.options if asked is not None else ()) if option.value == value)
        return next(labels, value.code or value.display if isinstance(value, Coding) else spoken(value))


def _is_equality(test: Test) -> bool:
    return isinstance(test, Condition) and test.operator is Operator.EQUAL


def _answers(item: Item) -> str:
    """What can be answered, in small letters under the question."""
    found = list(_options(item))
    if item.takes_several:
        found.append("several")
    if not item.least:
        found.append("skip")
    return f"<br/><i>{_short(' · '.join(found))}</i>" if found else ""


def _options(item: Item) -> Iterator[str]:
    if item.options:
        yield from (option.label for option in item.options[:MOST_OPTIONS])
        yield from ["…"] * (len(item.options) > MOST_OPTIONS)
    elif item.type is ItemType.BOOLEAN:
        yield "Yes"
        yield "No"
    else:
        yield " ".join(filter(None, (f"a {item.type.value}", item.unit and f"in {item.unit}")))
    if item.may_decline:
        yield DECLINED.display


def _arrow(end: str, word: str, name: str) -> str:
    return f"{end} -- {word} --> {name}" if word else f"{end} --> {name}"


def _short(text: str, limit: int = LONGEST) -> str:
    return _escaped(textwrap.shorten(text, limit, placeholder="…")) or " "


def _escaped(text: str) -> str:
    """Text without what Mermaid would read as its own."""
    return (
        text.replace("&", "&amp;")
        .replace('"', "&quot;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("#", "&num;")
    )
