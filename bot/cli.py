"""The command line."""

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from telegram.error import TelegramError

from bot import app as application
from bot import chat as chatting
from bot import check as checking
from bot import drill as drills
from bot import figures as telling
from bot import log, rota_cli
from bot.clock import SystemClock
from bot.demo import Demo
from bot.figures import DAYS, MOST_DAYS
from bot.ladder import Ladder
from bot.lifeline import Lifeline
from bot.render import Renderer
from bot.settings import Settings, read_settings
from bot.wire import Wire
from flows import catalogue, plain_yaml
from flows.diagram import mermaid
from flows.errors import TaperlineError
from flows.escalation import Role, Tier
from flows.fhir import PatientRecord, Response, written
from flows.figures import Figures
from flows.figures import figures as count
from flows.listener import signals_in_order
from flows.outcomes import operation_outcome
from flows.plain_yaml import UnreadableError
from flows.problems import Problem, Severity, problems
from flows.questionnaire import complete
from flows.questionnaire import load as load_questionnaire
from flows.validation import response_problems
from storage import alerts, audit, clinicians, patients, records, rota
from storage.database import Store, Transaction
from storage.figures import period
from storage.tables import AlertRow

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Taperline: the conversation partner of an in-person benzodiazepine-tapering clinic, on Telegram.",
)
clinician = typer.Typer(no_args_is_help=True, help="The clinic's people.")
cli.add_typer(clinician, name="clinician")
cli.add_typer(rota_cli.rota, name="rota")
fallback = typer.Typer(no_args_is_help=True, help="The fallback channels, for when Telegram is not enough.")
cli.add_typer(fallback, name="fallback")


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
    """Read all content, and name file, item and reason for whatever is wrong. Exit code 1 when something is.

    When all is well it names each questionnaire with its version and the hash that its conversations keep.
    """
    folder = folder or read_settings().content_dir
    found = list(checking.findings(folder, today=datetime.now(UTC).date()))
    for severity, text in found:
        print(f"warning: {text}" if severity is Severity.WARNING else text)
    mistakes = sum(severity is Severity.ERROR for severity, _ in found)
    if mistakes:
        print(f"{mistakes} problems")
        raise typer.Exit(1)
    content = catalogue.load(*([folder] if folder is not None else []))
    for name, form in content.questionnaires.items():
        print(f"{content.files[name]}: version {form.version or 'unnamed'}, {form.hash}")
    print("Everything is in order.")


@cli.command()
def listen() -> None:
    """Say what the listener hears: one message a line on standard input, one JSON object a line on standard output."""
    ear = catalogue.load(*_content_dir()).listener
    for line in sys.stdin.buffer:
        heard = ear.hear(line.decode(errors="replace").rstrip("\r\n"))
        print(json.dumps({"signals": signals_in_order(heard)}), flush=True)


@cli.command()
def questionnaire(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A FHIR R4 Questionnaire, YAML or JSON.")],
    response: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A QuestionnaireResponse to check against it.")
    ] = None,
    diagram: Annotated[bool, typer.Option("--diagram", help="Draw it instead, as a Mermaid flowchart.")] = False,
) -> None:
    """Say what is wrong with a FHIR questionnaire, or with a response to one, as a FHIR OperationOutcome.

    Without --response: whether Taperline can ask the questionnaire. With --response: whether the response is a valid
    answer to it; that part of it could not be asked in a chat does not matter then. Each issue of the outcome names
    the item by its linkId.

    Exit code 1 when an issue is an error. Example: taperline questionnaire phq-9.yaml --response answers.json
    With --diagram it prints the way through the questionnaire as a Mermaid flowchart instead.
    """
    if diagram:
        print(mermaid(load_questionnaire(_form(file), str(file))))
        return
    try:
        form = plain_yaml.read(_form(file), str(file))
        answers = None if response is None else plain_yaml.read(_text(response), str(response))
        found = problems(form) if response is None else response_problems(answers, form)
    except UnreadableError as error:
        found = [Problem(str(error), code="structure")]
    print(json.dumps(operation_outcome(found), indent=2, ensure_ascii=False))
    if any(problem.severity is Severity.ERROR for problem in found):
        raise typer.Exit(1)


