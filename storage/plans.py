"""The taper plan: steps that a physician recorded at a visit in person. They are added, never changed."""

import json
from datetime import datetime
from decimal import Decimal

from sqlmodel import col, select

from flows.taper import Plan, PlanStep
from storage.database import Transaction, new_id
from storage.tables import PlanStepRow

STEP = "plan_step/step"


def add(tx: Transaction, patient_id: int, step: PlanStep, *, by: int, now: datetime) -> None:
    """Record a step. One that begins on the day of an earlier one takes its place in the plan; both are kept."""
    row_id = new_id()
    content = json.dumps({"medicine": step.medicine, "milligrams": str(step.milligrams)})
    sealed = tx.seal(content, STEP, row_id)
    tx.session.add(
        PlanStepRow(
            id=row_id, patient_id=patient_id, begins=step.begins, step_sealed=sealed, recorded_at=now, recorded_by=by
        )
    )
    tx.session.flush()


def of_patient(tx: Transaction, patient_id: int) -> Plan:
    """The plan of a patient, in the order of its days."""
    query = (
        select(PlanStepRow)
        .where(PlanStepRow.patient_id == patient_id)
        .order_by(col(PlanStepRow.begins), col(PlanStepRow.recorded_at), col(PlanStepRow.id))
    )
    steps = []
    for row in tx.session.exec(query):
        content = json.loads(tx.open(row.step_sealed, STEP, row.id))
        steps.append(PlanStep(content["medicine"], Decimal(content["milligrams"]), row.begins))
    return Plan(tuple(steps))
