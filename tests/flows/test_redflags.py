"""The rule table: what fires each case, and the nearest facts that do not."""

from decimal import Decimal
from typing import Any

import pytest

from flows.catalogue import COMPUTED, Catalogue
from flows.conditions import Condition, Operator, Test
from flows.escalation import Role, Tier
from flows.redflags import Case, Rule, fired, still
from flows.values import Coding, Facts, Value

DAYS = {0: "LA6568-5", 1: "LA6569-3", 2: "LA6570-1", 3: "LA6571-9"}


def often(ordinal: int) -> Coding:
    """An answer to a PHQ-9 item."""
    return Coding(DAYS[ordinal], "http://loinc.org", ordinal=Decimal(ordinal))


def facts(**given: Any) -> Facts:
    """Facts by linkId, `_` standing for `-`; a leading `__` for `%`. A plain word is a code of ours."""
    found: dict[str, tuple[Value, ...]] = {}
    for name, value in given.items():
        key = "%" + name[2:].replace("_", ".") if name.startswith("__") else name.replace("_", "-")
        coded = isinstance(value, str) and not name.startswith("__")
        found[key] = (Coding(value, "urn:taperline") if coded else value,)
    return found


def screens(*positive: int, answer: str = "yes") -> list[Any]:
    """A fact for each of these screening questions."""
    return [facts(**{f"asq_{number}": answer}) for number in positive]


BODY = ("seizure", "confusion", "chest")
GOLDEN: list[tuple[str, int, str, list[Facts], list[Facts]]] = [
    ("S1", 0, "emergency", screens(5), [facts(asq_5="no"), facts(asq_5="declined"), *screens(1, 4)]),
    ("S1", 1, "emergency", [facts(__signal="crisis")], [facts(__signal="medical"), facts(__signal="human"), {}]),
    ("S1", 2, "emergency", [facts(__safe=False)], [facts(__safe=True), {}]),
    ("S2", 0, "urgent", [facts(phq9_9=often(ordinal)) for ordinal in (1, 2, 3)], [facts(phq9_9=often(0)), {}]),
    ("S2", 1, "urgent", screens(1, 2, 3, 4), [*screens(1, 2, 3, 4, answer="no"), *screens(5), {}]),
    ("S2", 2, "urgent", screens(1, 2, 3, 4, 5, answer="declined"), [*screens(1, 2, 3, 4, 5, answer="no"), {}]),
    (
        "S2",
        3,
        "urgent",
        [facts(phq9_9=often(1)), facts(phq9_9=often(3), asq_3="no")],
        [facts(phq9_9=often(0)), facts(phq9_9=often(1), asq_4="no"), facts(phq9_9=often(3), asq_4="yes"), {}],
    ),
    (
        "S2",
        4,
        "emergency",
        [facts(phq9_9=often(3))],
        [facts(phq9_9=often(2)), facts(phq9_9=often(3), asq_1="no"), {}],
    ),
    ("M1", 0, "emergency", [facts(seizure="yes")], [facts(seizure="no"), {}]),
    ("M1", 1, "emergency", [facts(seizure="unsure")], [facts(seizure="no"), {}]),
    ("M1", 2, "emergency", [facts(__signal="medical")], [facts(__signal="crisis"), {}]),
    ("M2", 0, "emergency", [facts(confusion="yes")], [facts(confusion="no"), facts(seizure="yes"), {}]),
    ("M2", 1, "emergency", [facts(confusion="unsure")], [facts(confusion="no"), {}]),
    ("M3", 0, "emergency", [facts(chest="yes")], [facts(chest="no"), {}]),
    ("M3", 1, "emergency", [facts(chest="unsure")], [facts(chest="no"), {}]),
    ("M4", 0, "emergency", [facts(overdose_signs="yes")], [facts(overdose_signs="no"), {}]),
    ("M4", 1, "emergency", [facts(overdose_signs="unsure")], [facts(overdose_signs="no"), {}]),
    ("M5", 0, "emergency", [facts(sedation="yes")], [facts(sedation="no"), facts(substances=True), {}]),
    ("M5", 1, "emergency", [facts(sedation="unsure")], [facts(sedation="no"), {}]),
    ("D1", 0, "urgent", [facts(supply="stopped")], [facts(supply="yes"), {}]),
    ("D1", 1, "urgent", [facts(supply="out")], [facts(supply="yes"), {}]),
    (
        "D1",
        2,
        "urgent",
        [facts(dose_as_agreed="stopped")],
        [facts(dose_as_agreed=code) for code in ("agreed", "missed", "less", "more")],
    ),
    ("D1", 3, "urgent", [facts(__signal="abrupt")], [facts(__signal="taper"), {}]),
    (
        "D1",
        4,
        "emergency",
        [
            *(
                {**stopped, **sign}
                for stopped in (facts(supply="out"), facts(supply="stopped"), facts(dose_as_agreed="stopped"))
                for sign in (*(facts(**{name: "yes"}) for name in BODY), facts(__signal="medical"))
            ),
            {"%signal": ("abrupt", "medical")},
        ],
        [
            facts(supply="out"),
            facts(seizure="yes"),
            facts(supply="out", seizure="no"),
            facts(supply="yes", seizure="yes"),
            facts(__signal="abrupt"),
        ],
    ),
    ("D2", 0, "urgent", [facts(__dose_fall=Decimal("0.2501"))], [facts(__dose_fall=Decimal("0.25")), {}]),
    ("D6", 0, "routine", [facts(__signal="taper")], [facts(__signal="abrupt"), {}]),
    ("X0", 0, "urgent", [facts(__failed=True)], [facts(__failed=False), {}]),
    ("X2", 0, "routine", [facts(__signal="human")], [facts(__signal="stop"), {}]),
    ("X2", 1, "routine", [facts(__misunderstood=2), facts(__misunderstood=3)], [facts(__misunderstood=1), {}]),
    (
        "V5",
        0,
        "routine",
        [facts(__channel=channel, __standing="enrolled") for channel in ("stopped", "blocked")],
        [
            facts(__channel="open", __standing="enrolled"),
            facts(__channel="stopped", __standing="requested"),
            facts(__channel="blocked", __standing="prospect"),
        ],
    ),
]  # fmt: skip