@cli.command()
def chat(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A FHIR R4 Questionnaire, YAML or JSON.")],
    golden: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what happened here, as a golden conversation.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write answers and scores here, as a FHIR Bundle.")
    ] = None,
) -> None:
    """Try a questionnaire in the terminal: the real conversation, on a database that is thrown away.

    Type an answer as a patient would, or tap a button by its words in brackets: [Yes]. /review shows the answers so
    far, /help the crisis lines; +24h lets a day go by. Ctrl-D ends it. What would page the clinic stands behind a !.
    """
    log.configure("critical")
    content, renderer = checking.load(read_settings().content_dir)
    form = load_questionnaire(_form(file), str(file))
    now = datetime.now(ZoneInfo(content.clinic.zone)).replace(microsecond=0)
    with chatting.opened(content, renderer, now=now, form=form) as talk:
        chatting.converse(talk)
        if golden is not None:
            golden.write_text(chatting.transcript(talk, {"form": file.name, "now": now.isoformat()}), encoding="utf-8")
        if bundle is not None:
            answered = tuple(Response(held, talk.now) for held in talk.conversations)
            bundle.write_text(written(PatientRecord("P-CHAT", answered)), encoding="utf-8")


@cli.command()
def export(
    code: Annotated[str, typer.Argument(help="The patient's code, such as P-7K3FA; every page shows it.")],
) -> None:
    """Print all that is kept of a patient, as a FHIR R4 Bundle. The export is audited.

    The Bundle can be read without Taperline. It holds every conversation (QuestionnaireResponse) with the source of its
    questionnaire (Binary), totals (Observation), the medicines that the patient reports (MedicationStatement), alerts
    (Flag) with their pages, the patient's own words (Communication), and requests (Appointment). The Patient in it has
    a code and nothing else; a name or a telephone number stands in it only where the patient gave it as an answer.

    Keep it as you keep any record: taperline export P-7K3FA > P-7K3FA.fhir.json
    """
    content = catalogue.load(*_content_dir())

    def work(tx: Transaction) -> str:
        patient = patients.by_code(tx, code)
        if patient is None:
            raise TaperlineError(f"There is no patient {code}. Codes look like P-7K3FA, and stand on every page.")
        audit.note(tx, "operator", "export", f"patient:{patient.id}", now=datetime.now(UTC))
        return written(records.of_patient(tx, patient, content))

    with _memory() as store:
        print(store.submit(work).result())


@cli.command()
def drill(
    tier: Annotated[Tier, typer.Option(help="The kind of alert whose ladder is tried.")] = Tier.EMERGENCY,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it here until it is resolved.")] = False,
) -> None:
    """Try the paging out: raise an alert that says it is a drill, and let it go the way of a real one.

    The running bot finds it within a minute, and pages the people whom a real alert of this tier would page, with the
    same waits, repeats and fallback. Every page says that it is a drill. It goes on until somebody taps Acknowledge and
    Resolve. A clinician who types /drill in Telegram does the same, without the minute. Figures leave drills out.

    Before the clinic opens, on a new rota, and once a month: taperline drill --watch
    """
    settings = read_settings()
    log.configure("critical")
    content = catalogue.load(*_content_dir())
    renderer = Renderer(content, settings.content_dir)
    ladder, now = Ladder(content, renderer, Lifeline.open([])), datetime.now(UTC)

    def work(tx: Transaction) -> tuple[AlertRow, bool, bool]:
        alert, is_new = ladder.drill(tx, tier, now=now)
        if is_new:
            audit.note(tx, "operator", "drill", f"alert:{alerts.number(alert)}", now=now, reason=tier)
        return alert, is_new, bool(clinicians.team(tx, now))

    with _memory() as store:
        alert, is_new, has_team = store.submit(work).result()
        number = alerts.number(alert)
        if not is_new and not watch:
            raise TaperlineError(
                f"The drill A-{number} is open already. Follow it with --watch, or end it: a clinician types resolve "
                f"{number} in Telegram."
            )
        try:
            print(f"Drill A-{number} ({alert.tier}) {'is raised' if is_new else 'is open already'}.", flush=True)
            if not has_team:
                print("No clinician can be paged yet: add one with `taperline clinician add`.", flush=True)
            if watch:
                drills.watch(store, alert, renderer, Console())
                return
            print(f"The running bot pages it within a minute. It ends when a clinician resolves it: resolve {number}")
        except KeyboardInterrupt:
            print(f"The drill goes on. To end it, a clinician types in Telegram: resolve {number}")
            raise typer.Exit(130) from None


