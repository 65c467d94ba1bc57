"""The heartbeat: a ping to the outside once a minute, and only when all is well, so that silence is noticed there."""

from dataclasses import dataclass

import httpx
import structlog
from pydantic import SecretStr

log = structlog.get_logger()

SECONDS_TO_ANSWER = 10


@dataclass(slots=True)
class Heartbeat:
    """HEARTBEAT_URL, which is a secret and never logged. Without one nothing is sent."""

    url: SecretStr | None
    _fails: bool = False

    async def beat(self) -> None:
        """Say that all is well. Never raises; a failure is logged when it begins and when it ends."""
        if self.url is None:
            return
        try:
            async with httpx.AsyncClient(timeout=SECONDS_TO_ANSWER) as client:
                answer = await client.get(self.url.get_secret_value())
            reason = "" if answer.is_success else f"status {answer.status_code}"
        except Exception as error:  # noqa: BLE001 (whatever it is, it must not take the bot down)
            reason = type(error).__name__
        if reason and not self._fails:
            log.error("the heartbeat is not taken: check HEARTBEAT_URL", reason=reason)
        if self._fails and not reason:
            log.info("the heartbeat is taken again")
        self._fails = bool(reason)
