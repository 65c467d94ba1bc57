"""What people type, and what it answers."""

import time as machine
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.answers import LONGEST_TEXT, Reason, Rejected, choices, clean, plain, read
from flows.items import PYTHON_TYPE, Item, ItemType, Option
from flows.values import Coding, Guess, PartialDate, Quantity, Value, decode, encode, spoken

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=ZoneInfo("America/New_York"))
TODAY = NOW.date()


def codings(*labels: str, ordinals: tuple[int, ...] = ()) -> tuple[Option, ...]:
    """Options with the labels as codes, and ordinal values if there are any."""
    values = [Decimal(ordinal) for ordinal in ordinals] or [None] * len(labels)
    pairs = zip(labels, values, strict=True)
    return tuple(Option(Coding(label, "s", label, ordinal), label) for label, ordinal in pairs)


def answer(item: Item, text: str) -> Value | Guess | Reason:
    """The one value of a text, what it may mean, or the reason for taking none."""
    match read(item, text, now=NOW):
        case Rejected(reason):
            return reason
        case Guess() as guess:
            return guess
        case values:
            (value,) = values
            return value


def chosen(item: Item, text: str) -> str | Guess | Reason:
    """The label of the option that is taken, the text as typed, what it may mean, or the reason for taking none."""
    match answer(item, text):
        case Coding(code):
            return code
        case Guess() | Reason() as other:
            return other
        case value:
            return str(value)


UCUM = "http://unitsofmeasure.org"
MG = (Coding("mg", UCUM, "milligrams"), Coding("g", UCUM, "grams"))
YES_NO = Item("q", ItemType.BOOLEAN, "Well?")
OFTEN = Item(
    "q",
    ItemType.CHOICE,
    "How often?",
    options=codings("Not at all", "Several days", "More than half the days", "Nearly every day", ordinals=(0, 1, 2, 3)),
)
UNSURE = Item("q", ItemType.CHOICE, "Did you?", options=codings("Yes", "No", "Not sure"))
TAKEN = Item(
    "q", ItemType.CHOICE, "Did you?", options=codings("Yes, as agreed", "I missed some", "I would rather not say")
)
COLOURS = Item("q", ItemType.CHOICE, "Which?", options=codings("Red", "Green", "Light blue"))
DRUG = Item(
    "q", ItemType.OPEN_CHOICE, "Which?", options=codings("Lorazepam (Ativan)", "Diazepam (Valium)"), max_length=40
)
DOSE = Item("q", ItemType.DECIMAL, "How much?", units=MG[:1], minimum=Decimal(0), maximum=Decimal(1000))
SLEEP = Item(
    "q", ItemType.DECIMAL, "How long?", units=(Coding("h", UCUM, "hours"),), minimum=Decimal(0), maximum=Decimal(24)
)
COUNT = Item("q", ItemType.INTEGER, "How many drinks did you have?", minimum=0, maximum=99)
FREE = Item("q", ItemType.INTEGER, "How many?")
DAY = Item("q", ItemType.DATE, "When?", maximum=TODAY)
NAME = Item("q", ItemType.STRING, "Your name?", max_length=10)
STORY = Item("q", ItemType.TEXT, "What happened?")


@pytest.mark.parametrize(
    "text", ["yes", "Yes", "YES!", " y ", "yeah", "yep", "Sí", "si\u0301", "ＹＥＳ", "true", "yes."]
)
def test_words_for_yes(text: str) -> None:
    assert answer(YES_NO, text) is True


@pytest.mark.parametrize("text", ["no", "No.", "N", "nope", "nah", "false", " NO\n"])
def test_words_for_no(text: str) -> None:
    assert answer(YES_NO, text) is False


@pytest.mark.parametrize("text", ["maybe", "yes and no", "not yet", "yes no", "1", "0", "👍", "?", "no idea"])
def test_p8_other_words_are_neither_yes_nor_no(text: str) -> None:
    assert chosen(YES_NO, text) == Reason.YES_OR_NO


@pytest.mark.parametrize(
    ("item", "text", "label"),
    [
        (OFTEN, "not at all", "Not at all"),
        (OFTEN, "Not at all.", "Not at all"),
        (OFTEN, "NEARLY EVERY DAY", "Nearly every day"),
        (OFTEN, "nearly", "Nearly every day"),
        (OFTEN, "sevral days", "Several days"),
        (OFTEN, "nearly evry day", "Nearly every day"),
        (OFTEN, "several\tdays", "Several days"),
        (UNSURE, "y", "Yes"),
        (UNSURE, "nope", "No"),
        (UNSURE, "not sure", "Not sure"),
        (UNSURE, "not shure", "Not sure"),
        (UNSURE, "3", "Not sure"),
        (COLOURS, "2", "Green"),
        (COLOURS, "2)", "Green"),
        (COLOURS, "light", "Light blue"),
        (DRUG, "lorazepam", "Lorazepam (Ativan)"),
        (DRUG, "Diazepam (Valium)", "Diazepam (Valium)"),
        (DRUG, "1", "Lorazepam (Ativan)"),
        (DRUG, "valium", "Diazepam (Valium)"),
        (DRUG, "oxazepam", "oxazepam"),
        (DRUG, "lorazepan ativan", "lorazepan ativan"),
    ],
)
def test_a_typed_option_is_taken(item: Item, text: str, label: str) -> None:
    assert chosen(item, text) == label


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (OFTEN, "0"),
        (OFTEN, "every"),
        (OFTEN, "days"),
        (OFTEN, "not all at"),
        (UNSURE, "sure"),
        (UNSURE, "unsure about it"),
        (UNSURE, "0"),
        (UNSURE, "4"),
        (UNSURE, "no yes"),
        (TAKEN, "I missed none"),
        (TAKEN, "I would rather say"),
        (TAKEN, "I wouldnt rather not say"),
        (COLOURS, "gre"),
        (COLOURS, "-2"),
        (COLOURS, "99"),
        (COLOURS, "٢"),
        (COLOURS, "purple"),
        (COLOURS, "Red Green"),
    ],
)
def test_p8_what_could_mean_another_option_or_none_is_not_taken(item: Item, text: str) -> None:
    assert chosen(item, text) == Reason.PICK_ONE


