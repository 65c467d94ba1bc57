"""Figures of a period: how fast alerts were paged, taken and acted on, how many came, and which rules want tuning."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from statistics import median

from flows.catalogue import Catalogue
from flows.escalation import Outcome, Tier
from flows.lifecycle import ALERT, TAKEN, AlertState, AlertStep, after, allows

AIM = 0.1
"""How many emergency and urgent alerts a check-in should raise at most: the clinic's aim, by no guideline."""

TAKES = frozenset({AlertStep.ACKNOWLEDGE, AlertStep.CONTACT, AlertStep.RESOLVE})
"""The steps by which somebody takes an alert that nobody has taken."""

REACHED = frozenset({Outcome.HELPED, Outcome.REFERRED})
"""The outcomes that say that the patient was reached."""


@dataclass(frozen=True, slots=True)
class Life:
    """What happened to one alert: the steps of its trace, the oldest first, and when its first page was sent."""

    rule: str
    tier: Tier
    is_about_patient: bool
    raised_at: datetime
    steps: tuple[tuple[datetime, AlertStep], ...] = ()
    first_sent_at: datetime | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """What is counted. `of_check_ins` are the emergency and urgent alerts about patients who have check-ins."""

    since: datetime
    until: datetime
    lives: Sequence[Life]
    check_ins: int
    of_check_ins: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took: half of the times are at most the median, nine of ten at most the ninetieth."""

    count: int
    median: timedelta
    ninetieth: timedelta

    @classmethod
    def of(cls, times: Collection[timedelta]) -> "Spread | None":
        """The spread of some times; None of none."""
        if not times:
            return None
        middle = timedelta(seconds=median(time.total_seconds() for time in times))
        return cls(len(times), middle, sorted(times)[ceil(0.9 * len(times)) - 1])


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    of: int

    @classmethod
    def counted(cls, verdicts: Iterable[bool | None]) -> "Share":
        """How many are true of those that are known."""
        known = [verdict for verdict in verdicts if verdict is not None]
        return cls(sum(known), len(known))

    @property
    def fraction(self) -> float | None:
        """From 0 to 1, or more where the parts are others than the whole; None of nothing."""
        return self.part / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class TierFigures:
    """The alerts of a tier. The last four count alerts to which that happened at least once."""

    tier: Tier
    alerts: int
    to_page: Spread | None
    to_acknowledge: Spread | None
    to_contact: Spread | None
    acknowledged_in_time: Share
    contacted_in_time: Share
    overdue: int
    escalated: int
    handed_over: int
    raised_again: int


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """The alerts of a rule, and of those that are resolved how many needed no action."""

    rule: str
    title: str
    raised: int
    no_action: Share


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a period. `per_check_in` is emergency and urgent alerts of so many check-ins that were sent in."""

    since: datetime
    until: datetime
    tiers: tuple[TierFigures, ...]
    per_check_in: Share
    rules: tuple[RuleFigures, ...]


def figures(period: Period, catalogue: Catalogue) -> Figures:
    """Count a period, as it looks at its end. Rules whose alerts were most often for nothing come first."""
    traced = [_Traced(life, catalogue, period.until) for life in period.lives]
    tiers = (_of_tier(tier, [one for one in traced if one.life.tier is tier]) for tier in Tier)
    rules = (_of_rule(rule, period.lives, catalogue) for rule in {life.rule for life in period.lives})
    return Figures(
        period.since,
        period.until,
        tuple(tier for tier in tiers if tier.alerts),
        Share(period.of_check_ins, period.check_ins),
        tuple(sorted(rules, key=_tune_first)),
    )


