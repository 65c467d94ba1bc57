"""A local Telegram Bot API server with people in it: the demo, and the wire that the tests talk to."""

from bot.sandbox.errors import RefusalError, WorldFileError
from bot.sandbox.faults import Fault, FaultKind
from bot.sandbox.people import Sandbox
from bot.sandbox.records import Call, Chat, Person, Role, Upload
from bot.sandbox.server import create_app, serve

__all__ = [
    "Call",
    "Chat",
    "Fault",
    "FaultKind",
    "Person",
    "RefusalError",
    "Role",
    "Sandbox",
    "Upload",
    "WorldFileError",
    "create_app",
    "serve",
]