@pytest.mark.parametrize(
    ("label", "said"), [("Lorazepam", "Oxazepam"), ("Lorazepam", "Clonazepam"), ("Can come", "Cant come")]
)
def test_p8_a_similar_word_is_no_misspelling_when_it_means_something_else(label: str, said: str) -> None:
    assert chosen(Item("q", ItemType.CHOICE, options=codings(label, "Other")), said) == Reason.PICK_ONE


@pytest.mark.parametrize("text", ["2.", "#2", "(2)", " 2 ", "2!"])
def test_a_number_alone_names_an_option(text: str) -> None:
    assert chosen(COLOURS, text) == "Green"


@pytest.mark.parametrize("text", ["💊➗2❓", "2?", "2 👍", "➡️2", "2/2", "~2"])
def test_p8_a_number_with_a_sign_beside_it_names_none(text: str) -> None:
    assert isinstance(answer(COLOURS, text), Reason)


def test_a_number_may_name_the_option_when_its_place_and_its_score_agree() -> None:
    item = Item("q", ItemType.CHOICE, options=codings("Mild", "Bad", ordinals=(1, 2)))
    assert chosen(item, "2") == "Bad"


def test_a_prefix_of_two_options_means_neither() -> None:
    item = Item("q", ItemType.CHOICE, options=codings("I took less", "I took more"))
    assert chosen(item, "I took") == Reason.PICK_ONE


@pytest.mark.parametrize("kind", [ItemType.CHOICE, ItemType.OPEN_CHOICE])
def test_options_that_are_numbers_are_taken_as_numbers_zero_too(kind: ItemType) -> None:
    item = Item("q", kind, options=tuple(Option(number, str(number)) for number in (0, 1, 5)))
    assert [answer(item, text) for text in ("0", "1", "5")] == [0, 1, 5]


@pytest.mark.parametrize(
    ("item", "text", "number"),
    [
        (DOSE, "5", "5"),
        (DOSE, "0.5", "0.5"),
        (DOSE, "0,5", "0.5"),
        (DOSE, ".5", "0.5"),
        (DOSE, ",5", "0.5"),
        (DOSE, "5.", "5"),
        (DOSE, "5!", "5"),
        (DOSE, "5 mg", "5"),
        (DOSE, "5mg", "5"),
        (DOSE, "5 MG.", "5"),
        (DOSE, "2.5 milligrams", "2.5"),
        (DOSE, "1/2", "0.5"),
        (DOSE, "1 1/2", "1.5"),
        (DOSE, "1\t1/2", "1.5"),
        (DOSE, "1/2 mg", "0.5"),
        (DOSE, "½", "0.5"),
        (DOSE, "1½", "1.5"),
        (DOSE, "2 ¾ mg", "2.75"),
        (DOSE, "1⁄2", "0.5"),
        (DOSE, "1/3", "0.333333"),
        (DOSE, "half", "0.5"),
        (DOSE, "a quarter", "0.25"),
        (DOSE, "Twelve", "12"),
        (DOSE, "zero", "0"),
        (DOSE, "５", "5"),
        (DOSE, "1000", "1000"),
        (DOSE, "+5", "5"),
        (DOSE, "5\x00", "5"),
        (SLEEP, "8 hours", "8"),
        (SLEEP, "8h", "8"),
        (SLEEP, "7.5 hrs", "7.5"),
        (SLEEP, "one hour", "1"),
        (COUNT, "3 drinks", "3"),
        (COUNT, "3.0", "3"),
        (COUNT, "twelve", "12"),
        (FREE, "-3", "-3"),
        (FREE, "−3", "-3"),
    ],
)
def test_a_typed_number_is_taken(item: Item, text: str, number: str) -> None:
    assert answer(item, text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "²",
        "5²",
        "5₂",
        "٥",
        "१",
        "1,000",
        "1.000.000",
        "1,5,0",
        "..5",
        ". 5",
        "5 5",
        "1e9",
        "inf",
        "nan",
        "-inf",
        "0x10",
        "1_000",
        "5-10",
        "5 or 6",
        "1/0",
        "1/",
        "/2",
        "a lot",
        "5%",
        "5 mcg",
        "0.5 g",
        "5 hours",
        "2 times",
        "3 days",
        "5 a day",
        "half a mg",
        "mg",
        "--5",
        "5+",
        "Ⅷ",
        "9999999999",
        "1" * 5000,
    ],
)
def test_p8_what_could_be_another_number_is_not_taken(text: str) -> None:
    assert chosen(DOSE, text) == Reason.NUMBER


@pytest.mark.parametrize(("item", "text"), [(SLEEP, "8 mg"), (SLEEP, "8 days")])
def test_p8_a_number_in_another_unit_is_not_taken(item: Item, text: str) -> None:
    assert chosen(item, text) == Reason.NUMBER


@pytest.mark.parametrize("text", ["1.5", "half", "3 mg", "3 hours"])
def test_p8_a_whole_number_is_whole_and_without_a_foreign_unit(text: str) -> None:
    assert chosen(COUNT, text) == Reason.WHOLE_NUMBER


@pytest.mark.parametrize(
    ("item", "text"),
    [(DOSE, "-1"), (DOSE, "1000.1"), (DOSE, "1001"), (SLEEP, "24.5"), (COUNT, "100"), (DAY, "2026-11-24")],
)
def test_a_value_outside_the_limits_is_out_of_range(item: Item, text: str) -> None:
    assert chosen(item, text) == Reason.OUT_OF_RANGE


@pytest.mark.parametrize(("item", "text"), [(DOSE, "0"), (DOSE, "1000"), (SLEEP, "24"), (DAY, "2026-11-23")])
def test_the_limits_themselves_are_inside(item: Item, text: str) -> None:
    assert not isinstance(answer(item, text), Guess | Reason)