def cases(content: Catalogue, now: Facts, before: Facts) -> set[tuple[str, int]]:
    return {(firing.rule.id, firing.case) for firing in fired(content.rules, before, now)}


@pytest.mark.parametrize(
    ("rule", "case", "tier", "fires", "rests"), GOLDEN, ids=[f"{rule}-{case}" for rule, case, *_ in GOLDEN]
)
def test_each_case_fires_on_its_facts_and_not_on_the_nearest_others(  # noqa: PLR0917
    content: Catalogue, rule: str, case: int, tier: str, fires: list[Facts], rests: list[Facts]
) -> None:
    found = content.rule(rule)
    assert found is not None
    assert found.cases[case].tier == tier
    for known in fires:
        assert (rule, case) in cases(content, known, {}), known
        assert (rule, case) not in cases(content, known, known), "what held before does not fire again"
        assert still(found, case, known)
    for known in rests:
        assert (rule, case) not in cases(content, known, {}), known
        assert not still(found, case, known)


def test_the_golden_table_holds_every_case_of_every_rule(content: Catalogue) -> None:
    """A rule that is not in the table above may never fire: add its row."""
    written = {(rule.id, index) for rule in content.rules for index, _ in enumerate(rule.cases)}
    assert written == {(rule, case) for rule, case, *_ in GOLDEN}


def test_a_rule_looks_only_at_what_is_asked_or_computed(content: Catalogue) -> None:
    asked = {item.link_id: item for form in content.questionnaires.values() for item in form.walk()}
    for rule in content.rules:
        for case in rule.cases:
            for name in looked_at(case.test):
                assert name in COMPUTED or asked[name].is_question or name.startswith("%"), (rule.id, name)


def test_every_rule_says_why_and_by_which_source(content: Catalogue) -> None:
    assert all(rule.title and rule.rationale and rule.source for rule in content.rules)
    assert len({rule.id for rule in content.rules}) == len(content.rules)


def test_p7_a_title_tells_no_answer_drug_or_score(content: Catalogue) -> None:
    """Titles reach clinicians' phones."""
    for rule in content.rules:
        assert not any(character.isdigit() for character in rule.title)
        assert not {"mg", "xanax", "valium", "klonopin", "ativan", "phq", "gad", "suicide"} & set(
            rule.title.casefold().replace(",", "").split()
        )


def rule(name: str, *cases_: Case) -> Rule:
    return Rule(name, name, Role.STAFF, cases_, None, None, "why", "where")


BROKEN = Condition("q", Operator.GREATER, 1)
"""It cannot compare a coded answer without an ordinal value."""
UNSCORED: Facts = {"q": (Coding("a"),)}


def test_p6_a_rule_that_raises_an_exception_alerts() -> None:
    broken = rule("R", Case(Tier.URGENT, BROKEN))
    assert [firing.rule.id for firing in fired([broken], {}, UNSCORED)] == ["R"]
    assert still(broken, 0, UNSCORED)
    assert fired([broken], {}, {}) == []


def test_p6_a_rule_that_was_broken_before_still_alerts_now() -> None:
    broken = rule("R", Case(Tier.URGENT, BROKEN))
    assert len(fired([broken], UNSCORED, UNSCORED)) == 1
    assert len(fired([broken], UNSCORED, {"q": (2,)})) == 1


def test_p6_a_broken_rule_does_not_keep_the_others_from_firing() -> None:
    well = rule("W", Case(Tier.EMERGENCY, Condition("q", Operator.EXISTS, True)))
    assert [firing.rule.id for firing in fired([rule("R", Case(Tier.URGENT, BROKEN)), well], {}, UNSCORED)] == [
        "W",
        "R",
    ]


def test_the_most_urgent_firing_comes_first() -> None:
    always = Condition("q", Operator.EXISTS, True)
    ruled = rule("R", *(Case(tier, always) for tier in (Tier.ROUTINE, Tier.EMERGENCY, Tier.URGENT)))
    assert [firing.tier for firing in fired([ruled], {}, {"q": (1,)})] == list(Tier)


def looked_at(test: Test) -> set[str]:
    """The names of the facts that a test looks at."""
    return {test.question} if isinstance(test, Condition) else set().union(*map(looked_at, test.parts))
