"""What goes wrong for the person who runs it: one clear sentence with the remedy, exit code 1, and nothing touched."""

import asyncio
import base64
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.sandbox import Sandbox, serve
from tests.e2e.test_kill import process

TOKEN = "123456:" + "A" * 35


def taperline(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command as an operator would, to its end."""
    command = [sys.executable, "-m", "bot", *arguments]
    return subprocess.run(
        command, cwd=folder, env=settings, capture_output=True, text=True, timeout=60, check=False, input=""
    )


def one_sentence(run: subprocess.CompletedProcess[str]) -> str:
    """The only line of an error: no traceback, exit code 1."""
    assert run.returncode == 1, run.stdout + run.stderr
    lines = [line for line in run.stderr.splitlines() if line.startswith("taperline: ")]
    assert len(lines) == 1, run.stderr
    assert "Traceback" not in run.stderr
    return lines[0]


async def test_a_wrong_token(tmp_path: Path) -> None:
    async with (
        serve(Sandbox()) as url,
        process(tmp_path, "run", TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_BASE_URL=url) as bot,
    ):
        assert await bot.wait() == 1
        assert bot.stderr is not None
        said = (await bot.stderr.read()).decode()
    assert f"{url} does not accept TELEGRAM_BOT_TOKEN. Copy it from @BotFather" in said
    assert TOKEN not in said


def test_a_busy_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        said = one_sentence(taperline(tmp_path, "run", PORT=port))
    assert f"Port {port} on 127.0.0.1 is in use" in said
    assert "PORT" in said


def test_a_missing_key_file(tmp_path: Path) -> None:
    assert taperline(tmp_path, "clinician", "add", "Lee", "--role", "staff").returncode == 0
    (tmp_path / "data" / "taperline.keys").unlink()
    before = (tmp_path / "data" / "taperline.db").read_bytes()
    said = one_sentence(taperline(tmp_path, "run", TELEGRAM_BOT_TOKEN=TOKEN))
    assert "taperline.keys is missing" in said
    assert "backup" in said
    assert (tmp_path / "data" / "taperline.db").read_bytes() == before
    assert not (tmp_path / "data" / "taperline.keys").exists()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("k1:" + base64.b64encode(b"x" * 32).decode(), "do not open this database"),
        ("k1:short", "TAPERLINE_KEYS must hold keys such as"),
    ],
)
def test_a_wrong_key(tmp_path: Path, keys: str, words: str) -> None:
    assert taperline(tmp_path, "clinician", "add", "Lee", "--role", "staff").returncode == 0
    assert words in one_sentence(taperline(tmp_path, "run", TELEGRAM_BOT_TOKEN=TOKEN, TAPERLINE_KEYS=keys))


def test_a_corrupt_database(tmp_path: Path) -> None:
    assert taperline(tmp_path, "clinician", "add", "Lee", "--role", "staff").returncode == 0
    (tmp_path / "data" / "taperline.db").write_bytes(b"\x00 this is no database \xff" * 1000)
    said = one_sentence(taperline(tmp_path, "run", TELEGRAM_BOT_TOKEN=TOKEN))
    assert "taperline.db" in said
    assert "backup" in said


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("questionnaires/intake.yaml", "resourceType: Questionnaire\nstatus: active\nitem: []\n", "has no items"),
        ("questionnaires/intake.yaml", "a: [", "intake.yaml, line 2"),
        ("redflags.yaml", "- {id: S1}\n", "rule S1: title is missing"),
        ("escalation.yaml", "[]", "no steps for emergency, urgent, same_day, routine"),
        ("clinic.yaml", "name: X\n", "address is missing"),
        ("crisis_lines.yaml", "- {name: X}\n", "number is missing"),
        ("phrases/crisis.yaml", "- nonsense\n", "crisis.yaml"),
        ("templates/en/home.html.j2", "{{ nobody }}", "home.html.j2"),
        ("templates/en/home.html.j2", "{% if %}", "home.html.j2"),
        ("templates/en/words.yaml", "buttons: {}\n", "templates/en/words.yaml: buttons.begin, "),
    ],
)
def test_content_with_an_error_is_named_by_check_and_stops_the_start(
    tmp_path: Path, file: str, content: str, words: str
) -> None:
    path = tmp_path / "content" / file
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    checked = taperline(tmp_path, "check", "content")
    assert checked.returncode == 1
    assert words in checked.stdout
    assert "Traceback" not in checked.stderr
    started = taperline(tmp_path, "run", TELEGRAM_BOT_TOKEN=TOKEN, CONTENT_DIR="content")
    assert words in one_sentence(started)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("PORT", "http"), ("TELEGRAM_BASE_URL", "telegram"), ("LOG_LEVEL", "loud"), ("CONTENT_DIR", "nowhere")],
)
def test_a_wrong_setting_is_named(tmp_path: Path, setting: str, value: str) -> None:
    said = one_sentence(taperline(tmp_path, "run", **{setting: value}))
    assert setting in said
    assert ".env.example" in said


async def test_two_bots_on_one_database_are_refused(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with serve(sandbox) as url, asyncio.timeout(60):
        settings = {"TELEGRAM_BOT_TOKEN": sandbox.token, "TELEGRAM_BASE_URL": url}
        async with process(tmp_path, "run", **settings) as one, process(tmp_path, "run", **settings) as other:
            waits = {asyncio.create_task(bot.wait()): bot for bot in (one, other)}
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            refused = waits[done.pop()]
            assert refused.returncode == 1
            assert refused.stderr is not None
            assert "Another Taperline runs on" in (await refused.stderr.read()).decode()
            await sandbox.wait_for(lambda: sandbox.calls, timeout=30)


def test_listen_says_what_it_hears_and_takes_anything(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bot", "listen"],
        cwd=tmp_path,
        env={},
        input=b"I want to die\n\xff\xfe\x00 hello\n\ncan I skip a dose?\n",
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert run.stdout.decode().splitlines() == [
        '{"signals": ["crisis"]}',
        '{"signals": []}',
        '{"signals": []}',
        '{"signals": ["taper"]}',
    ]


def test_export_of_an_unknown_code(tmp_path: Path) -> None:
    assert "There is no patient P-22222" in one_sentence(taperline(tmp_path, "export", "P-22222"))