def test_a_whole_number_is_an_int_and_another_a_decimal() -> None:
    assert type(answer(COUNT, "3.0")) is int
    assert type(answer(DOSE, "3")) is Decimal


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-05", date(2026, 11, 5)),
        ("2026-1-5", date(2026, 1, 5)),
        ("11/5/2026", date(2026, 11, 5)),
        ("02/29/2024", date(2024, 2, 29)),
        ("today", TODAY),
        ("Yesterday!", date(2026, 11, 22)),
    ],
)
def test_a_typed_date_is_taken(text: str, day: date) -> None:
    assert answer(DAY, text) == day


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2/30/2026",
        "29/02/2025",
        "13/13/2026",
        "0000-01-01",
        "2025-02-29",
        "²/1/2026",
        "2026-W01-1",
        "20260101",
        "٢٠٢٦-٠١-٠١",
    ],
)
def test_p8_an_impossible_or_unclear_date_is_not_taken(text: str) -> None:
    assert chosen(DAY, text) == Reason.DATE


@pytest.mark.parametrize("item", [YES_NO, OFTEN, DRUG, DOSE, COUNT, DAY, NAME, STORY])
@pytest.mark.parametrize("text", ["", "  ", "\n\t ", "\x00", "\ud83d"])
def test_nothing_is_empty_everywhere(item: Item, text: str) -> None:
    assert chosen(item, text) == Reason.EMPTY


@pytest.mark.parametrize(("item", "longest"), [(NAME, 10), (DRUG, 40), (STORY, LONGEST_TEXT)])
def test_a_text_may_be_as_long_as_the_item_says_and_not_longer(item: Item, longest: int) -> None:
    assert chosen(item, "x" * longest) == "x" * longest
    assert chosen(item, "x" * (longest + 1)) == Reason.TOO_LONG


def test_a_text_of_5000_characters_is_too_long_for_every_text() -> None:
    assert {chosen(item, "word " * 1000) for item in (NAME, DRUG, STORY)} == {Reason.TOO_LONG}


def test_a_text_is_kept_as_typed_without_what_nobody_typed() -> None:
    assert chosen(STORY, " first\nsecond\x00line \ud83d 😀 ") == "first\nsecond line  😀"


def test_nobody_can_answer_what_is_no_question() -> None:
    with pytest.raises(ValueError, match="nobody can answer it"):
        read(Item("q", ItemType.DISPLAY, "Hello"), "hi", now=NOW)


def test_buttons_of_a_question() -> None:
    assert choices(YES_NO) == ((True, "Yes"), (False, "No"))
    assert [label for _, label in choices(UNSURE)] == ["Yes", "No", "Not sure"]
    assert choices(STORY) == ()


def guessed(item: Item, text: str) -> Value | None:
    """What a text may mean; None when it is certain or is not taken."""
    found = answer(item, text)
    return found.value if isinstance(found, Guess) else None


def test_a_group_asks_yes_or_no() -> None:
    group = Item("g", ItemType.GROUP, "Another medicine?", repeats=True)
    assert choices(group) == ((True, "Yes"), (False, "No"))
    assert [answer(group, text) for text in ("yes", "nope", "2")] == [True, False, Reason.YES_OR_NO]


def test_p8_a_number_that_is_a_place_and_a_score_is_a_guess() -> None:
    assert guessed(OFTEN, "2") == OFTEN.options[1].value
    assert guessed(OFTEN, "4") == OFTEN.options[3].value
    assert answer(OFTEN, "5") == Reason.PICK_ONE


def test_an_option_with_a_prefix_can_be_called_by_either() -> None:
    labels = ("0) Never", "1) Often")
    item = Item("q", ItemType.CHOICE, options=tuple(Option(Coding(words, "s", words[3:]), words) for words in labels))
    for text, meant in (("0", 0), ("1", 1), ("never", 0), ("oftn", 1), ("1) often", 1)):
        assert answer(item, text) == item.options[meant].value
    assert answer(item, "2") == Reason.PICK_ONE


DATES = Item(
    "q",
    ItemType.DATE,
    options=tuple(Option(day, f"{day:%B} {day.day}") for day in (date(2026, 3, 4), date(2026, 3, 5))),
)


@pytest.mark.parametrize(("text", "day"), [("March 5", 5), ("2026-03-05", 5), ("1", 4)])
def test_an_offered_date_is_taken_by_its_label_in_full_or_by_number(text: str, day: int) -> None:
    assert answer(DATES, text) == date(2026, 3, day)


@pytest.mark.parametrize("text", ["2026-03-06", "yesterday", "3/6", "3"])
def test_p8_a_date_that_is_not_offered_is_not_taken(text: str) -> None:
    assert answer(DATES, text) == Reason.PICK_ONE


def test_a_date_that_may_be_one_that_is_offered_is_confirmed() -> None:
    assert guessed(DATES, "3/4") == date(2026, 3, 4)


SEVERAL = Item(
    "q",
    ItemType.CHOICE,
    "Which?",
    repeats=True,
    options=codings("Red", "Blue", "Salt and pepper", "Light, blue", "None of these"),
)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("red", ["Red"]),
        ("red and blue", ["Red", "Blue"]),
        ("RED & blue", ["Red", "Blue"]),
        ("blue; red", ["Blue", "Red"]),
        ("blue, and red.", ["Blue", "Red"]),
        ("red\nblue", ["Red", "Blue"]),
        ("red, red,", ["Red"]),
        ("1, 3", ["Red", "Salt and pepper"]),
        ("1 and 2", ["Red", "Blue"]),
        ("salt and pepper", ["Salt and pepper"]),
        ("red and salt and pepper and blue", ["Red", "Salt and pepper", "Blue"]),
        ("light, blue", ["Light, blue"]),
        ("light, blue, blue", ["Light, blue", "Blue"]),
        ("slt and pepper, red", ["Salt and pepper", "Red"]),
    ],
)
def test_a_list_of_options_is_taken(text: str, labels: list[str]) -> None:
    values = read(SEVERAL, text, now=NOW)
    assert isinstance(values, tuple)
    assert [value.display for value in values if isinstance(value, Coding)] == labels


