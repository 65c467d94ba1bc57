"""`taperline chat`: a questionnaire tried in the terminal, and what happened as a golden conversation and as FHIR."""

import json
from pathlib import Path

import pytest
from fhir.resources.R4B.bundle import Bundle
from typer.testing import CliRunner

from bot import chat
from bot.cli import cli
from bot.render import Renderer
from flows import catalogue
from flows.errors import TaperlineError
from tests.conversations.test_golden import HERE, played

PHQ = str(HERE / "forms" / "us-core-phq-9.json")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def talked(*lines: str, more: tuple[str, ...] = ()) -> str:
    """What the terminal shows when somebody types these lines, and then Ctrl-D."""
    found = CliRunner().invoke(cli, ["chat", PHQ, *more], input="".join(f"{line}\n" for line in lines))
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_questionnaire_is_asked_and_scored_in_the_terminal(folder: Path) -> None:
    shown = talked("[Begin]", *["[1 Several]"] * 9, "[Not difficult]", "[✅ Send]")
    assert "Little interest or pleasure" in shown
    assert "= PHQ-9 Example: submitted" in shown
    assert "= Patient health questionnaire 9 item total score: 9" in shown
    assert list(folder.iterdir()) == [], "nothing is left behind"


def test_a_page_that_the_clinic_would_get_is_told(folder: Path) -> None:
    assert "! EMERGENCY S1" in talked("[Begin]", "I want to kill myself")


def test_a_button_that_is_not_there_is_told_and_changes_nothing(folder: Path) -> None:
    shown = talked("[Begin]", "[Nonsense]", "several days")
    assert "There is no button [Nonsense]." in shown
    assert "✓ Several days" in shown


def test_what_happened_is_written_as_a_golden_conversation_that_goes_the_same_way_again(folder: Path) -> None:
    talked("[Begin]", "several days", "2", "no", "+24h", "/review", more=("--golden", "phq.txt"))
    golden = Path("phq.txt").read_text("utf-8")
    assert list(chat.steps(golden)) == ["[Begin]", "several days", "2", "no", "+24h", "/review"]
    content = catalogue.load()
    assert played(golden, content, Renderer(content, strict=True)) == golden


def test_answers_and_scores_are_written_as_a_bundle(folder: Path) -> None:
    talked("[Begin]", *["[2 More]"] * 9, "[Skip]", "[✅ Send]", more=("--bundle", "phq.json"))
    found = json.loads(Path("phq.json").read_text("utf-8"))
    Bundle.model_validate(found)
    resources = [entry["resource"] for entry in found["entry"]]
    (score,) = [resource for resource in resources if resource["resourceType"] == "Observation"]
    assert score["valueInteger"] == 18
    assert [code["code"] for code in score["code"]["coding"]] == ["44261-6"]


def test_a_file_that_cannot_be_asked_is_refused_by_item_and_feature(folder: Path) -> None:
    Path("f.yaml").write_text(
        "resourceType: Questionnaire\nstatus: active\nitem: [{linkId: photo, type: attachment, text: Show me}]"
    )
    with pytest.raises(TaperlineError, match=r"f\.yaml: item photo: the type attachment cannot be asked in a chat"):
        CliRunner().invoke(cli, ["chat", "f.yaml"], catch_exceptions=False)
    with pytest.raises(TaperlineError, match=r"nothing\.yaml cannot be read"):
        CliRunner().invoke(cli, ["chat", "nothing.yaml"], catch_exceptions=False)
