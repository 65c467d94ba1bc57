"""Who is paged next, and when."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.catalogue import Catalogue
from flows.escalation import Audience, Colleague, Named, PageStep, Policy, Role, Target, Tier, recipients

MINUTE = timedelta(minutes=1)
PHYSICIAN, THERAPIST, STAFF = Role


def step(*to: Target, wait: timedelta = 5 * MINUTE) -> PageStep:
    return PageStep(to, wait)


OWNERS, EVERYONE = step(Audience.OWNERS), step(Audience.EVERYONE, wait=10 * MINUTE)
TEAM = (Colleague(1, PHYSICIAN, "Ada"), Colleague(2, THERAPIST), Colleague(3, PHYSICIAN), Colleague(4, STAFF))


def on_call(*ids: int) -> tuple[Colleague, ...]:
    return tuple(Colleague(one.id, one.role, one.name, one.id in ids) for one in TEAM)


def test_p4_the_last_step_repeats_for_ever() -> None:
    policy = Policy(Tier.URGENT, (OWNERS, EVERYONE), contact=MINUTE, merge=MINUTE)
    assert [policy.step(number) for number in (0, 1, 2, 500)] == [OWNERS, EVERYONE, EVERYONE, EVERYONE]


@pytest.mark.parametrize(
    ("target", "owner", "team", "paged"),
    [
        (Audience.OWNERS, PHYSICIAN, TEAM, [1, 3]),
        (Audience.OWNERS, THERAPIST, TEAM, [2]),
        (Audience.OWNERS, STAFF, TEAM[:3], [1, 2, 3]),
        (Audience.EVERYONE, PHYSICIAN, TEAM, [1, 2, 3, 4]),
        (Audience.ON_CALL, PHYSICIAN, on_call(3, 4), [3]),
        (Audience.ON_CALL, PHYSICIAN, on_call(2, 4), [2, 4]),
        (Audience.ON_CALL, PHYSICIAN, TEAM, [1, 3]),
        (Audience.ON_CALL, STAFF, TEAM[:3], [1, 2, 3]),
        (THERAPIST, PHYSICIAN, on_call(1), [2]),
        (Named("Ada"), STAFF, on_call(2), [1]),
        (Named("Nobody"), STAFF, TEAM, [1, 2, 3, 4]),
        (STAFF, PHYSICIAN, TEAM[:3], [1, 2, 3]),
        (Audience.FALLBACK, PHYSICIAN, TEAM, []),
    ],
)
def test_a_step_pages_whom_it_names(target: Target, owner: Role, team: tuple[Colleague, ...], paged: list[int]) -> None:
    assert list(recipients(step(target), (owner,), team)) == paged


def test_a_step_pages_each_of_several_once() -> None:
    several = step(Audience.ON_CALL, THERAPIST, Named("Ada"), Audience.FALLBACK)
    assert list(recipients(several, (PHYSICIAN,), on_call(3, 2))) == [1, 2, 3]
    assert several.calls_fallback
    assert not OWNERS.calls_fallback


TARGETS = st.one_of(st.sampled_from(Audience), st.sampled_from(Role), st.builds(Named, st.sampled_from(["Ada", "Bo"])))
PEOPLE = st.lists(
    st.builds(Colleague, st.integers(1, 9), st.sampled_from(Role), st.sampled_from(["Ada", ""]), st.booleans()),
    unique_by=lambda one: one.id,
)


@given(st.lists(TARGETS, min_size=1), st.sets(st.sampled_from(Role)), PEOPLE)
def test_p4_a_step_for_people_never_finds_nobody_while_there_is_one(
    to: list[Target], owners: set[Role], team: list[Colleague]
) -> None:
    paged = recipients(step(*to), owners, team)
    assert set(paged) <= {one.id for one in team}
    assert len(paged) == len(set(paged))
    assert bool(paged) == (bool(team) and set(to) != {Audience.FALLBACK})


def test_tiers_are_ordered_by_urgency() -> None:
    ordered = [Tier.EMERGENCY, Tier.URGENT, Tier.SAME_DAY, Tier.ROUTINE]
    assert sorted(Tier, key=lambda tier: tier.urgency) == ordered
    assert [tier for tier in ordered if tier.is_pressing] == ordered[:2]


def test_p4_every_tier_of_the_clinic_has_a_way_that_ends_with_everyone(content: Catalogue) -> None:
    assert set(content.policies) == set(Tier)
    for tier, policy in content.policies.items():
        assert Audience.EVERYONE in policy.step(999).to
        assert policy.step(999).calls_fallback == tier.is_pressing
        assert policy.waits_for_opening != tier.is_pressing
        assert all(step.wait > timedelta() for step in policy.steps)
    assert not content.policies[Tier.EMERGENCY].silent
    assert not content.policies[Tier.URGENT].silent


def test_an_emergency_is_paged_again_after_five_ten_and_fifteen_minutes(content: Catalogue) -> None:
    steps = content.policies[Tier.EMERGENCY].steps
    assert [step.wait for step in steps] == [5 * MINUTE, 10 * MINUTE, 15 * MINUTE]
