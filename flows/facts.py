"""What the rules see of a patient: answers, totals, what changed since last time, the plan against the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flows.catalogue import Catalogue
from flows.checklists import checklists, levels
from flows.conversation import Conversation
from flows.equivalents import Duration, Taken, diazepam_equivalents, half_life_class, interaction_classes
from flows.medicines import Medicine, Medicines
from flows.past import Levels, Past
from flows.questionnaire import Questionnaire
from flows.scores import scores, total_name
from flows.taper import DAILY_DOSE, DailyDose, Plan, above_plan, below_plan, reported, reported_fall
from flows.values import DECLINED, Coding, Facts, Value, Values

MEDICINE = Coding("medicine", "urn:taperline")
"""The code that marks a question for a medicine that the patient takes."""

NEW_MEDICINE = Coding("new-medicine", "urn:taperline")
"""The code that marks a question for a medicine that the patient has just started."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the answers of a conversation come to, by the names of the measures that the rules know.

    `totals` are those that are complete; `levels` are those of checklists as far as they go.
    """

    totals: Mapping[str, Decimal]
    levels: Mapping[str, Levels]


def measured(conversation: Conversation, catalogue: Catalogue) -> Measured:
    """The totals and levels of a conversation as far as it is."""
    form, course = conversation.questionnaire, conversation.course
    totals = {catalogue.measure(score.link_id, score.codes): score.value for score in scores(form, conversation.facts)}
    found: dict[str, Levels] = {}
    for item, below in checklists(form):
        found[item.link_id], is_whole = levels(item, below, course)
        if is_whole:
            totals[item.link_id] = sum(found[item.link_id].values(), Decimal())
    return Measured(totals, found)


def facts(
    conversation: Conversation,
    past: Past,
    plan: Plan,
    doses: tuple[DailyDose, ...],
    *,
    today: date,
    catalogue: Catalogue,
) -> Facts:
    """The facts of a conversation, beside those that are true of the person at any time."""
    form, answered = conversation.questionnaire, conversation.facts
    found = measured(conversation, catalogue)
    told = reported(form, answered, day=today)
    fall = reported_fall((*doses, *told), today=today, plan=plan) if told else None
    return {
        **answered_by_code(form, answered, catalogue),
        **_of_medicines(conversation, past, plan, today, catalogue),
        **past.facts(found.totals, found.levels),
        **{total_name(name): (total,) for name, total in found.totals.items()},
        "%dose.fall": _one(fall),
        "%dose.below": _one(below_plan(told, plan)),
        "%dose.above": _one(above_plan(told, plan)),
    }


def taken(conversation: Conversation, medicines: Medicines) -> tuple[Taken, ...]:
    """The medicines that a conversation names with a daily dose beside them, each with that dose."""
    items = conversation.questionnaire
    named: dict[tuple[int, ...], list[Value]] = {}
    doses: dict[tuple[int, ...], Decimal] = {}
    for entry in conversation.course.entries:
        item, values = entry.item, entry.values or ()
        if MEDICINE in item.codes and not item.takes_several:
            named[entry.place.instance] = [value for value in values if value != DECLINED]
        elif DAILY_DOSE in item.codes and len(values) == 1 and isinstance(values[0], int | Decimal):
            doses[entry.place.instance] = Decimal(values[0])
    asks_for_dose = any(DAILY_DOSE in item.codes for item in items.coded)
    return tuple(
        Taken(known_as(value, medicines), doses.get(instance))
        for instance, values in named.items()
        for value in values
        if asks_for_dose
    )


def known_as(value: Value, medicines: Medicines) -> Medicine | None:
    """The medicine that an answer names; None for words that name none for certain."""
    if isinstance(value, Coding):
        return medicines.by_code(value.code)
    match = medicines.find(value) if isinstance(value, str) else None
    return match.medicine if match is not None and match.is_certain else None


def _of_medicines(conversation: Conversation, past: Past, plan: Plan, today: date, catalogue: Catalogue) -> Facts:
    """What the named medicines are to each other and to the taper."""
    medicines, answered = catalogue.medicines, conversation.facts
    new = _named(answered, NEW_MEDICINE, catalogue)
    around = [medicine for medicine in _named({**past.answers, **answered}, MEDICINE, catalogue) if medicine]
    step = plan.on(today)
    tapered = medicines.by_code(step.medicine) if step is not None else None
    around += [tapered] if tapered is not None else []
    spans = {half_life_class(medicine) for medicine in ([tapered] if tapered else around) if medicine.is_tapered}
    classes = {str(word) for medicine in new for word in interaction_classes(medicine, around)}
    dose_class = _dose_class(taken(conversation, medicines))
    return {
        "%taking": tuple(sorted({str(group) for medicine in around for group in medicine.groups})),
        "%new-medicine": tuple(sorted(classes)),
        "%half-life": (Duration.LONG.value,) if spans == {Duration.LONG} else (),
        "%dose-class": () if dose_class is None else (dose_class,),
    }


def _named(answered: Facts, code: Coding, catalogue: Catalogue) -> list[Medicine | None]:
    """The medicines that the answers to questions with this code name."""
    values = [value for link_id in sorted(catalogue.coded(code)) for value in answered.get(link_id, ())]
    return [known_as(value, catalogue.medicines) for value in values if value != DECLINED]


def _dose_class(told: tuple[Taken, ...]) -> str | None:
    """The more cautious class of the diazepam equivalent; "unknown" when it cannot be told."""
    if not told:
        return None
    found = diazepam_equivalents(told).dose_class
    return "unknown" if found is None else str(found)


def answered_by_code(form: Questionnaire, answered: Facts, catalogue: Catalogue) -> dict[str, Values]:
    """The answers by linkId, and also by the linkIds that the rules know for their codes: others write forms too.

    Questions that share a code add their answers together, so that none silences another.
    """
    known, heard = catalogue.namesakes, dict(answered)
    for item in form.coded:
        for name in {known[code] for code in item.codes if code in known} - {item.link_id}:
            heard[name] = (*heard.get(name, ()), *answered.get(item.link_id, ()))
    return heard


def _one(number: Decimal | None) -> Values:
    return () if number is None else (number,)
