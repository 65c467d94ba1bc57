"""What the rules see of a patient: answers, totals, what changed since last time, the plan against the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flows.catalogue import Catalogue
from flows.checklists import checklists, levels
from flows.conversation import Conversation
from flows.past import Levels, Past
from flows.questionnaire import Questionnaire
from flows.scores import scores, total_name
from flows.taper import DailyDose, Plan, above_plan, below_plan, reported, reported_fall
from flows.values import Facts, Values


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
        **past.facts(found.totals, found.levels),
        **{total_name(name): (total,) for name, total in found.totals.items()},
        "%dose.fall": _one(fall),
        "%dose.below": _one(below_plan(told, plan)),
        "%dose.above": _one(above_plan(told, plan)),
    }


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
