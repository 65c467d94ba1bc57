"""The taper plan: steps of a physician, sealed, in the order of their days, added and never changed."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlmodel import select

from flows.taper import Plan, PlanStep
from storage import plans
from storage.database import Store, Transaction
from storage.tables import PlanStepRow
from tests.databases import Database
from tests.storage.parts import NOW, add_clinician, add_patient, do

pytestmark = pytest.mark.both_databases

FIRST = PlanStep("clonazepam", Decimal("1.50"), date(2026, 3, 2))
SECOND = PlanStep("clonazepam", Decimal("1.25"), date(2026, 3, 16))


def recorded(store: Store, *steps: PlanStep) -> int:
    """A patient with these steps, recorded in this order, a minute apart."""

    def work(tx: Transaction) -> int:
        patient, lee = add_patient(tx), add_clinician(tx)
        for minute, step in enumerate(steps):
            plans.add(tx, patient, step, by=lee, now=NOW + timedelta(minutes=minute))
        return patient

    return do(store, work)


def plan(store: Store, patient: int) -> Plan:
    return do(store, lambda tx: plans.of_patient(tx, patient))


def test_the_steps_come_back_exactly_and_in_the_order_of_their_days(store: Store) -> None:
    patient = recorded(store, SECOND, FIRST)
    assert plan(store, patient).steps == (FIRST, SECOND)
    assert [str(step.milligrams) for step in plan(store, patient).steps] == ["1.50", "1.25"]


def test_of_two_steps_of_one_day_the_one_recorded_later_holds_and_both_are_kept(store: Store) -> None:
    wrong = PlanStep("clonazepam", Decimal(15), FIRST.begins)
    patient = recorded(store, wrong, FIRST)
    assert plan(store, patient).steps == (wrong, FIRST)
    assert plan(store, patient).on(FIRST.begins) == FIRST


def test_the_plan_of_somebody_else_is_not_theirs(store: Store) -> None:
    recorded(store, FIRST)
    other = do(store, lambda tx: add_patient(tx, 222))
    assert plan(store, other) == Plan()


def test_p7_a_step_is_sealed_and_tied_to_its_row(store: Store, database: Database) -> None:
    recorded(store, FIRST, SECOND)
    rows = database.look("SELECT step_sealed FROM plan_step")
    assert all(sealed.startswith("v1|") for (sealed,) in rows)


def test_who_recorded_a_step_and_when_is_kept(store: Store, database: Database) -> None:
    recorded(store, FIRST)
    rows = do(
        store,
        lambda tx: [(row.begins, row.recorded_at, row.recorded_by) for row in tx.session.exec(select(PlanStepRow))],
    )
    ((lee,),) = database.look("SELECT id FROM clinician")
    assert rows == [(FIRST.begins, NOW, lee)]
