"""The world's file: one JSON document, replaced as a whole, written soon after every change."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

from bot.sandbox.errors import WorldFileError
from bot.sandbox.records import Json

FORMAT = "telegram sandbox world 1"
_SECONDS_UNTIL_WRITTEN = 0.05


def read_world(path: Path) -> Json | None:
    """The world in a file; None when there is no file yet. Raises WorldFileError when it is torn or something else."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise WorldFileError(f"{path} can't be read as a sandbox world: {error}") from error
    try:
        world = json.loads(text)
    except ValueError as error:
        raise WorldFileError(f"{path} is torn or is no sandbox world; delete it to begin a new one") from error
    if not isinstance(world, dict) or world.get("format") != FORMAT:
        raise WorldFileError(f"{path} is no sandbox world of this version; delete it to begin a new one")
    return world


class WorldFile:
    """Writes what `describe` returns: within 0.1 s after `soon`, or at once with `now`."""

    def __init__(self, path: Path, describe: Callable[[], Json]) -> None:
        self._path = path
        self._describe = describe
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Write a little later, together with the changes that follow closely; at once outside of an event loop."""
        if self._timer and not self._timer.cancelled():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.now()
        else:
            self._timer = loop.call_later(_SECONDS_UNTIL_WRITTEN, self.now)

    def now(self) -> None:
        """Replace the file; a reader sees the old world or the new one, never a part."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(self._path.suffix + ".new")
        fresh.write_text(json.dumps({"format": FORMAT, **self._describe()}, ensure_ascii=False), "utf-8")
        os.replace(fresh, self._path)  # noqa: PTH105 - says what it is, and is atomic on every system
