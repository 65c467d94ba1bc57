"""One request of the bot from its name and raw parameters to Telegram's answer, with faults on the way."""

import inspect
from collections.abc import Mapping
from typing import Any

from bot.sandbox.errors import ApiError
from bot.sandbox.faults import FaultKind
from bot.sandbox.methods import HANDLERS, Described, refuse_unserved
from bot.sandbox.people import Sandbox
from bot.sandbox.records import Call, Json, Upload
from bot.sandbox.schema import bot_api


class ConnectionCutError(Exception):
    """The work was done, and the connection is to break before the answer."""


async def answer(sandbox: Sandbox, name: str, given: Mapping[str, Any], files: Mapping[str, Upload]) -> Json:
    """What Telegram answers to a method. Raises ApiError, or ConnectionCutError where a fault asks for it."""
    method = bot_api().method(name)
    if method is None:
        raise ApiError(404, "Not Found")
    call = Call(method, {**given, **files}, sandbox.clock.now())
    sandbox.calls.append(call)
    sandbox.wake()
    try:
        outcome = await _work(sandbox, call, given, files)
        described = outcome if isinstance(outcome, Described) else None
        call.result = described.result if described else outcome
    except ApiError as error:
        call.error = error.description
        raise
    except ConnectionCutError:
        call.error = "the connection was cut after the work was done"
        raise
    finally:
        call.done = True
        sandbox.wake()
    return {"ok": True, "result": call.result, **({"description": described.description} if described else {})}


async def _work(sandbox: Sandbox, call: Call, given: Mapping[str, Any], files: Mapping[str, Upload]) -> Any:
    call.params = bot_api().parameters(call.method, given, files, strict=sandbox.strict)
    if sandbox.strict:
        refuse_unserved(call.params)
    fault = sandbox.faults.take(call.method, call.params.get("chat_id"))
    if fault and (error := fault.error()):
        raise error
    outcome = HANDLERS[call.method](sandbox, call.params)
    if inspect.isawaitable(outcome):
        outcome = await outcome
    if fault and fault.kind is FaultKind.CUT:
        raise ConnectionCutError
    if fault and fault.kind is FaultKind.SLOW:
        await sandbox.pause(fault.seconds)
    return outcome
