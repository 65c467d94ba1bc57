"""What every test may ask for."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from bot import log
from bot.settings import Settings
from tests.world import World, world

settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):  # the same examples every time: no commit fails by chance; a developer's machine explores
    settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Write the golden conversations as they are now.")


@pytest.fixture(autouse=True)
def _logs_as_in_production() -> None:
    """Logs look as they do in production; `capfd` sees them."""
    log.configure("info")


@pytest.fixture(autouse=True, scope="session")
def _own_environment() -> None:
    """No setting of the machine, and no `.env` of the developer, reaches a test."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    Settings.model_config["env_file"] = None


@pytest.fixture(params=["polling", "webhook"])
async def anyhow(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A running world, once by polling and once by webhook."""
    async with world(tmp_path, webhook=request.param == "webhook") as here:
        yield here


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """A running world, by polling."""
    async with world(tmp_path) as running:
        yield running
