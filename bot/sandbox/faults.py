"""Faults on demand: what goes wrong next, for which method and chat, and how often."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bot.sandbox.errors import ApiError, RefusalError, too_many_requests
from bot.sandbox.records import Json


class FaultKind(StrEnum):
    """What goes wrong. Numbers are answered before anything happens; `cut` and `slow` come after the work was done."""

    BAD_REQUEST = "400"
    FORBIDDEN = "403"
    TOO_MANY = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    CUT = "cut"
    SLOW = "slow"
    DUPLICATE_UPDATES = "duplicate_updates"
    REORDER_UPDATES = "reorder_updates"
    DROP_WEBHOOK = "drop_webhook"


_OF_UPDATES = {FaultKind.DUPLICATE_UPDATES, FaultKind.REORDER_UPDATES, FaultKind.DROP_WEBHOOK}
_DESCRIPTIONS = {
    FaultKind.BAD_REQUEST: "Bad Request: chat not found",
    FaultKind.FORBIDDEN: "Forbidden: bot was blocked by the user",
    FaultKind.SERVER_ERROR: "Internal Server Error",
    FaultKind.BAD_GATEWAY: "Bad Gateway",
}


@dataclass
class Fault:
    """One fault: `method` "*" is every method, `times` None is until it is cleared, `chat_id` None is every chat."""

    kind: FaultKind
    method: str = "*"
    times: int | None = 1
    chat_id: int | None = None
    retry_after: int = 1
    seconds: float = 1.0
    description: str | None = None

    def error(self) -> ApiError | None:
        """The answer in place of the method's own; None for a fault that lets the method do its work."""
        if self.kind is FaultKind.TOO_MANY:
            return too_many_requests(self.retry_after)
        default = _DESCRIPTIONS.get(self.kind)
        return ApiError(int(self.kind), self.description or default) if default else None

    def as_json(self) -> Json:
        """The fault as the chat page sees it."""
        return asdict(self)


def read_fault(fields: Mapping[str, Any]) -> Fault:
    """A fault out of the chat page's JSON. Raises RefusalError 400 when a field is unknown or has the wrong form."""
    forms: dict[str, tuple[type, ...]] = {
        "kind": (str,),
        "method": (str,),
        "times": (int, type(None)),
        "chat_id": (int, type(None)),
        "retry_after": (int,),
        "seconds": (int, float),
        "description": (str, type(None)),
    }
    for name, value in fields.items():
        if name not in forms:
            raise RefusalError(400, f'A fault has no field "{name}".')
        if not isinstance(value, forms[name]) or isinstance(value, bool):
            raise RefusalError(400, f'The field "{name}" of a fault has the wrong type.')
    kinds = [kind.value for kind in FaultKind]
    if fields.get("kind") not in kinds:
        raise RefusalError(400, f"The kind of a fault is one of {', '.join(kinds)}.")
    return Fault(**{**fields, "kind": FaultKind(fields["kind"])})


class Faults:
    """The faults that are still to happen, oldest first; `spent` is called whenever one has happened."""

    def __init__(self, spent: Callable[[], None]) -> None:
        self.waiting: list[Fault] = []
        self._spent = spent

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        """The next fault for a request, spent once; None when the request is to go well."""
        for fault in self.waiting:
            for_method = fault.method == "*" or fault.method.lower() == method.lower()
            for_chat = fault.chat_id is None or fault.chat_id == chat_id
            if fault.kind not in _OF_UPDATES and for_method and for_chat:
                return self._spend(fault)
        return None

    def take_of_updates(self, kind: FaultKind) -> bool:
        """Whether updates are to be duplicated, reordered or dropped now; spends the fault once."""
        fault = next((fault for fault in self.waiting if fault.kind is kind), None)
        return fault is not None and self._spend(fault) is fault

    def _spend(self, fault: Fault) -> Fault:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.waiting.remove(fault)
        self._spent()
        return fault
