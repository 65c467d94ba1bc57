"""Serving HTTP in the running event loop, on a port that is known to be free before anything else starts."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from flows.errors import TaperlineError

SECONDS_TO_FINISH = 5


class PortTakenError(TaperlineError):
    """The address that was asked for is in use or not ours; the text names it and the remedy."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises PortTakenError."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortTakenError(f"Port {port} on {host} is in use. Stop the other program, or set PORT.") from error
        raise PortTakenError(f"Cannot listen on {host}:{port}: {error}. Set HOST and PORT.") from error


@asynccontextmanager
async def serving(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[None]:
    """Run an application in this event loop, without uvicorn's signal handlers, exits and fixed waits."""
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield
    finally:
        for listening in server.servers:
            listening.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        if server.server_state.tasks:
            await asyncio.wait(server.server_state.tasks, timeout=SECONDS_TO_FINISH)
        await server.lifespan.shutdown()