@dataclass(frozen=True, slots=True)
class _Traced:
    """One alert with what its steps say."""

    life: Life
    catalogue: Catalogue
    until: datetime

    def first(self, steps: Collection[AlertStep]) -> datetime | None:
        """When one of these steps was first taken."""
        return next((at for at, step in self.life.steps if step in steps), None)

    @property
    def acknowledged_at(self) -> datetime | None:
        """When somebody first took the alert, by whatever step."""
        return self.first(TAKES)

    @property
    def contacted_at(self) -> datetime | None:
        """When the patient was first spoken with: noted as such, or at the latest by the outcome."""
        steps = {AlertStep.CONTACT, AlertStep.RESOLVE} if self.life.outcome in REACHED else {AlertStep.CONTACT}
        return self.first(steps) if self.life.is_about_patient else None

    def after_raising(self, at: datetime | None) -> timedelta | None:
        """How long after the alert was raised."""
        return None if at is None else at - self.life.raised_at

    @property
    def acknowledged_in_time(self) -> bool | None:
        """Whether somebody took it before its second page was due; None while that may still be."""
        paged_at, taken_at = self.first({AlertStep.PAGE}), self.acknowledged_at
        if paged_at is None:
            return None if taken_at is None else True
        wait = self.catalogue.policies[self.life.tier].step(0).wait
        return self._in_time(taken_at, paged_at + wait)

    @property
    def contacted_in_time(self) -> bool | None:
        """Whether the patient was reached within `contact` of the first acknowledgement.

        None when that may still be, when nobody took the alert, or when no action was needed.
        """
        taken_at, reached_at = self.acknowledged_at, self.contacted_at
        if taken_at is None or not self.life.is_about_patient:
            return None
        if reached_at is None and self.life.outcome is not None:
            return None if self.life.outcome is Outcome.NO_ACTION else False
        return self._in_time(reached_at, taken_at + self.catalogue.policies[self.life.tier].contact)

    def _in_time(self, at: datetime | None, due: datetime) -> bool | None:
        due = self.catalogue.within_hours(self.life.rule, self.life.tier, due)
        if at is None:
            return False if self.until > due else None
        return at <= due

    def happened(self, step: AlertStep) -> bool:
        return any(each is step for _, each in self.life.steps)

    @property
    def was_raised_again(self) -> bool:
        """Whether new facts came after somebody had taken it. Before that they are only added to what is known."""
        state = AlertState.RAISED
        for _, step in self.life.steps:
            if step is AlertStep.NEW_FACTS and state in TAKEN:
                return True
            if allows(ALERT, state, step):
                state = after(ALERT, state, step)
        return False


def _of_tier(tier: Tier, traced: Sequence[_Traced]) -> TierFigures:
    def spread(moment: Callable[[_Traced], datetime | None]) -> Spread | None:
        times = (one.after_raising(moment(one)) for one in traced)
        return Spread.of([time for time in times if time is not None])

    return TierFigures(
        tier,
        len(traced),
        to_page=spread(lambda one: one.life.first_sent_at),
        to_acknowledge=spread(lambda one: one.acknowledged_at),
        to_contact=spread(lambda one: one.contacted_at),
        acknowledged_in_time=Share.counted(one.acknowledged_in_time for one in traced),
        contacted_in_time=Share.counted(one.contacted_in_time for one in traced),
        overdue=sum(one.happened(AlertStep.OVERDUE) for one in traced),
        escalated=sum(one.happened(AlertStep.ESCALATE) for one in traced),
        handed_over=sum(one.happened(AlertStep.HAND_OVER) for one in traced),
        raised_again=sum(one.was_raised_again for one in traced),
    )


def _of_rule(rule_id: str, lives: Sequence[Life], catalogue: Catalogue) -> RuleFigures:
    rule, raised = catalogue.rule(rule_id), [life for life in lives if life.rule == rule_id]
    outcomes = [life.outcome for life in raised if life.outcome is not None]
    no_action = Share(outcomes.count(Outcome.NO_ACTION), len(outcomes))
    return RuleFigures(rule_id, rule_id if rule is None else rule.title, len(raised), no_action)


def _tune_first(rule: RuleFigures) -> tuple[int, float, int, str]:
    """The most alerts for nothing first, then the greatest share of them, then the most alerts."""
    return -rule.no_action.part, -(rule.no_action.fraction or 0), -rule.raised, rule.rule
