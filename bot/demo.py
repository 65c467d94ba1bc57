"""The bot and its sandbox in one process: what `taperline run` shows without a token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import structlog

from bot.app import App, running
from bot.sandbox import Person, Role, Sandbox, serve
from bot.settings import Settings
from flows.escalation import Role as ClinicRole
from storage import clinicians
from storage.address import database_file

log = structlog.get_logger()

ROLES = {"Dr. Lee": ClinicRole.PHYSICIAN, "Jordan": ClinicRole.THERAPIST}
"""What the sandbox's clinicians are to the clinic; anybody else is staff."""


@dataclass(slots=True)
class Demo:
    """A sandbox and the bot that talks to it. The bot can be taken down and started again beside the living sandbox."""

    settings: Settings
    sandbox: Sandbox
    url: str
    _bot: AsyncExitStack = field(default_factory=AsyncExitStack)
    _restarting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: Settings) -> AsyncIterator["Demo"]:
        """Serve the sandbox on HOST and PORT, start the bot, and make the sandbox's clinicians known to it."""
        database = database_file(settings.database_url)
        world = database.with_name("sandbox.json") if database is not None else None
        sandbox = Sandbox.with_default_people(path=world)
        demo = cls(settings, sandbox, "")
        async with serve(sandbox, settings.host, settings.port, demo.restart) as demo.url:
            try:
                app = await demo.start()
                await demo.invite(app)
                yield demo
            finally:
                await demo._bot.aclose()

    async def start(self) -> App:
        """Start the bot on the sandbox's own clock."""
        settings = self.settings.model_copy(update={"telegram_base_url": self.url, "public_url": None})
        return await self._bot.enter_async_context(running(settings, self.sandbox.token, self.sandbox.clock))

    async def restart(self) -> None:
        """Take the bot down in the middle of whatever it does, and start it again."""
        async with self._restarting:
            await self._bot.aclose()
            await self.start()

    async def invite(self, app: App) -> None:
        """On a new database, let the sandbox's clinicians open their invitations."""
        if await app.store.run(clinicians.everyone):
            return
        for person in list(self.sandbox.people.values()):
            if person.role is Role.CLINICIAN:
                self.sandbox.start(person, await self._invitation(app, person))

    async def _invitation(self, app: App, person: Person) -> str:
        role, now = ROLES.get(person.first_name, ClinicRole.STAFF), self.sandbox.clock.now()
        return await app.store.run(lambda tx: clinicians.invite(tx, person.first_name, role, now=now))
