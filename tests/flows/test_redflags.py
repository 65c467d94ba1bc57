"""The rule table: what fires each case, and the nearest facts that do not."""

from decimal import Decimal
from typing import Any

import pytest

from flows.catalogue import COMPUTED, OF_MEASURES, Catalogue
from flows.conditions import Condition, Operator, Test
from flows.escalation import Role, Tier
from flows.redflags import Case, Rule, fired, still
from flows.values import Coding, Facts, Value

Row = tuple[str, int, str, list[Facts], list[Facts]]
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


def last(**given: str) -> Facts:
    """The last answers, by linkId."""
    return {f"%last.{name}": (Coding(code, "urn:taperline"),) for name, code in given.items()}


def scale(  # noqa: PLR0917
    rule: str, case: int, tier: str, name: str, fires: list[str], rests: list[str]
) -> list[Row]:
    """A row for a number: where it fires, and the nearest numbers where it does not."""
    numbers = [[{name: (Decimal(number),)} for number in side] for side in (fires, rests)]
    return [(rule, case, tier, numbers[0], [*numbers[1], {}])]


def signs(base: Facts) -> list[Facts]:
    """The same with signs of an overdose: another rule's."""
    return [{**base, **facts(overdose_signs=word)} for word in ("yes", "unsure")]


def new(word: str) -> Facts:
    """A new medicine of this kind."""
    return {"%new-medicine": (word,)}


def audit(total: int, **given: str) -> Facts:
    return {**facts(**given), "%total.audit-c": (Decimal(total),)}


def often_before(item: int, ordinal: int) -> Facts:
    """What the intake's AUDIT-C said."""
    return {f"%last.audit-c-{item}": (Coding("x", "http://loinc.org", ordinal=Decimal(ordinal)),)}


def drinking(case: int) -> tuple[list[Facts], list[Facts]]:
    """More days or drinks than at the intake, and the nearest that are not more."""
    if case < 3:
        above = DRINKING_DAYS[case:]
        told, was = "alcohol_days", case + 1
        same = DRINKING_DAYS[:case]
        item = 1
    else:
        above, same = DRINKS[case - 2 :], DRINKS[: case - 2]
        told, was = "alcohol_drinks", case - 3
        item = 2
    fires = [facts(**{told: code}) | often_before(item, was) for code in above]
    rests = [facts(**{told: code}) | often_before(item, was) for code in same]
    return fires, [*rests, *(facts(**{told: code}) | often_before(item, was + 1) for code in above), {}]


def screen(measure: str, total: int, standing: str = "enrolled", **more: int) -> Facts:
    """A total of an instrument, how much it rose, and the highest before."""
    past = {f"%{kind}.{measure}": (Decimal(number),) for kind, number in more.items()}
    return {f"%total.{measure}": (Decimal(total),), "%standing": (standing,), **past}


def symptoms(rise: int, share: str, weeks: int = 1, worst: int | None = None) -> Facts:
    """How much the checklist changed."""
    facts_: dict[str, tuple[Value, ...]] = {
        "%rise.symptoms": (Decimal(rise),),
        "%rise-share.symptoms": (Decimal(share),),
        "%weeks-rising.symptoms": (weeks,),
    }
    return facts_ if worst is None else {**facts_, "%worst-new.symptoms": (Decimal(worst),)}


def waited(hours: int) -> Facts:
    return {"%unanswered.hours": (hours,)}


