"""What people type, and what it answers."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.answers import LONGEST_TEXT, Reason, Rejected, choices, clean, plain, read
from flows.questionnaire import Item, ItemType, Option
from flows.values import Coding, Value

TODAY = date(2026, 11, 23)


def codings(*labels: str, ordinals: tuple[int, ...] = ()) -> tuple[Option, ...]:
    """Options with the labels as codes, and ordinal values if there are any."""
    values = [Decimal(ordinal) for ordinal in ordinals] or [None] * len(labels)
    pairs = zip(labels, values, strict=True)
    return tuple(Option(Coding(label, "s", label, ordinal), label) for label, ordinal in pairs)


def chosen(item: Item, text: str) -> str | Reason:
    """The label of the option that is taken, the text as typed, or the reason for taking none."""
    match read(item, text, today=TODAY):
        case Rejected(reason):
            return reason
        case Coding(code):
            return code
        case value:
            return str(value)


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
DOSE = Item("q", ItemType.DECIMAL, "How much?", unit="mg", minimum=Decimal(0), maximum=Decimal(1000))
SLEEP = Item("q", ItemType.DECIMAL, "How long?", unit="hours", minimum=Decimal(0), maximum=Decimal(24))
COUNT = Item("q", ItemType.INTEGER, "How many drinks did you have?", minimum=0, maximum=99)
FREE = Item("q", ItemType.INTEGER, "How many?")
DAY = Item("q", ItemType.DATE, "When?", maximum=TODAY)
NAME = Item("q", ItemType.STRING, "Your name?", max_length=10)
STORY = Item("q", ItemType.TEXT, "What happened?")


@pytest.mark.parametrize(
    "text", ["yes", "Yes", "YES!", " y ", "yeah", "yep", "Sí", "si\u0301", "ＹＥＳ", "true", "yes."]
)
def test_words_for_yes(text: str) -> None:
    assert read(YES_NO, text, today=TODAY) is True


@pytest.mark.parametrize("text", ["no", "No.", "N", "nope", "nah", "false", " NO\n"])
def test_words_for_no(text: str) -> None:
    assert read(YES_NO, text, today=TODAY) is False


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
        (OFTEN, "2"),
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
        (TAKEN, "yes"),
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


def test_a_number_may_name_the_option_when_its_place_and_its_score_agree() -> None:
    item = Item("q", ItemType.CHOICE, options=codings("Mild", "Bad", ordinals=(1, 2)))
    assert chosen(item, "2") == "Bad"


def test_a_prefix_of_two_options_means_neither() -> None:
    item = Item("q", ItemType.CHOICE, options=codings("I took less", "I took more"))
    assert chosen(item, "I took") == Reason.PICK_ONE


@pytest.mark.parametrize("kind", [ItemType.CHOICE, ItemType.OPEN_CHOICE])
def test_options_that_are_numbers_are_taken_as_numbers_zero_too(kind: ItemType) -> None:
    item = Item("q", kind, options=tuple(Option(number, str(number)) for number in (0, 1, 5)))
    assert [read(item, text, today=TODAY) for text in ("0", "1", "5")] == [0, 1, 5]


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
    ],
)
def test_a_typed_number_is_taken(item: Item, text: str, number: str) -> None:
    assert read(item, text, today=TODAY) == Decimal(number)


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
        "about five",
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
    assert not isinstance(read(item, text, today=TODAY), Rejected)


def test_a_whole_number_is_an_int_and_another_a_decimal() -> None:
    assert type(read(COUNT, "3.0", today=TODAY)) is int
    assert type(read(DOSE, "3", today=TODAY)) is Decimal


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
    assert read(DAY, text, today=TODAY) == day


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "2/30/2026",
        "29/02/2025",
        "13/13/2026",
        "0000-01-01",
        "2025-02-29",
        "1/1/26",
        "tomorrow",
        "last week",
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


@pytest.mark.parametrize("kind", [ItemType.GROUP, ItemType.DISPLAY])
def test_nobody_can_answer_what_is_no_question(kind: ItemType) -> None:
    with pytest.raises(ValueError, match="nobody can answer it"):
        read(Item("q", kind, "Hello"), "hi", today=TODAY)


def test_buttons_of_a_question() -> None:
    assert choices(YES_NO) == ((True, "Yes"), (False, "No"))
    assert [label for _, label in choices(UNSURE)] == ["Yes", "No", "Not sure"]
    assert choices(STORY) == ()


TYPES: list[tuple[Item, type[Value] | tuple[type, ...]]] = [
    (YES_NO, bool),
    (OFTEN, Coding),
    (DRUG, (Coding, str)),
    (DOSE, Decimal),
    (COUNT, int),
    (FREE, int),
    (DAY, date),
    (NAME, str),
    (STORY, str),
]
typed = st.one_of(
    st.text(alphabet=st.characters()),
    st.text(alphabet=st.characters(categories=["N", "P", "Zs", "Cs", "Cc", "Cf"]), max_size=12),
    st.text(alphabet="0123456789.,/-+ ½¼²mgh½", max_size=12),
    st.from_regex(r"\A[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}\Z"),
    st.sampled_from(["yes", "half", "today", "Several days", "two"]),
)


@given(st.sampled_from(TYPES), typed)
def test_any_text_gives_a_value_of_the_right_type_within_its_limits_or_rejected(
    pair: tuple[Item, type | tuple[type, ...]], text: str
) -> None:
    item, kind = pair
    value = read(item, text, today=TODAY)
    if isinstance(value, Rejected):
        return
    assert isinstance(value, kind)
    assert isinstance(value, bool) == (kind is bool)
    if isinstance(value, str):
        value.encode()
        assert 0 < len(value) <= (item.max_length or LONGEST_TEXT)
    if isinstance(value, int | Decimal) and item.minimum is not None and item.maximum is not None:
        assert item.minimum <= value <= item.maximum  # type: ignore[operator]
    if isinstance(value, Coding):
        assert value in [option.value for option in item.options]


@given(st.decimals(0, 1000, places=3), st.sampled_from(["", " ", " mg", "mg", "."]))
def test_a_plain_decimal_is_read_exactly(number: Decimal, ending: str) -> None:
    assert read(DOSE, f"{number}{ending}", today=TODAY) == number


@given(st.integers(0, 99), st.integers(1, 20), st.integers(1, 20))
def test_a_mixed_fraction_is_read_to_six_places(whole: int, top: int, bottom: int) -> None:
    found = read(DOSE, f"{whole} {top}/{bottom}", today=TODAY)
    assert isinstance(found, Decimal)
    assert abs(found - (whole + Decimal(top) / bottom)) <= Decimal("0.0000005")


@given(st.text())
def test_cleaning_and_folding_twice_is_the_same_as_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert plain(plain(text)) == plain(text)