@cli.command()
def figures(
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="How far to look back.")] = DAYS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines: times in seconds.")] = False,
) -> None:
    """Say how fast alerts were paged, taken and acted on, and which rules page for nothing. Drills are left out.

    Times begin when an alert is raised: half of them are at most the first number, nine of ten at most the second. They
    end with the first page that was sent, with the first tap of a person who took it, and when somebody noted that the
    patient was spoken with. In time is: taken before the second page was due, and spoken with within `contact`
    (escalation.yaml). Rules that were resolved as "No action was needed" most often come first: look at their limits.

    The look is audited. Example: taperline figures --days 90
    """
    settings = read_settings()
    content = catalogue.load(*_content_dir())

    def work(tx: Transaction) -> Figures:
        now = datetime.now(UTC)
        audit.note(tx, "operator", "figures", "clinic", now=now, reason=f"{days} days")
        return count(period(tx, now - timedelta(days=days), now), content)

    with _memory() as store:
        counted = store.submit(work).result()
    if as_json:
        print(json.dumps(telling.as_json(counted), indent=2, ensure_ascii=False))
        return
    Console().print(telling.tables(counted, Renderer(content, settings.content_dir), content.clinic.zone))


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


@clinician.command("list")
def clinician_list() -> None:
    """List the clinic's people: name, role, whether a page reaches them, and who is on call now.

    The number tells two people of one name apart; commands take it instead of the name.
    """
    now = datetime.now(UTC)
    table = Table("Name", "Role", "Reachable", "On call now", Column("Number", no_wrap=True))

    def work(tx: Transaction) -> None:
        on_call = rota.on_call_now(tx, now)
        for row in clinicians.everyone(tx):
            name, busy = clinicians.name_of(tx, row.id), "yes" if row.id in on_call else ""
            table.add_row(escape(name), row.role, clinicians.reachability(row, now), busy, str(row.id))

    with _memory() as store:
        store.submit(work).result()
    if table.row_count:
        Console().print(table)
    else:
        print('There is nobody yet. Add somebody: taperline clinician add "Dr. Lee" --role physician')


@fallback.command("test")
def fallback_test() -> None:
    """Send a test page through every address of FALLBACK_URLS at once, and show which of them took it.

    Exit code 1 when one failed, or when there is none. Look at every phone and mailbox too: a service can take a page
    and lose it. The page says that it is a test, and nothing else.

    Addresses are Apprise's, with spaces between them; see https://github.com/caronc/apprise/wiki for every kind:

    - mailtos://USER:PASSWORD@HOST?smtp=SMTP.HOST&from=BOT@HOST&to=ONCALL@HOST (e-mail)

    - twilio://ACCOUNT_SID:AUTH_TOKEN@FROM_NUMBER/TO_NUMBER (SMS)

    - vonage://KEY:SECRET@FROM_NUMBER/TO_NUMBER (SMS)

    - pagerduty://INTEGRATION_KEY@API_KEY (pager)

    - jsons://USER:PASSWORD@HOST/PATH (a webhook of your own: HTTPS with JSON)

    Write one address for each person or number: each is tried again by itself until it takes a page. A % @ : / or space
    in a password is written %25 %40 %3A %2F %20. It is best to have two kinds that do not share a provider.
    """
    settings = read_settings()
    log.configure("critical")
    lifeline = Lifeline.open([url.get_secret_value() for url in settings.fallback_urls])
    if not lifeline.channels:
        raise TaperlineError("FALLBACK_URLS is empty: when Telegram fails, nobody is paged. Set it; --help shows how.")
    outcomes = asyncio.run(lifeline.send("Taperline test", "This is a test page. Nobody needs help."))
    table = Table("Channel", "Taken", "Seconds", "Error")
    for channel, receipt in outcomes:
        table.add_row(channel.name, "yes" if receipt.taken else "NO", f"{receipt.seconds:.1f}", escape(receipt.reason))
    Console().print(table)
    if not all(receipt.taken for _, receipt in outcomes):
        raise typer.Exit(1)


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


def _text(file: Path) -> str:
    """The text of a file that somebody named."""
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise TaperlineError(f"{file} cannot be read: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise TaperlineError(f"{file} is not a text in UTF-8. Save it as YAML or JSON.") from error


def _form(file: Path) -> str:
    """The text of a questionnaire, with the value sets of ours that it names."""
    return complete(_text(file), str(file), catalogue.load_medicines(*_content_dir()).value_sets)


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