@pytest.mark.parametrize(
    "text",
    ["red, purple", "red, not blue", "red or blue", "red, no", "red red", "1 3", "1, 9", "salt, pepper", "and", "all"],
)
def test_p8_a_list_with_a_part_that_is_no_option_is_not_taken(text: str) -> None:
    assert answer(SEVERAL, text) == Reason.PICK_SOME


def test_p8_a_list_of_numbers_that_could_be_scores_is_not_taken() -> None:
    assert answer(replace(OFTEN, repeats=True), "1, 2") == Reason.PICK_SOME
    assert guessed(replace(OFTEN, repeats=True), "2") == OFTEN.options[1].value


def test_a_list_is_no_answer_where_one_is_asked_for() -> None:
    assert answer(replace(SEVERAL, repeats=False), "red and blue") == Reason.PICK_ONE
    assert answer(replace(SEVERAL, max_occurs=1), "red and blue") == Reason.PICK_ONE


def test_an_open_choice_of_several_takes_a_free_text_only_alone() -> None:
    several = replace(SEVERAL, type=ItemType.OPEN_CHOICE)
    assert read(several, "red and blue", now=NOW) == (SEVERAL.options[0].value, SEVERAL.options[1].value)
    assert answer(several, "green") == "green"
    assert answer(several, "red and green") == Reason.PICK_SOME


def test_one_message_is_one_value_where_there_are_no_options() -> None:
    assert answer(Item("q", ItemType.STRING, repeats=True), "eggs, milk and nuts") == "eggs, milk and nuts"
    assert answer(Item("q", ItemType.INTEGER, repeats=True), "1, 2") == Reason.WHOLE_NUMBER


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("two and a half", "2.5"),
        ("2 and a half mg", "2.5"),
        ("one and a quarter", "1.25"),
        ("2 and 1/2", "2.5"),
        ("three quarters", "0.75"),
        ("one half", "0.5"),
        ("twenty five", "25"),
        ("Twenty-five mg", "25"),
        ("nineteen", "19"),
        ("a hundred", "100"),
        ("one hundred and five", "105"),
        ("-0", "0"),
        ("5\u200f", "5"),
    ],
)
def test_numbers_in_words(text: str, number: str) -> None:
    assert str(answer(DOSE, text)).rstrip("0") == number.rstrip("0")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("about 3", 3),
        ("about five", 5),
        ("around 3 mg", 3),
        ("~3", 3),
        ("3ish", 3),
        ("3-ish", 3),
        ("3 or so", 3),
        ("maybe two and a half", Decimal("2.5")),
        ("a couple", 2),
        ("none", 0),
    ],
)
def test_p8_an_unsure_number_is_a_guess(text: str, number: Decimal) -> None:
    assert guessed(DOSE, text) == number


@pytest.mark.parametrize("text", ["2-3", "2 to 3", "2 or 3", "a few", "about", "more than 3", "twenty 5", "about 2-3"])
def test_p8_two_numbers_or_none_are_not_taken(text: str) -> None:
    assert answer(DOSE, text) == Reason.NUMBER
    assert answer(COUNT, text) == Reason.WHOLE_NUMBER


def test_a_long_text_is_no_number() -> None:
    assert answer(DOSE, "5" + " " * 100 + "mg") == Reason.NUMBER


def test_a_guess_keeps_to_the_limits() -> None:
    assert answer(DOSE, "about 1001") == Reason.OUT_OF_RANGE
    assert type(guessed(COUNT, "about 3")) is int


def test_decimal_places_and_the_length_of_a_number() -> None:
    item = Item("q", ItemType.DECIMAL, decimal_places=2, max_length=5)
    assert [answer(item, text) for text in ("1.25", "1.200", "12345")] == [Decimal("1.25"), Decimal("1.2"), 12345]
    assert answer(item, "1.255") == answer(item, "1/3") == Reason.DECIMALS
    assert answer(item, "123456") == Reason.TOO_LONG
    assert answer(replace(item, type=ItemType.INTEGER), "1.5") == Reason.WHOLE_NUMBER


def test_a_percent_sign_is_a_unit() -> None:
    share = Item("q", ItemType.DECIMAL, units=(Coding("%"),))
    assert answer(share, "50%") == answer(share, "50 %") == 50


AMOUNT = Item("q", ItemType.QUANTITY, "How much?", units=MG[:1])
EITHER = Item("q", ItemType.QUANTITY, "How much?", units=MG, maximum=Quantity(Decimal(100), "milligrams", "mg", UCUM))
ANY = Item("q", ItemType.QUANTITY, "How much?")


@pytest.mark.parametrize(
    ("item", "text", "quantity"),
    [
        (AMOUNT, "5 mg", Quantity(Decimal(5), "milligrams", "mg", UCUM)),
        (AMOUNT, "2.5MILLIGRAMS", Quantity(Decimal("2.5"), "milligrams", "mg", UCUM)),
        (AMOUNT, "5", Quantity(Decimal(5), "milligrams", "mg", UCUM)),
        (AMOUNT, "two and a half mg", Quantity(Decimal("2.5"), "milligrams", "mg", UCUM)),
        (EITHER, "0.5 g", Quantity(Decimal("0.5"), "grams", "g", UCUM)),
        (EITHER, "5 mg", Quantity(Decimal(5), "milligrams", "mg", UCUM)),
        (EITHER, "1000 g", Quantity(Decimal(1000), "grams", "g", UCUM)),
        (ANY, "5", Quantity(Decimal(5))),
        (ANY, "5 cups", Quantity(Decimal(5), "cups")),
        (ANY, "two and a half fl oz", Quantity(Decimal("2.5"), "fl oz")),
        (ANY, "5mg/kg", Quantity(Decimal(5), "mg/kg")),
        (
            replace(ANY, units=(Coding("kg/m2", UCUM, "kg/m²"),)),
            "25 kg/m²",
            Quantity(Decimal(25), "kg/m²", "kg/m2", UCUM),
        ),
    ],
)
def test_a_quantity_is_taken_with_its_unit(item: Item, text: str, quantity: Quantity) -> None:
    assert answer(item, text) == quantity


