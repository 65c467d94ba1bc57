"""Private by construction (P7): what a patient says is nowhere in the clear, and a page carries none of it."""

from pathlib import Path

import pytest

from bot import log
from tests.e2e.test_first_light import intake
from tests.world import World

SAID = ("Sam Doe", "415 555 0100", "zebra", "kill myself", "Dr. Lee")


async def test_p7_files_logs_and_pages_hold_nothing_that_was_said(
    here: World, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log.configure("debug")
    lee, sam = await here.clinician(), here.patient()
    await intake(sam)
    await lee.gets("Consultation request")
    sam.says("I want to kill myself, says the zebra")
    await sam.gets("988")
    page = await lee.gets("EMERGENCY · A-1")
    await here.restart()
    await here.settled()

    secrets = (*SAID, str(sam.person.id), str(lee.person.id), here.sandbox.token)
    files = contents(tmp_path)
    assert {"taperline.db", "taperline.db-wal"} <= set(files)
    logs = "".join(capfd.readouterr())
    assert "running" in logs
    for secret in secrets:
        assert [name for name, content in files.items() if secret.encode() in content] == []
        assert secret not in page["text"]
        assert secret not in logs


def contents(folder: Path) -> dict[str, bytes]:
    """The raw bytes of every file but the keys."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".keys"}
