"""The papers tell the truth: the house is drawn as it is, and the README names every setting, command and module."""

import re

import pytest
from typer.testing import CliRunner

from bot.cli import cli
from bot.settings import Settings
from tests.diagrams import HOUSE, QUESTIONNAIRES, ROOMS, ROOT, RULES, house, questionnaires, rules

README = (ROOT / "README.md").read_text(encoding="utf-8")
TREE = README.split("## Where things are")[1].split("```")[1]


def test_the_house_is_drawn_as_it_is() -> None:
    assert HOUSE.read_text(encoding="utf-8") == house(), "run `make docs`"


def test_the_questionnaires_are_drawn_as_they_are() -> None:
    assert QUESTIONNAIRES.read_text(encoding="utf-8") == questionnaires(), "run `make docs`"


def test_the_rules_are_written_as_they_are() -> None:
    assert RULES.read_text(encoding="utf-8") == rules(), "run `make docs`"


@pytest.mark.parametrize("setting", [name.upper() for name in Settings.model_fields])
def test_every_setting_stands_in_the_readme_and_in_the_example(setting: str) -> None:
    assert f"`{setting}`" in README
    assert re.search(rf"^{setting}=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)


def test_no_setting_is_made_up() -> None:
    example = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(example) == {name.upper() for name in Settings.model_fields}


def test_every_command_stands_in_the_readme_and_has_help() -> None:
    commands = [command.callback.__name__ for command in cli.registered_commands if command.callback]
    assert commands
    for command in commands:
        assert f"`taperline {command}" in README
        shown = CliRunner().invoke(cli, [command, "--help"])
        assert shown.exit_code == 0
        assert len(shown.output) > 100


def test_the_tree_names_every_module_and_nothing_else() -> None:
    named = set(re.findall(r"\b([a-z_]+\.py)\b", TREE))
    there = {path.name for room in ROOMS for path in (ROOT / room).glob("*.py") if not path.stem.startswith("__")}
    assert named == there


def test_every_link_of_the_papers_leads_somewhere() -> None:
    for paper in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", paper.read_text(encoding="utf-8")):
            assert (paper.parent / target).exists(), f"{paper.name} links to {target}"
