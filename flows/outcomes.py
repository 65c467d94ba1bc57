"""Problems as a FHIR R4 OperationOutcome."""

from collections.abc import Sequence
from typing import Any

from flows.problems import Problem, Severity


def operation_outcome(problems: Sequence[Problem]) -> dict[str, Any]:
    """The problems as issues, in their order; without any, one issue says that all is in order."""
    found = problems or [Problem("All OK", code="informational", severity=Severity.INFORMATION)]
    return {"resourceType": "OperationOutcome", "issue": [_issue(problem) for problem in found]}


def _issue(problem: Problem) -> dict[str, Any]:
    link_id = problem.item.replace("\\", "\\\\").replace("'", "\\'")
    return {
        "severity": str(problem.severity),
        "code": problem.code,
        "diagnostics": str(problem),
        **({"expression": [f"descendants().where(linkId = '{link_id}')"]} if link_id else {}),
    }
