"""Logs: one line an event, ids only; no token, no content, and of an error only its kind and its place."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

QUIET = ("httpx", "httpcore", "telegram", "uvicorn", "alembic", "asyncio", "transitions", "sqlalchemy")
"""Libraries that would log request addresses, which hold the token, or values of parameters."""


def configure(level: str) -> None:
    """Set up structlog on standard error."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    overheard = logging.getLogger("apprise")  # bot/lifeline.py reads there why a channel failed; nobody else does
    overheard.setLevel(logging.DEBUG)
    overheard.propagate = False
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=True),
            _place_of_error,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def _place_of_error(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An error's text may quote an answer, so only its type and the lines it came through are written."""
    if event.pop("exc_info", None):
        kind, _, trace = sys.exc_info()
        frames = traceback.extract_tb(trace)[-4:]
        event["error"] = kind.__name__ if kind is not None else "unknown"
        event["at"] = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return event