GAP: Facts = {"%gap": (True,)}
DECLINED_ALL = facts(asq_1="declined", asq_2="declined", asq_3="declined")
BODY = ("seizure", "confusion", "chest")
NONE = facts(**{f"asq_{number}": "no" for number in range(1, 5)})
MORE = facts(dose_as_agreed="more")
LESS = facts(dose_as_agreed="less")
EXTRA = facts(extra="yes")
RISKY = ("alcohol", "opioid-new")
DRINKING_DAYS = ("one", "two-three", "four-six", "every")
DRINKS = ("LA15694-5", "LA15695-2", "LA18930-0", "LA18931-8", "LA18932-6")
INTERACTING = ("opioid", "gabapentinoid with opioid", "sedative", "seizure threshold", "CYP3A4", "CYP3A4, limited")
RISKS: list[Facts] = [
    {"%plan.changed-lately": (True,)},
    *({"%alerts.lately": (rule,)} for rule in ("S1", "S2", "M1", "M2", "M3", "M4", "M5")),
    last(**{"seizure-ever": "seizure"}),
]
GOLDEN: list[Row] = [
    ("S1", 0, "emergency", screens(5), [facts(asq_5="no"), facts(asq_5="declined"), *screens(1, 4)]),
    ("S1", 1, "emergency", [facts(__signal="crisis")], [facts(__signal="medical"), facts(__signal="human"), {}]),
    ("S1", 2, "emergency", [facts(asq_4_since="yes")], [facts(asq_4_since="no"), facts(asq_4="yes"), {}]),
    ("S1", 3, "emergency", [facts(asq_4_when="lately")], [facts(asq_4_when="earlier"), {}]),
    ("S1", 4, "emergency", [facts(__safe=False)], [facts(__safe=True), {}]),
    ("S2", 0, "urgent", [facts(phq9_9=often(ordinal)) for ordinal in (1, 2, 3)], [facts(phq9_9=often(0)), {}]),
    (
        "S3",
        0,
        "same_day",
        [{**facts(phq9_9=often(1)), **NONE}],
        [
            {**facts(phq9_9=often(0)), **NONE},
            {**facts(phq9_9=often(2)), **NONE},
            facts(phq9_9=often(1)),
            *({**facts(phq9_9=often(1)), **NONE, **positive} for positive in screens(1, 2, 3, 4)),
        ],
    ),
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
        "urgent",
        screens(1, 2, 3, 4),
        [facts(asq_1="yes", asq_5="no"), facts(asq_1="no"), {}],
    ),
    (
        "S2",
        5,
        "emergency",
        [facts(phq9_9=often(3))],
        [facts(phq9_9=often(2)), facts(phq9_9=often(3), asq_1="no"), {}],
    ),
    (
        "S2",
        6,
        "emergency",
        [facts(phq9_9=often(3)) | DECLINED_ALL],
        [facts(phq9_9=often(2)) | DECLINED_ALL, facts(phq9_9=often(3), asq_1="declined", asq_2="no"), {}],
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
    ("M5", 0, "emergency", [facts(sedation="yes")], [facts(sedation="no"), facts(substances="yes"), {}]),
    (
        "M5",
        2,
        "urgent",
        [facts(substances="yes"), facts(substances="unsure")],
        [facts(substances="no"), facts(substances="yes", sedation="no"), {}],
    ),
    ("M5", 1, "emergency", [facts(sedation="unsure")], [facts(sedation="no"), {}]),
    ("D1", 0, "urgent", [facts(taking="sudden")], [facts(taking="slow"), facts(taking="yes"), {}]),
    ("D1", 1, "urgent", [facts(supply="out")], [facts(supply="days-3"), facts(supply="more"), {}]),
    (
        "D1",
        2,
        "urgent",
        [facts(dose_as_agreed="stopped")],
        [facts(dose_as_agreed=code) for code in ("agreed", "missed", "less", "more", "different")],
    ),
    ("D1", 3, "urgent", [facts(__signal="abrupt")], [facts(__signal="taper"), {}]),
    ("D1", 4, "urgent", [GAP], [{}]),
    ("D1", 5, "urgent", [facts(taking="fast")], [facts(taking="alone"), facts(taking="slow"), {}]),
    (
        "D1",
        6,
        "emergency",
        [
            *(
                {**stopped, **sign}
                for stopped in (facts(supply="out"), facts(taking="sudden"), facts(taking="fast"), GAP)
                for sign in (*(facts(**{name: "yes"}) for name in BODY), facts(__signal="medical"))
            ),
            {"%signal": ("abrupt", "medical")},
        ],
        [
            facts(supply="out"),
            facts(seizure="yes"),
            facts(supply="out", seizure="no"),
            facts(supply="more", seizure="yes"),
            facts(__signal="abrupt"),
        ],
    ),
    ("D2", 0, "urgent", [facts(__dose_fall=Decimal("0.2501"))], [facts(__dose_fall=Decimal("0.25")), {}]),
    ("D2", 1, "urgent", [facts(dose_as_agreed="different")], [facts(dose_as_agreed="less"), {}]),
    *scale("D3", 0, "routine", "%dose.below", ["0.1001", "0.25"], ["0.1", "0.2501"]),
    ("D3", 1, "routine", [LESS], [LESS | {"%dose.below": (Decimal("0.05"),)}, facts(dose_as_agreed="missed"), {}]),
    *scale("D3", 2, "routine", "missed-doses", ["2", "3"], ["0", "1"]),
    (
        "D2",
        2,
        "urgent",
        [LESS | {"%dose.below": (Decimal("0.2501"),)}],
        [LESS | {"%dose.below": (Decimal("0.25"),)}, {"%dose.below": (Decimal("0.5"),)}, LESS],
    ),
    ("D4", 0, "urgent", [MORE | facts(overdose_signs="no")], [MORE, facts(overdose_signs="no"), *signs(MORE)]),
    ("D4", 1, "urgent", [MORE], [MORE | facts(overdose_signs="no"), facts(dose_as_agreed="less"), {}]),
    *scale("D4", 2, "urgent", "%dose.above", ["0.0001", "1"], ["0", "-0.5"]),
    ("D4", 3, "urgent", [EXTRA | facts(overdose_signs="no")], [EXTRA, facts(overdose_signs="no"), *signs(EXTRA)]),
    ("D4", 4, "urgent", [EXTRA], [EXTRA | facts(overdose_signs="no"), facts(extra="no"), {}]),
    ("D5", 0, "urgent", [facts(supply="days-3")], [facts(supply="week"), facts(supply="out"), {}]),
    (
        "C1",
        0,
        "urgent",
        [facts(used=used) | end for used in RISKY for end in (facts(substances="no"), facts(sedation="no"))],
        [*(facts(used=used, sedation="yes") for used in RISKY), facts(used="drug", substances="no"), {}],
    ),
    (
        "C1",
        1,
        "urgent",
        [facts(used=used) | more for used in RISKY for more in ({}, facts(substances="yes"))],
        [facts(used="alcohol", substances="no"), facts(used="alcohol", substances="yes", sedation="no"), {}],
    ),
    ("C1", 2, "urgent", [new("opioid")], [new("sedative"), new("other"), {}]),
    *(("C2", case, "routine", *drinking(case)) for case in range(7)),
    *scale("C2", 7, "routine", "%total.audit-c", ["4", "12"], ["3"]),
    (
        "C2",
        8,
        "routine",
        [audit(3), audit(3, sex="female"), audit(4, sex="other")],
        [audit(2), audit(3, sex="male"), audit(2, sex="female"), {}],
    ),
    (
        "C2",
        9,
        "urgent",
        [facts(alcohol_days="every", alcohol_drinks=code) for code in DRINKS[2:]],
        [
            *(facts(alcohol_days="every", alcohol_drinks=code) for code in DRINKS[:2]),
            facts(alcohol_days="four-six", alcohol_drinks=DRINKS[4]),
        ],
    ),
    ("C2", 10, "urgent", [facts(stopped_drinking="yes")], [facts(stopped_drinking="no"), {}]),
    ("C2", 11, "urgent", [facts(stopped_drinking="unsure")], [facts(stopped_drinking="no"), {}]),
    *(("C3", case, "urgent", [new(word)], [new("other"), {}]) for case, word in enumerate(INTERACTING)),
    ("C3", 6, "urgent", [facts(used="sedative")], [facts(used="drug"), facts(used="none"), {}]),
    ("C4", 0, "routine", [new("other")], [new("opioid"), {}]),
    ("C4", 1, "routine", [facts(used="drug")], [facts(used="none"), {}]),
    *(
        ("P1", case, "urgent", [facts(pregnancy=word), facts(pregnancy=word) | last(pregnancy="no")],
         [facts(pregnancy="no"), facts(pregnancy=word) | last(pregnancy=word), {}])
        for case, word in enumerate(("pregnant", "maybe", "breastfeeding"))
    ),
    ("I1", 0, "urgent", [facts(short_nights="three-or-more")], [facts(short_nights="few"), {}]),
    *scale("I1", 1, "urgent", "sleep-hours", ["3", "0"], ["3.5", "8"]),
    (
        "I1",
        2,
        "urgent",
        [
            last(mind=mind) | sleepless
            for mind in ("bipolar", "psychosis")
            for sleepless in (
                facts(sleep_trouble="most"),
                facts(short_nights="few"),
                facts(racing="yes"),
                facts(racing="unsure"),
            )
        ],
        [
            last(mind="bipolar") | facts(sleep_trouble="some", racing="no"),
            last(mind="ptsd") | facts(sleep_trouble="most"),
            facts(sleep_trouble="most"),
        ],
    ),
    (
        "I2",
        0,
        "routine",
        [facts(sleep_trouble="most", short_nights=nights, sleep_hours=5) for nights in ("none", "few")],
        [
            facts(sleep_trouble="most", short_nights="three-or-more", sleep_hours=5),
            facts(sleep_trouble="most", short_nights="few", sleep_hours=3),
            facts(sleep_trouble="some", short_nights="few", sleep_hours=5),
            facts(sleep_trouble="most", sleep_hours=5),
            facts(sleep_trouble="most", short_nights="few", sleep_hours=5) | last(mind="bipolar"),
        ],
    ),
    *scale("Q1", 0, "urgent", "%total.phq9", ["20", "27"], ["19"]),
    ("Q1", 1, "urgent", [screen("phq9", 15, rise=5)], [screen("phq9", 14, rise=5), screen("phq9", 15, rise=4)]),
    ("Q2", 0, "routine", [screen("phq9", 14, rise=5)], [screen("phq9", 15, rise=5), screen("phq9", 14, rise=4)]),
    (
        "Q2",
        1,
        "routine",
        [screen("phq9", 10), screen("phq9", 19), screen("phq9", 10, rise=4, highest=9)],
        [
            screen("phq9", 9),
            screen("phq9", 20),
            screen("phq9", 10, highest=10),
            screen("phq9", 10, rise=5, highest=5),
            screen("phq9", 10, standing="requested"),
        ],
    ),
    ("Q3", 0, "urgent", [screen("gad7", 15, rise=4)], [screen("gad7", 14, rise=4), screen("gad7", 15, rise=3)]),
    ("Q4", 0, "routine", [screen("gad7", 14, rise=4)], [screen("gad7", 15, rise=4), screen("gad7", 14, rise=3)]),
    (
        "Q4",
        1,
        "routine",
        [screen("gad7", 10), screen("gad7", 10, rise=3, highest=9), screen("gad7", 21)],
        [
            screen("gad7", 9),
            screen("gad7", 10, highest=10),
            screen("gad7", 10, rise=4, highest=6),
            screen("gad7", 10, standing="prospect"),
        ],
    ),
    *scale("W1", 0, "urgent", "%worst-new.symptoms", ["3"], ["2"]),
    (
        "W1",
        1,
        "urgent",
        [symptoms(rise=6, share="0.3"), symptoms(rise=20, share="1")],
        [symptoms(rise=5, share="0.5"), symptoms(rise=6, share="0.29"), {}],
    ),
    *scale("W1", 2, "urgent", "%weeks-rising.symptoms", ["2", "3"], ["1", "0"]),
    (
        "W2",
        0,
        "routine",
        [symptoms(rise=1, share="1"), symptoms(rise=8, share="0.29"), symptoms(rise=5, share="0.5", worst=2)],
        [
            symptoms(rise=0, share="0"),
            symptoms(rise=6, share="0.3"),
            symptoms(rise=1, share="0.1", weeks=2),
            symptoms(rise=1, share="0.1", worst=3),
        ],
    ),
    ("F1", 0, "urgent", [facts(falls="head")], [facts(falls="fall"), {}]),
    ("F1", 1, "urgent", [facts(falls="crash")], [facts(falls="driving"), {}]),
    ("E1", 0, "routine", [facts(side_effects="lot")], [facts(side_effects="little"), {}]),
    ("F1", 2, "routine", [facts(falls="fall")], [facts(falls="none"), {}]),
    ("F1", 3, "routine", [facts(falls="driving")], [facts(falls="none"), {}]),
    ("T1", 0, "routine", [facts(taken_again="once")], [facts(taken_again="no"), {}]),
    ("T1", 1, "urgent", [facts(taken_again="often")], [facts(taken_again="once"), {}]),
    (
        "I0",
        0,
        "urgent",
        [{"%outcome": ("call_first",)}],
        [{"%outcome": (word,)} for word in ("emergency", "elsewhere", "flagged", "visit")],
    ),
    *scale("V2", 0, "routine", "%unanswered.hours", ["48", "167"], ["47", "168"]),
    (
        "V2",
        1,
        "urgent",
        [waited(48) | risk for risk in RISKS],
        [*(waited(47) | risk for risk in RISKS), *(waited(168) | risk for risk in RISKS), waited(48)],
    ),
    *scale("V3", 0, "urgent", "%unanswered.hours", ["168", "400"], ["167"]),
    *scale("V3", 1, "urgent", "%unanswered.in-a-row", ["2", "3"], ["1", "0"]),
    ("V4", 0, "same_day", [{"%visit.missed": (True,)}], [{}]),
    ("V4", 1, "urgent", [{"%visit.missed": (True,)} | risk for risk in RISKS], [*RISKS, {"%visit.missed": (True,)}]),
    (
        "V4",
        2,
        "urgent",
        [{"%visit.missed": (True,)} | last(supply=left) for left in ("days-3", "out")],
        [{"%visit.missed": (True,)} | last(supply="week"), last(supply="out")],
    ),
    ("X1", 0, "urgent", [facts(__signal="danger")], [facts(__signal="crisis"), {}]),
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
    (
        "V5",
        1,
        "urgent",
        [facts(__channel="blocked", __standing="enrolled") | risk for risk in RISKS],
        [facts(__channel="open", __standing="enrolled") | risk for risk in RISKS],
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
                kind, _, about = name.partition(".")
                known = name in COMPUTED or kind in OF_MEASURES or (kind == "%last" and asked[about].is_question)
                assert known or asked[name].is_question, (rule.id, name)


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
    ruled = rule("R", *(Case(tier, always) for tier in (Tier.ROUTINE, Tier.EMERGENCY, Tier.SAME_DAY, Tier.URGENT)))
    assert [firing.tier for firing in fired([ruled], {}, {"q": (1,)})] == list(Tier)


def looked_at(test: Test) -> set[str]:
    """The names of the facts that a test looks at."""
    return {test.question} if isinstance(test, Condition) else set().union(*map(looked_at, test.parts))