@pytest.mark.parametrize(
    ("item", "text", "reason"),
    [
        (EITHER, "5", Reason.UNIT),
        (EITHER, "5 hours", Reason.UNIT),
        (AMOUNT, "5 hours", Reason.UNIT),
        (AMOUNT, "mg", Reason.NUMBER),
        (AMOUNT, "2-3 mg", Reason.NUMBER),
        (AMOUNT, "5² mg", Reason.NUMBER),
        (ANY, "5 or six", Reason.NUMBER),
        (ANY, "5 in the morning", Reason.NUMBER),
        (EITHER, "101 mg", Reason.OUT_OF_RANGE),
        (replace(AMOUNT, minimum=Decimal(10)), "5", Reason.OUT_OF_RANGE),
        (replace(AMOUNT, decimal_places=1), "0.25 mg", Reason.DECIMALS),
    ],
)
def test_p8_a_quantity_without_a_clear_number_and_unit_is_not_taken(item: Item, text: str, reason: Reason) -> None:
    assert answer(item, text) == reason


def test_an_unsure_quantity_is_a_guess() -> None:
    assert guessed(AMOUNT, "about 5 mg") == Quantity(Decimal(5), "milligrams", "mg", UCUM)


WHEN = Item("q", ItemType.DATE, "When?")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("March 4, 2026", date(2026, 3, 4)),
        ("mar. 4th 2026", date(2026, 3, 4)),
        ("4 March 2026", date(2026, 3, 4)),
        ("4th of March, 2026", date(2026, 3, 4)),
        ("4-Mar-2026", date(2026, 3, 4)),
        ("Wednesday, March 4, 2026", date(2026, 3, 4)),
        ("2026/3/4", date(2026, 3, 4)),
        ("\u200e3/4/2026", date(2026, 3, 4)),
        ("tomorrow", date(2026, 11, 24)),
        ("2019", PartialDate(2019)),
        ("March 2019", PartialDate(2019, 3)),
        ("2019-03", PartialDate(2019, 3)),
        ("3/2019", PartialDate(2019, 3)),
    ],
)
def test_a_date_that_says_all_is_certain(text: str, day: date | PartialDate) -> None:
    assert answer(WHEN, text) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("3/4", date(2026, 3, 4)),
        ("12/25", date(2025, 12, 25)),
        ("3/4/26", date(2026, 3, 4)),
        ("14/3/2026", date(2026, 3, 14)),
        ("last Tuesday", date(2026, 11, 17)),
        ("thurs", date(2026, 11, 19)),
        ("last week", date(2026, 11, 16)),
        ("two weeks ago", date(2026, 11, 9)),
        ("a couple of days ago", date(2026, 11, 21)),
        ("day before yesterday", date(2026, 11, 21)),
        ("the 3rd", date(2026, 11, 3)),
        ("on the 31st", date(2026, 10, 31)),
        ("last night", date(2026, 11, 22)),
        ("last month", PartialDate(2026, 10)),
        ("a month ago", PartialDate(2026, 10)),
        ("december", PartialDate(2025, 12)),
        ("two years ago", PartialDate(2024)),
        ("in 2019", PartialDate(2019)),
        ("around 2019", PartialDate(2019)),
    ],
)
def test_p8_a_date_that_has_to_be_interpreted_is_a_guess(text: str, day: date | PartialDate) -> None:
    assert guessed(WHEN, text) == day


@pytest.mark.parametrize(
    "text",
    [
        "2",
        "12",
        "half",
        "½",
        "2.5",
        "1 2",
        "23",
        "99",
        "'99",
        "one",
        "a",
        "christmas",
        "noon",
        "5pm",
        "10:30",
        "5-6 may",
        "may 5 or 6",
        "2 days before yesterday",
        "yesterday or today",
        "monday 3/4",
        "Tuesday, March 4, 2026",
        "2026-13-01",
        "the 32nd",
        "1700000000",
        "3/4/1826",
        "12/31/9999",
        "tomorrow EST",
        "q1 2020",
        "yesterday 3",
        "٣/٤/٢٠٢٦",
        "when " * 20,
    ],
)
def test_p8_what_is_no_date_is_not_even_a_guess(text: str) -> None:
    assert answer(WHEN, text) == Reason.DATE


def test_where_only_later_dates_are_asked_for_the_next_one_is_meant() -> None:
    visit = replace(WHEN, minimum=TODAY)
    assert guessed(visit, "12/25") == date(2026, 12, 25)
    assert guessed(visit, "friday") == date(2026, 11, 27)
    for earliest in (date(2020, 1, 1), PartialDate(2026)):
        assert guessed(replace(WHEN, minimum=earliest), "friday") == date(2026, 11, 20)


def test_p8_a_form_that_asks_for_the_day_first_is_read_so() -> None:
    day_first = replace(WHEN, entry_format="DD-MM-YYYY")
    assert answer(day_first, "4/3/2026") == answer(day_first, "04-03-2026") == date(2026, 3, 4)
    assert guessed(day_first, "4/3") == date(2026, 3, 4)
    assert guessed(WHEN, "04-03-2026") == date(2026, 4, 3)


