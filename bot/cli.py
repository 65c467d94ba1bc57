"""The command line."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from telegram.error import TelegramError

from bot import app as application
from bot import check as checking
from bot import log
from bot.clock import SystemClock
from bot.demo import Demo
from bot.settings import Settings, read_settings
from bot.wire import Wire
from flows import catalogue
from flows.errors import TaperlineError
from flows.escalation import Role
from flows.fhir import bundle
from flows.listener import signals_in_order
from storage import audit, clinicians, conversations, patients
from storage.database import Store, Transaction

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Taperline: the conversation partner of an in-person benzodiazepine-tapering clinic, on Telegram.",
)
clinician = typer.Typer(no_args_is_help=True, help="The clinic's people.")
cli.add_typer(clinician, name="clinician")


def main() -> None:
    """Run a command. What a person can mend ends in one sentence and exit code 1."""
    try:
        cli()
    except TaperlineError as error:
        sys.exit(f"taperline: {error}")


@cli.command()
def run() -> None:
    """Run the bot. Without TELEGRAM_BOT_TOKEN it starts the sandbox on http://127.0.0.1:8080 and talks to that.

    Settings come from the environment and from .env; .env.example explains them all. Ctrl-C stops it.
    """
    settings = read_settings()
    log.configure(settings.log_level)
    asyncio.run(_until_stopped(settings))


@cli.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", exists=True, file_okay=False, help="Your own content.")
    ] = None,
) -> None:
    """Read all content, and name file, item and reason for whatever is wrong. Exit code 1 when something is."""
    found = list(checking.problems(folder or read_settings().content_dir, today=datetime.now(UTC).date()))
    for problem in found:
        print(problem)
    print(f"{len(found)} problems" if found else "Everything is in order.")
    if found:
        raise typer.Exit(1)


@cli.command()
def listen() -> None:
    """Say what the listener hears: one message a line on standard input, one JSON object a line on standard output."""
    ear = catalogue.load(*_content_dir()).listener
    for line in sys.stdin.buffer:
        heard = ear.hear(line.decode(errors="replace").rstrip("\r\n"))
        print(json.dumps({"signals": signals_in_order(heard)}), flush=True)


@cli.command()
def export(code: Annotated[str, typer.Argument(help="The patient's code, such as P-7K3FA.")]) -> None:
    """Print what a patient answered, as a FHIR R4 Bundle. The export is audited."""

    def work(tx: Transaction) -> str:
        patient = patients.by_code(tx, code)
        if patient is None:
            raise TaperlineError(f"There is no patient {code}. Codes look like P-7K3FA, and stand on every page.")
        audit.note(tx, "operator", "export", f"patient:{patient.id}", now=datetime.now(UTC))
        words = [(kept.said_at, kept.text) for kept in conversations.texts(tx, patient.id)]
        record = bundle(patient.code, conversations.of_patient(tx, patient.id), words)
        return json.dumps(record, indent=2, ensure_ascii=False)

    with _memory() as store:
        print(store.submit(work).result())


@clinician.command("add")
def clinician_add(
    name: Annotated[str, typer.Argument(help="The name that colleagues will see.")],
    role: Annotated[Role, typer.Option(help="What they are to the clinic.")],
) -> None:
    """Add a clinician, and print a link that binds one Telegram account to them, once, within three days."""

    def work(tx: Transaction) -> str:
        now = datetime.now(UTC)
        audit.note(tx, "operator", "invite clinician", role, now=now)
        return clinicians.invite(tx, name, role, now=now)

    if not name.strip() or not name.isprintable():
        raise TaperlineError("The name must be words that colleagues can read.")
    settings = read_settings()
    username = "taperline_bot"
    if settings.telegram_bot_token is not None:
        username = asyncio.run(_username(settings.token, settings.telegram_base_url))
    with _memory() as store:
        invitation = store.submit(work).result()
    print(f"https://t.me/{username}?start={invitation}")


async def _username(token: str, base_url: str) -> str:
    try:
        async with Wire(token, base_url) as wire:
            return str(wire.username)
    except TelegramError as error:
        raise TaperlineError(
            f"{base_url} does not answer for TELEGRAM_BOT_TOKEN ({type(error).__name__}). Check token and address."
        ) from error


async def _until_stopped(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM, also while it is still starting, or until a part of the bot fails."""
    running = asyncio.create_task(_run(settings))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running


async def _run(settings: Settings) -> None:
    if settings.telegram_bot_token is None:
        async with Demo.running(settings) as demo:
            print(f"Open {demo.url} in a browser. Ctrl-C stops everything.", flush=True)
            await asyncio.Event().wait()
    async with application.running(settings, settings.token, SystemClock()) as app:
        await app.task


def _content_dir() -> Iterator[Path]:
    folder = read_settings().content_dir
    return iter([folder] if folder is not None else [])


@contextmanager
def _memory() -> Iterator[Store]:
    store = application.open_memory(read_settings())
    try:
        yield store
    finally:
        store.close()
