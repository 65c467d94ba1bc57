"""`taperline questionnaire`: what is wrong with a form or with a response, as a FHIR OperationOutcome."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir.resources.R4B.operationoutcome import OperationOutcome
from typer.testing import CliRunner

from bot.cli import cli
from flows.diagram import mermaid
from flows.errors import TaperlineError
from flows.questionnaire import load
from tests.flows.forms import Raw, form, item

URL = "https://clinic.example/form"
FORM = form(item("q", required=True), url=URL)
CANNOT_BE_ASKED = form(item("q", required=True), {"linkId": "photo", "type": "attachment"}, url=URL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    """The exit code, and what went to standard output and standard error."""
    found = CliRunner().invoke(cli, ["questionnaire", *arguments])
    return found.exit_code, found.stdout, found.stderr


def response(*answers: Raw) -> Raw:
    items = {"item": [{"linkId": "q", "answer": list(answers)}]} if answers else {}
    return {"resourceType": "QuestionnaireResponse", "questionnaire": URL, "status": "completed", **items}


def issues(printed: str) -> list[dict[str, Any]]:
    outcome = json.loads(printed)
    OperationOutcome.model_validate(outcome)
    return list(outcome["issue"])


def test_a_form_that_can_be_asked_is_all_ok(folder: Path) -> None:
    (folder / "f.yaml").write_text(yaml.safe_dump(FORM))
    code, printed, _ = run("f.yaml")
    assert code == 0
    assert issues(printed) == [{"severity": "information", "code": "informational", "diagnostics": "All OK"}]


def asks_for(address: str) -> Raw:
    return form(item("q", "choice", answerValueSet=address), url=URL)


def test_a_form_can_ask_for_the_clinics_medicines_by_their_address(folder: Path) -> None:
    medicines = "https://taperline.example/ValueSet/medicines"
    (folder / "f.yaml").write_text(yaml.safe_dump(asks_for(medicines)))
    assert run("f.yaml")[0] == 0
    assert "Gabapentin (Neurontin)" in run("f.yaml", "--diagram")[1]
    for code, exit_code in (("alprazolam", 0), ("xanax", 1)):
        answered = response({"valueCoding": {"system": "urn:taperline:medicine", "code": code}})
        (folder / "r.json").write_text(json.dumps(answered))
        assert run("f.yaml", "--response", "r.json")[0] == exit_code


def test_other_value_sets_that_are_not_in_the_form_cannot_be_asked(folder: Path) -> None:
    (folder / "f.yaml").write_text(yaml.safe_dump(asks_for("https://elsewhere.example/ValueSet/medicines")))
    code, printed, _ = run("f.yaml")
    assert code == 1
    assert "a chat has no terminology server" in issues(printed)[0]["diagnostics"]


def test_a_form_that_cannot_be_asked_is_an_error_that_names_the_item(folder: Path) -> None:
    (folder / "f.json").write_text(json.dumps(CANNOT_BE_ASKED))
    code, printed, _ = run("f.json")
    assert code == 1
    told = [issue for issue in issues(printed) if issue["severity"] == "error"]
    assert all(issue["diagnostics"].startswith("item photo: ") for issue in told)
    assert told[0]["expression"] == ["descendants().where(linkId = 'photo')"]


@pytest.mark.parametrize(("answers", "wanted"), [([{"valueBoolean": True}], 0), ([{"valueInteger": 1}], 1), ([], 1)])
def test_a_response_is_checked_against_a_form_even_one_that_cannot_be_asked(
    folder: Path, answers: list[Raw], wanted: int
) -> None:
    (folder / "f.yaml").write_text(yaml.safe_dump(CANNOT_BE_ASKED))
    (folder / "r.json").write_text(json.dumps(response(*answers)))
    code, printed, _ = run("f.yaml", "--response", "r.json")
    assert code == wanted
    assert len([issue for issue in issues(printed) if issue["severity"] == "error"]) == wanted


def test_a_warning_is_no_error(folder: Path) -> None:
    (folder / "f.yaml").write_text(yaml.safe_dump({**FORM, "status": "retired"}))
    (folder / "r.yaml").write_text(yaml.safe_dump(response({"valueBoolean": False})))
    code, printed, _ = run("f.yaml", "--response", "r.yaml")
    assert code == 0
    assert [issue["severity"] for issue in issues(printed)] == ["warning"]


@pytest.mark.parametrize(("content", "wanted"), [(b"a: [1", "line 2"), (b"a: 1\na: 2", "twice"), (b"{", "line 2")])
@pytest.mark.parametrize("broken", ["f.yaml", "r.json"])
def test_a_file_that_is_neither_yaml_nor_json_is_an_outcome_that_names_the_line(
    folder: Path, broken: str, content: bytes, wanted: str
) -> None:
    (folder / "f.yaml").write_text(yaml.safe_dump(FORM))
    (folder / "r.json").write_text(json.dumps(response()))
    (folder / broken).write_bytes(content)
    code, printed, _ = run("f.yaml", "--response", "r.json")
    assert code == 1
    (issue,) = issues(printed)
    assert (issue["severity"], issue["code"]) == ("error", "structure")
    assert issue["diagnostics"].startswith(broken)
    assert wanted in issue["diagnostics"]


@pytest.mark.parametrize(("content", "wanted"), [(None, "No such file"), (b"\xff\xfe\x00", "not a text in UTF-8")])
@pytest.mark.parametrize("broken", ["f.yaml", "r.json"])
def test_a_file_that_cannot_be_read_is_one_sentence(
    folder: Path, broken: str, content: bytes | None, wanted: str
) -> None:
    (folder / "f.yaml").write_text(yaml.safe_dump(FORM))
    (folder / "r.json").write_text(json.dumps(response()))
    (folder / broken).unlink()
    if content is not None:
        (folder / broken).write_bytes(content)
    with pytest.raises(TaperlineError, match=wanted) as error:
        CliRunner().invoke(cli, ["questionnaire", "f.yaml", "--response", "r.json"], catch_exceptions=False)
    assert str(error.value).startswith(broken)


def test_what_is_readable_but_no_fhir_is_an_outcome(folder: Path) -> None:
    for text in ("[]", "just words", "{}"):
        (folder / "f.yaml").write_text(text)
        code, printed, _ = run("f.yaml")
        assert code == 1
        assert issues(printed)[0]["code"] == "structure"


def test_the_help_teaches_the_exit_codes() -> None:
    code, printed, _ = run("--help")
    assert code == 0
    assert "OperationOutcome" in printed
    assert "Exit code 1" in printed


def test_a_form_is_drawn(folder: Path) -> None:
    (folder / "f.yaml").write_text(yaml.safe_dump(FORM))
    code, printed, _ = run("f.yaml", "--diagram")
    assert code == 0
    assert printed == mermaid(load(json.dumps(FORM), "f.yaml")) + "\n"
    (folder / "f.yaml").write_text(yaml.safe_dump(CANNOT_BE_ASKED))
    with pytest.raises(TaperlineError, match="item photo: the type attachment"):
        CliRunner().invoke(cli, ["questionnaire", "f.yaml", "--diagram"], catch_exceptions=False)