def test_limits_of_dates_go_as_far_as_both_are_known() -> None:
    item = replace(WHEN, minimum=date(2019, 3, 15), maximum=TODAY)
    assert answer(item, "2019") == PartialDate(2019)
    assert answer(item, "March 2019") == PartialDate(2019, 3)
    assert answer(item, "2018") == answer(item, "tomorrow") == answer(item, "next tuesday") == Reason.OUT_OF_RANGE


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_p8_only_the_time_of_the_patient_counts(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the clock nor the zone of the machine; the years are far from any it can have."""
    monkeypatch.setenv("TZ", zone)
    machine.tzset()
    try:
        for year in (2001, 2101):
            now = datetime(year, 11, 23, 23, 30, tzinfo=ZoneInfo("Asia/Tokyo"))
            assert read(WHEN, "3/4", now=now) == Guess(date(year, 3, 4))
            assert read(WHEN, "two days ago", now=now) == Guess(date(year, 11, 21))
            assert read(WHEN, "29 feb", now=now) == Guess(date(2000 if year == 2001 else 2096, 2, 29))
            assert read(MOMENT, "an hour ago", now=now) == Guess(now.replace(hour=22))
    finally:
        monkeypatch.undo()
        machine.tzset()


AT = Item("q", ItemType.TIME, "At what time?")


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("5pm", time(17)),
        ("5 P.M.", time(17)),
        ("5:30p", time(17, 30)),
        ("12am", time(0)),
        ("12 pm", time(12)),
        ("10:30 AM", time(10, 30)),
        ("noon", time(12)),
        ("Midnight", time(0)),
        ("15:30", time(15, 30)),
        ("03:30", time(3, 30)),
        ("1730", time(17, 30)),
        ("10:30:45", time(10, 30, 45)),
        ("half past 3 in the afternoon", time(15, 30)),
        ("quarter to nine pm", time(20, 45)),
        ("twenty five past four am", time(4, 25)),
        ("7 at night", time(19)),
        ("at 7 in the evening", time(19)),
        ("11 this morning", time(11)),
        ("now", time(14, 30)),
    ],
)
def test_a_time_that_says_its_half_of_the_day_is_certain(text: str, clock: time) -> None:
    assert answer(AT, text) == clock


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("3", time(15)),
        ("3:30", time(15, 30)),
        ("three thirty", time(15, 30)),
        ("half past 3", time(15, 30)),
        ("quarter to nine", time(8, 45)),
        ("3 o'clock", time(15)),
        ("10:30", time(10, 30)),
        ("930", time(9, 30)),
        ("12:30", time(12, 30)),
        ("22", time(22)),
        ("around 5pm", time(17)),
    ],
)
def test_p8_a_time_of_either_half_of_the_day_is_a_guess(text: str, clock: time) -> None:
    assert guessed(AT, text) == clock


@pytest.mark.parametrize(
    "text",
    ["24:00", "10:75", "17:30 pm", "0:30 am", "5-6pm", "5 or 6", "2.5", "half", "tonight", "12 in the morning", "none"],
)
def test_p8_what_is_no_time_is_not_taken(text: str) -> None:
    assert answer(AT, text) == Reason.TIME


def test_a_time_has_limits_too() -> None:
    assert answer(replace(AT, maximum=time(12)), "5pm") == Reason.OUT_OF_RANGE


MOMENT = Item("q", ItemType.DATE_TIME, "When?")


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=NOW.tzinfo)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("yesterday at 5pm", local(2026, 11, 22, 17)),
        ("5pm yesterday", local(2026, 11, 22, 17)),
        ("2026-03-04 10:00", local(2026, 3, 4, 10)),
        ("2026-03-04T10:00:30", local(2026, 3, 4, 10, 0, 30)),
        ("2026-03-04T10:00Z", local(2026, 3, 4, 5)),
        ("2026-03-04T10:00+02:00", local(2026, 3, 4, 3)),
        ("3/4/2026 5:30 pm", local(2026, 3, 4, 17, 30)),
        ("Tuesday, November 17, 2026, 5:00 PM", local(2026, 11, 17, 17)),
        ("at noon on March 4, 2026", local(2026, 3, 4, 12)),
        ("now", local(2026, 11, 23, 14, 30)),
        ("2026-03-04", date(2026, 3, 4)),
        ("yesterday", date(2026, 11, 22)),
        ("March 2019", PartialDate(2019, 3)),
    ],
)
def test_a_date_with_a_time_is_taken_in_the_zone_of_the_patient(text: str, moment: Value) -> None:
    found = answer(MOMENT, text)
    assert found == moment
    assert getattr(found, "tzinfo", NOW.tzinfo) is NOW.tzinfo


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("3/4/2026 10:00", local(2026, 3, 4, 10)),
        ("yesterday at 3", local(2026, 11, 22, 15)),
        ("tuesday at half past 3", local(2026, 11, 17, 15, 30)),
        ("last night", local(2026, 11, 22, 20)),
        ("last night at 11", local(2026, 11, 22, 23)),
        ("yesterday evening at 7", local(2026, 11, 22, 19)),
        ("two hours ago", local(2026, 11, 23, 12, 30)),
        ("5pm", local(2026, 11, 22, 17)),
        ("10:30", local(2026, 11, 23, 10, 30)),
        ("march 4", date(2026, 3, 4)),
        ("last month", PartialDate(2026, 10)),
    ],
)
def test_p8_an_interpreted_moment_is_a_guess(text: str, moment: Value) -> None:
    assert guessed(MOMENT, text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "0900",
        "yesterday 3",
        "yesterday 0900",
        "last night at 2",
        "11 last night",
        "yesterday 5pm EST",
        "2026-03-04T99:00Z",
        "x",
    ],
)
def test_p8_an_unclear_moment_is_not_taken(text: str) -> None:
    assert answer(MOMENT, text) == Reason.DATE_TIME


def test_a_time_alone_is_still_to_come_where_only_later_ones_are_asked_for() -> None:
    later = replace(MOMENT, minimum=local(2026, 11, 23))
    assert guessed(later, "10:30") == local(2026, 11, 24, 10, 30)
    assert guessed(later, "5pm") == local(2026, 11, 23, 17)


CODE = Item("q", ItemType.STRING, "Code?", pattern="[A-Z][0-9]{2}", min_length=3)


@pytest.mark.parametrize("pattern", ["[A-Z][0-9]{2}", "^[A-Z][0-9]{2}$", r"\A[A-Z]\d\d\Z"])
def test_a_pattern_matches_the_whole_text_with_or_without_anchors(pattern: str) -> None:
    item = replace(CODE, pattern=pattern)
    assert answer(item, " A12 ") == "A12"
    assert {answer(item, text) for text in ("A123", "xA12", "a12", "A12\nB34")} == {Reason.PATTERN}
    assert answer(item, "A1") == Reason.TOO_SHORT


def test_p10_a_pattern_that_never_ends_is_cut_off() -> None:
    item = replace(CODE, pattern="(a|aa)+[cd]?")
    assert answer(item, "a" * 100 + "!") == Reason.PATTERN


def test_a_line_is_one_line_and_a_text_keeps_its_lines() -> None:
    assert answer(Item("q", ItemType.STRING), "first\n\n second\u2028third") == "first second third"
    assert answer(Item("q", ItemType.TEXT), "first\nsecond") == "first\nsecond"


LINK = Item("q", ItemType.URL, "Where?")


@pytest.mark.parametrize(
    "text", ["https://example.org/a?b=c", "HTTP://example.org", "urn:oid:1.2.3", "mailto:a@example.org", "ftp://a.b"]
)
def test_a_link_with_a_scheme_is_taken(text: str) -> None:
    assert answer(LINK, text) == text


@pytest.mark.parametrize("text", ["example.org", "www.example.org/path?q", "sub.example.co.uk:8080/x"])
def test_a_domain_may_be_a_link(text: str) -> None:
    assert guessed(LINK, text) == f"https://{text}"


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "my site is example.org",
        "https://",
        "https:///path",
        "note:hello",
        "javascript:alert(1)",
        "javascript://example.org/%0aalert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https://exa\u202emple.org",
        "a@example.org",
        "3.5",
    ],
)
def test_what_is_no_link_or_a_harmful_one_is_not_taken(text: str) -> None:
    assert answer(LINK, text) == Reason.LINK


@pytest.mark.parametrize("item", [STORY, LINK, MOMENT, SEVERAL, AMOUNT])
def test_marks_without_a_shape_are_no_answer(item: Item) -> None:
    assert answer(item, "\u200f\u200b \ufeff") == Reason.EMPTY


ITEMS = [
    *[YES_NO, OFTEN, DRUG, SEVERAL, replace(SEVERAL, type=ItemType.OPEN_CHOICE), DATES, DOSE, COUNT, FREE, DAY, WHEN],
    *[NAME, STORY, CODE, LINK, AT, MOMENT, AMOUNT, EITHER, ANY, Item("g", ItemType.GROUP, repeats=True)],
    replace(WHEN, minimum=TODAY, entry_format="dd.mm.yyyy"),
]
LONE = "\ud83d"
words = st.sampled_from(
    "yes no half a and or about 2 12 two twenty mg g hours red blue several days last next tuesday ago week month year "
    "march 3/4 2026 5pm 10:30 past quarter to at noon night in the yesterday today now ½ ² ，5 ５ ٣ - : / . , https:// "
    f"example.org {LONE} \u200f \x00 EST T Z 99999999999 + utc".split(" ")
)
typed = st.one_of(
    st.text(alphabet=st.characters()),
    st.text(alphabet=st.characters(categories=["N", "P", "Zs", "Cs", "Cc", "Cf"]), max_size=12),
    st.text(alphabet="0123456789.,/-+: ½¼²mghapt", max_size=16),
    st.from_regex(
        r"\A[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?(Z|\+[0-9]{2}:00)?\Z"
    ),
    st.lists(words, min_size=1, max_size=7).map(" ".join),
    st.lists(words, min_size=1, max_size=7).map("".join),
    st.builds(str.__mul__, words, st.integers(500, 1500)),
)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item.type}-{item.text}")
@given(typed)
def test_any_text_gives_values_of_the_right_type_within_the_limits_or_is_rejected(item: Item, text: str) -> None:
    found = read(item, text, now=NOW)
    if isinstance(found, Rejected):
        return
    values = (found.value,) if isinstance(found, Guess) else found
    assert 1 <= len(values) <= (len(item.options) if item.takes_several else 1)
    for value in values:
        if item.type in PYTHON_TYPE:
            assert isinstance(value, PYTHON_TYPE[item.type])
        if item.type is not ItemType.OPEN_CHOICE and item.options:
            assert value in [option.value for option in item.options]
        if isinstance(value, str):
            value.encode()
            assert (item.min_length or 1) <= len(value) <= (item.max_length or LONGEST_TEXT)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            assert (item.minimum is None or item.minimum <= value) and (item.maximum is None or value <= item.maximum)  # type: ignore[operator]
        if isinstance(value, Quantity) and item.units:
            assert value.code in [unit.code for unit in item.units]
        if isinstance(value, datetime):
            assert value.tzinfo is NOW.tzinfo
        assert decode(encode(value)) is not None
        assert spoken(value)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: f"{item.type}-{item.text}")
def test_p8_a_certain_value_in_the_bots_own_words_is_read_as_itself(item: Item) -> None:
    """What the bot shows can be typed back, and is never taken for something else."""
    said = {
        ItemType.DATE: [date(2026, 3, 4), PartialDate(2019), PartialDate(2019, 3)],
        ItemType.TIME: [time(hour, 30) for hour in range(24)],
        ItemType.DATE_TIME: [local(2026, 3, 4, hour, 5) for hour in range(24)],
        ItemType.DECIMAL: [Decimal("2.5")],
        ItemType.QUANTITY: [Quantity(Decimal(5), "milligrams", "mg", UCUM)],
    }
    for value in said.get(item.type, []):
        found = answer(item, spoken(value))
        if item is not ANY and found not in {Reason.OUT_OF_RANGE, Reason.PICK_ONE}:
            assert found == value
    for value, label in choices(item):
        assert answer(item, label) == value


@given(st.decimals(0, 1000, places=3), st.sampled_from(["", " ", " mg", "mg", "."]))
def test_a_plain_decimal_is_read_exactly(number: Decimal, ending: str) -> None:
    assert answer(DOSE, f"{number}{ending}") == number


@given(st.integers(0, 99), st.integers(1, 20), st.integers(1, 20))
def test_a_mixed_fraction_is_read_to_six_places(whole: int, top: int, bottom: int) -> None:
    found = answer(DOSE, f"{whole} {top}/{bottom}")
    assert isinstance(found, Decimal)
    assert abs(found - (whole + Decimal(top) / bottom)) <= Decimal("0.0000005")


@given(st.text())
def test_cleaning_and_folding_twice_is_the_same_as_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert plain(plain(text)) == plain(text)


def test_yes_and_no_may_mean_the_one_option_that_begins_so() -> None:
    labels = ("Yes, I still take it", "Not any more", "No, I stopped")
    asked = Item("a", ItemType.CHOICE, options=tuple(Option(label, label) for label in labels))
    assert read(asked, "yep", now=NOW) == Guess(labels[0])
    assert read(asked, "no", now=NOW) == Guess(labels[2])
    twice = Item("a", ItemType.CHOICE, options=tuple(Option(label, label) for label in ("Yes, often", "Yes, once")))
    assert read(twice, "yes", now=NOW) == Rejected(Reason.PICK_ONE)


# Options that are found by typing

FRUIT = (
    Option(Coding("apple", "s", "Apple (Granny Smith)"), "Apple (Granny Smith)", also=("Apple", "Granny Smith")),
    Option(Coding("pear", "s", "Pear"), "Pear", also=("Birne", "Abate-Fetel")),
    *codings("Cherry", "Plum", "Peach", "Orange", "Blackberry", "Dragonfruit", "Oranges and lemons", "No fruit"),
)
SEARCHED = Item(
    "q", ItemType.OPEN_CHOICE, "Which?", options=FRUIT, autocomplete=True, others=("blackbird", "orangutan")
)
CLOSED = replace(SEARCHED, type=ItemType.CHOICE)
BASKET = replace(SEARCHED, repeats=True)
BY_CODE = {option.value.code: option.value for option in FRUIT if isinstance(option.value, Coding)}


def test_only_the_first_six_stand_on_buttons() -> None:
    assert [label for _, label in choices(SEARCHED)] == [option.label for option in FRUIT[:6]]
    assert len(choices(replace(SEARCHED, autocomplete=False))) == len(FRUIT)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Apple (Granny Smith)", "apple"),
        ("apple", "apple"),
        ("GRANNY  SMITH!", "apple"),
        ("granny-smith", "apple"),
        ("birne", "pear"),
        ("abate fetel", "pear"),
        ("my apple 1mg", "apple"),
        ("dragonfruit", "Dragonfruit"),
        ("one plum a day", "Plum"),
        ("no fruit", "No fruit"),
        ("2", "pear"),
    ],
)
def test_any_name_of_an_option_is_that_option(text: str, code: str) -> None:
    for item in (SEARCHED, CLOSED, BASKET):
        assert answer(item, text) == BY_CODE[code]


@pytest.mark.parametrize(
    ("text", "code"),
    [("blakbery", "Blackberry"), ("dragonfrut", "Dragonfruit"), ("dragon", "Dragonfruit"), ("cherry pie", "Cherry")],
)
def test_a_name_that_is_only_close_is_a_guess_and_own_words_else(text: str, code: str) -> None:
    assert read(SEARCHED, text, now=NOW) == Guess(BY_CODE[code], otherwise=text)
    assert read(BASKET, text, now=NOW) == Guess(BY_CODE[code], otherwise=text)
    assert read(CLOSED, text, now=NOW) == Guess(BY_CODE[code])


@pytest.mark.parametrize(
    "text", ["a cake", "blackbird", "blackbirt", "orangutan", "not an apple", "plum peach", "7", "77"]
)
def test_what_is_none_of_the_options_stays_in_the_persons_own_words(text: str) -> None:
    assert read(SEARCHED, text, now=NOW) == (text,)
    assert read(CLOSED, text, now=NOW) == Rejected(Reason.PICK_ONE)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("apple and pear", ("apple", "pear")),
        ("plum, birne & granny smith", ("Plum", "pear", "apple")),
        ("apple, apple", ("apple",)),
        ("plum and", ("Plum",)),
        ("plum, , and peach", ("Plum", "Peach")),
        ("oranges and lemons", ("Oranges and lemons",)),
        ("oranges and lemons and plum", ("Oranges and lemons", "Plum")),
        ("plum\noranges and lemons", ("Plum", "Oranges and lemons")),
        ("apple 2 mg, a cake", ("apple", "a cake")),
        ("a cake and a drink", ("a cake and a drink",)),
    ],
)
def test_a_list_is_every_option_that_it_names(text: str, values: tuple[str, ...]) -> None:
    assert read(BASKET, text, now=NOW) == tuple(BY_CODE.get(value, value) for value in values)


def test_a_list_with_a_name_that_is_only_close_is_asked_again() -> None:
    assert read(BASKET, "apple and blakbery", now=NOW) == Rejected(Reason.PICK_SOME)
    assert read(replace(CLOSED, repeats=True), "apple, a cake", now=NOW) == Rejected(Reason.PICK_SOME)


def test_own_words_have_their_limits_in_a_list_too() -> None:
    short = replace(BASKET, max_length=5)
    assert read(short, "apple, a long cake", now=NOW) == Rejected(Reason.TOO_LONG)
    assert read(short, "dragonfrut", now=NOW) == Guess(BY_CODE["Dragonfruit"])


@given(st.text(max_size=200))
def test_any_text_can_be_searched_for(text: str) -> None:
    for item in (SEARCHED, CLOSED, BASKET):
        found = read(item, text, now=NOW)
        values = found if isinstance(found, tuple) else (found.value,) if isinstance(found, Guess) else ()
        assert all(value in BY_CODE.values() or item.type is ItemType.OPEN_CHOICE for value in values)
