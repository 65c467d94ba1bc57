"""The guard: what no text to a patient may say, and what it may (promise P5)."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import catalogue
from flows.catalogue import Catalogue
from flows.guard import Kind, refusals

HERE = Path(__file__).parent / "guard_examples"
REFUSED = (HERE / "refused.txt").read_text("utf-8").splitlines()
INNOCENT = (HERE / "innocent.txt").read_text("utf-8").splitlines()
LANGUAGE = catalogue.load().language


def test_there_are_enough_examples_and_none_twice() -> None:
    assert len(REFUSED) == len(set(REFUSED)) >= 200
    assert len(INNOCENT) == len(set(INNOCENT)) >= 150


@pytest.mark.parametrize("text", REFUSED)
def test_p5_advice_is_refused(text: str) -> None:
    found = refusals(text, LANGUAGE)
    assert found
    assert all(refusal.words and refusal.instead for refusal in found)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_a_clinic_writes_may_leave(text: str) -> None:
    assert refusals(text, LANGUAGE) == ()


@pytest.mark.parametrize("text", REFUSED)
def test_advice_is_refused_wherever_it_stands_in_a_message(text: str) -> None:
    around = f"<b>Thank you for writing.</b>\n\n{text} We are glad that you are here.\n\n<i>3 of about 12</i>"
    assert refusals(around, LANGUAGE)
    assert refusals(text.upper(), LANGUAGE)
    assert refusals(text.removesuffix("."), LANGUAGE)


@pytest.mark.parametrize(
    "text",
    [
        "Ta<b>ke</b> ha<i>lf</i> tonight.",
        "Take\u00a0half\u2003tonight.",
        "Take\nhalf\ntonight.",
        "T\u200bake ha\u200clf to\u2060night.",
        "Ta\u00adke half tonight.",
        "Тakе hаlf tоnight.",
        "Ｔａｋｅ ｈａｌｆ tonight.",
        "𝐓𝐚𝐤𝐞 𝐡𝐚𝐥𝐟 tonight.",
        "T\u0301a\u0300ke ha\u0308lf tonight.",
        "T-a-k-e h-a-l-f tonight.",
        "Take h.a.l.f tonight.",
        "Take &#104;alf tonight.",
        "Take ½ tonight.",
        "You take ０.５ mg.",
        "You take 0.5 \u200bmg.",
        "You take 0.5 ㎎.",
        "You take ٠.٥ mg.",
        "You take 5\u202f%.",
        "You take 5\u200d％.",
        "BAJE LA DÓSIS",
        '<a href="https://example.org">Lower</a> your <tg-spoiler>dose</tg-spoiler>.',
    ],
)
def test_odd_letters_and_tags_hide_nothing(text: str) -> None:
    assert refusals(text, LANGUAGE)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Take half tonight.", Kind.CHANGE),
        ("That is 5 mg.", Kind.NUMBER),
        ("ten percent", Kind.NUMBER),
        ("1/2 pill", Kind.NUMBER),
        ("We see addicts here.", Kind.WORD),
        ("Usted es adicto.", Kind.WORD),
        ("It is a relapse.", Kind.WORD),
    ],
)
def test_the_author_is_told_what_was_refused_and_what_to_write(text: str, kind: Kind) -> None:
    [found] = refusals(text, LANGUAGE)
    assert found.kind is kind
    assert found.words in text.lower()
    assert str(found) == f"{found.words!r} must not stand in a text to a patient; write: {found.instead}"


def test_every_reason_is_given_at_once() -> None:
    found = refusals("Addicts can lower their dose. That is 5 mg.", LANGUAGE)
    assert {refusal.kind for refusal in found} == set(Kind)


class TestEchoes:
    """The patient's own words, shown back."""

    def test_they_are_not_judged(self) -> None:
        assert refusals("You said: take half a tablet", LANGUAGE)
        assert refusals("You said: take half a tablet", LANGUAGE, ["take half a tablet"]) == ()

    def test_they_hide_none_of_our_words(self) -> None:
        assert refusals("Take half tonight. You said: half", LANGUAGE, ["half"])

    def test_each_hides_one_place(self) -> None:
        text = "1. Sam\n2. 5 mg\n3. Sam"
        assert refusals(text, LANGUAGE, ["Sam", "Sam"])
        assert refusals(text, LANGUAGE, ["Sam", "5 mg", "Sam"]) == ()

    def test_a_letter_does_not_hide_all_words_with_that_letter(self) -> None:
        assert refusals("Take half tonight. You said: a", LANGUAGE, ["a", "a", "a", "a"])

    def test_nothing_hides_nothing(self) -> None:
        assert refusals("Take half tonight.", LANGUAGE, ["", " ", "\u200b"])

    def test_our_words_on_both_sides_of_one_are_not_joined(self) -> None:
        assert refusals("Please take: Sam half the questions", LANGUAGE, ["Sam"]) == ()


class TestAnswers:
    """The label of an answer is the patient's to tap."""

    @pytest.mark.parametrize(
        "label",
        [
            "Clonazepam 0.5 mg",
            "2 mg tablets",
            "I skipped some",
            "I took less",
            "I stopped or ran out",
            "Changing my dose",
        ],
    )
    def test_it_may_report(self, label: str) -> None:
        assert refusals(label, LANGUAGE, is_answer=True) == ()

    @pytest.mark.parametrize("label", ["Take half from now on", "Lower your dose", "I suggest you skip one", "Addicts"])
    def test_it_may_not_advise(self, label: str) -> None:
        assert refusals(label, LANGUAGE, is_answer=True)

    def test_a_strength_stands_only_there(self) -> None:
        assert refusals("Clonazepam 0.5 mg", LANGUAGE)


@pytest.mark.parametrize(
    "text",
    [
        "Please do not stop or change your dose on your own. Lower it slowly.",
        "I can't tell you to take half, but you could try half tonight.",
        "How many pills did you take yesterday? Take one less today.",
        "Did you sleep well? Then skip tonight's.",
        "You told me that you took less. Take less again tonight.",
        "Only your clinician can change your dose, so take half tonight.",
        "Have you ever tried to taper? Try a slower pace.",
        "Could you say how many you took, and take half tonight?",
    ],
)
def test_what_may_be_said_hides_nothing_beside_it(text: str) -> None:
    assert refusals(text, LANGUAGE)


def test_no_text_of_the_clinic_can_switch_the_guard_off(tmp_path: Path) -> None:
    (tmp_path / "guard.yaml").write_text("words: {}\nchange: []\n", encoding="utf-8")
    own: Catalogue = catalogue.load(tmp_path)
    assert refusals("Take half tonight.", own.language)


PARTS = st.sampled_from(
    ["take", "half", "dose", "5", " ", "mg", "%", "<b>", "&", "¶", "\n", ".", "½", "no", "1. ", "…", "if"]
)


@given(st.lists(PARTS | st.text(max_size=5), max_size=30).map("".join), st.lists(st.text(max_size=9), max_size=4))
def test_it_never_raises(text: str, echoes: list[str]) -> None:
    assert isinstance(refusals(text, LANGUAGE, echoes), tuple)
    assert refusals(f"{text}\n\nTake half tonight.", LANGUAGE)
