"""An intake on one page: what it leads to, medicines with equivalents, scores, and answers in short."""

from decimal import Decimal

import pytest

from flows.catalogue import Catalogue
from flows.effects import IntakeOutcome
from flows.equivalents import DoseClass, Equivalent, Scale
from flows.medicines import Range
from flows.summary import Summary, equivalent_words, summary
from tests.flows.people import in_state


def page(content: Catalogue, *alerts: str, **given: str | None) -> Summary:
    """The page of an intake that was calm but for what is given."""
    return summary(in_state(content, "asking").goes(**given).closed[-1], alerts, content)


def section(found: Summary, title: str) -> dict[str, str]:
    """The answers under a title."""
    return next(dict(part.answers) for part in found.sections if part.title == title)


def test_a_calm_intake_is_a_visit_without_reasons(content: Catalogue) -> None:
    found = page(content)
    assert (found.outcome, found.reasons) == (IntakeOutcome.VISIT, ())
    assert found.equivalents.dose_class is DoseClass.LOW


def test_the_page_says_what_the_request_said_also_when_the_emergency_was_in_words(content: Catalogue) -> None:
    found = page(content, "S1")
    assert found.outcome is IntakeOutcome.EMERGENCY
    assert found.reasons == ("An emergency was heard in words, or raised lately",)
    assert page(content, "S2").outcome is IntakeOutcome.VISIT


def test_reasons_and_the_more_cautious_class_are_told(content: Catalogue) -> None:
    found = page(content, medicine="alprazolam", dose_total="0.6", seizure_ever="seizure", age="65-up")
    assert found.outcome is IntakeOutcome.CALL_FIRST
    assert "An earlier withdrawal seizure or delirium, or a seizure disorder" in found.reasons
    assert "65 or older" in found.reasons
    assert [total.dose_class for total in found.equivalents.together] == [DoseClass.MODERATE, DoseClass.LOW]
    assert found.equivalents.dose_class is DoseClass.MODERATE
    assert found.equivalents.is_disputed


def test_scores_have_their_band_and_only_what_scores_is_listed(content: Catalogue) -> None:
    found = page(content, phq9_1="Nearly every day", phq9_2="More than half the days")
    assert ("PHQ-9", "5", "27", "mild") in found.scores
    assert ("GAD-7", "0", "21", "minimal") in found.scores
    assert section(found, "PHQ-9") == {
        "Little interest or pleasure in doing things": "Nearly every day",
        "Feeling down, depressed, or hopeless": "More than half the days",
    }
    assert "GAD-7" not in {part.title for part in found.sections}


def test_other_answers_stand_under_short_names(content: Catalogue) -> None:
    found = page(content, earlier_tapers="more", source="From my doctor+From the street or online")
    assert section(found, "History")["Earlier tapers"] == "Twice or more"
    assert section(found, "Medicines")["Source"] == "From my doctor, From the street or online"
    assert section(found, "ASQ")["ASQ 1"] == "No"


@pytest.mark.parametrize(
    ("known", "missing", "words"),
    [
        (None, 1, "not known"),
        (Range(Decimal(20), Decimal(20)), 0, "20 mg (high)"),
        (Range(Decimal(5), Decimal("7.5")), 0, "5 to 7.5 mg (low)"),
        (Range(Decimal(20), Decimal(20)), 1, "at least 20 mg (high)"),
        (Range(Decimal(5), Decimal(5)), 1, "at least 5 mg (class not known)"),
    ],
)
def test_an_equivalent_in_words(known: Range | None, missing: int, words: str) -> None:
    assert equivalent_words(Equivalent(Scale.ASHTON, known, missing)) == words
