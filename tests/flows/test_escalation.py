"""Who is paged next, and when."""

from datetime import timedelta

import pytest

from flows.catalogue import Catalogue
from flows.escalation import Audience, PageStep, Policy, Role, Tier, recipients

MINUTE = timedelta(minutes=1)
OWNER, EVERYONE = PageStep(Audience.OWNERS, 5 * MINUTE), PageStep(Audience.EVERYONE, 10 * MINUTE)
STAFFED = {1: Role.PHYSICIAN, 2: Role.THERAPIST, 3: Role.PHYSICIAN, 4: Role.STAFF}


def test_p4_the_last_step_repeats_for_ever() -> None:
    policy = Policy(Tier.URGENT, (OWNER, EVERYONE))
    assert [policy.step(number) for number in (0, 1, 2, 500)] == [OWNER, EVERYONE, EVERYONE, EVERYONE]


@pytest.mark.parametrize(
    ("step", "owner", "paged"),
    [
        (OWNER, Role.PHYSICIAN, [1, 3]),
        (OWNER, Role.THERAPIST, [2]),
        (EVERYONE, Role.PHYSICIAN, [1, 2, 3, 4]),
    ],
)
def test_a_step_pages_its_audience(step: PageStep, owner: Role, paged: list[int]) -> None:
    assert list(recipients(step, (owner,), STAFFED)) == paged


def test_p4_when_nobody_has_the_owners_role_everybody_is_paged() -> None:
    assert list(recipients(OWNER, Role.THERAPIST, {1: Role.PHYSICIAN, 4: Role.STAFF})) == [1, 4]


def test_tiers_are_ordered_by_urgency() -> None:
    assert sorted(Tier, key=lambda tier: tier.urgency) == [Tier.EMERGENCY, Tier.URGENT, Tier.ROUTINE]


def test_p4_every_tier_of_the_clinic_has_a_way_that_ends_with_everyone(content: Catalogue) -> None:
    assert set(content.policies) == set(Tier)
    for policy in content.policies.values():
        assert policy.step(999).to is Audience.EVERYONE
        assert all(step.wait > timedelta() for step in policy.steps)
    assert not content.policies[Tier.EMERGENCY].silent
    assert not content.policies[Tier.URGENT].silent
