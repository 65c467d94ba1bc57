"""Draws docs/house.md, docs/questionnaires.md and docs/rules.md from code and content. `make docs` writes them.

A test fails when they have drifted.
"""

import ast
from datetime import timedelta
from pathlib import Path

from flows import catalogue, diagram
from flows.lifecycle import TABLES, mermaid
from flows.reach import described

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "docs" / "house.md"
QUESTIONNAIRES = ROOT / "docs" / "questionnaires.md"
RULES = ROOT / "docs" / "rules.md"
ROOMS = ("flows", "storage", "bot")


def house() -> str:
    """The page about the house: its rooms, who imports whom, what each module is for, and the three tables."""
    parts = [
        "# The house\n\nDrawn from the code by `make docs`; a test fails when it has drifted.\n",
        "## Three rooms, one direction\n",
        _fence(_rooms()),
        *(f"## {room}\n\n{_modules(ROOT / room)}\n" for room in ROOMS),
        "## The three transition tables\n",
        *(f"### {name.capitalize()}\n\n{_fence(mermaid(machine))}" for name, machine in TABLES.items()),
    ]
    return "\n".join(parts)


def questionnaires() -> str:
    """The page about the questionnaires: the way through each of them."""
    parts = [
        "# The questionnaires\n\nDrawn from the content by `make docs`; a test fails when it has drifted. Boxes are "
        "questions, hexagons decide which ones are asked.\n\nYour own are drawn by "
        "`taperline questionnaire FILE --diagram`.\n"
    ]
    for name, form in catalogue.load().questionnaires.items():
        where = f"`flows/content/questionnaires/{name}.yaml`, version {form.version}"
        parts.append(f"## {form.title}\n\n{where}\n\n{_fence(diagram.mermaid(form))}")
    return "\n".join(parts)


def rules() -> str:
    """The page about the rules: what each looks for, who acts on it and when, why, and by which source."""
    content = catalogue.load()
    parts = [
        "# The rules\n\nWritten from `flows/content/redflags.yaml` and `triage.yaml` by `make docs`; a test fails when "
        "it has drifted. All tiers and times are proposals that the medical director of a clinic signs. "
        "`%total.phq9` is the total of the PHQ-9, `%rise.phq9` how much it is above the last one, `%last.x` the last "
        "answer to question x; `flows/care.py`, `flows/facts.py` and `flows/past.py` explain the others.\n"
    ]
    for rule in content.rules:
        owners = ", ".join(rule.owners)
        parts.append(f"## {rule.id}. {rule.title}\n")
        if rule.kept_by:
            parts.append(f"Kept by {rule.kept_by}.\n")
        parts += [
            f"- **{case.tier.label}**{f', when it still holds after {_minutes(case.after)}' if case.after else ''}: "
            f"`{described(case.test)}`"
            for case in rule.cases
        ]
        times = f" Acknowledge: {rule.acknowledge}. Contact: {rule.contact}." if rule.acknowledge else ""
        times += " Pages wait until the clinic is open." if rule.waits_for_opening else ""
        parts.append(f"\nFor {owners}.{times}\n\n{rule.rationale} *{rule.source}.*\n")
    parts.append("## What an intake leads to\n")
    parts += [
        f"- **{reason.outcome}**: {reason.words}, `{described(reason.test)}`" for reason in content.triage.reasons
    ]
    return "\n".join(parts) + "\n"


def _minutes(time: timedelta) -> str:
    return f"{time // timedelta(minutes=1)} minutes"


def _fence(diagram: str) -> str:
    return f"```mermaid\n{diagram}\n```\n"


def _rooms() -> str:
    """Each room with its modules; an arrow for every room that imports another."""
    lines = ["flowchart LR"]
    for room in ROOMS:
        names = "<br/>".join(path.stem for path in _files(ROOT / room))
        lines.append(f'    {room}["<b>{room}</b><br/>{names}"]')
    for room in ROOMS:
        imported = {name for path in (ROOT / room).rglob("*.py") for name in _imports(path)}
        lines += [f"    {room} --> {other}" for other in ROOMS if other in imported and other != room]
    return "\n".join(lines)


def _modules(room: Path) -> str:
    """A table of the modules and the first line of each docstring."""
    rows = [f"| `{path.relative_to(ROOT)}` | {_first_line(path)} |" for path in _files(room)]
    folders = [folder / "__init__.py" for folder in sorted(room.iterdir()) if (folder / "__init__.py").exists()]
    rows += [f"| `{path.parent.relative_to(ROOT)}/` | {_first_line(path)} |" for path in folders]
    return "\n".join(["| module | what it is for |", "|---|---|", *rows])


def _files(room: Path) -> list[Path]:
    return [path for path in sorted(room.glob("*.py")) if not path.stem.startswith("__")]


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def _imports(path: Path) -> set[str]:
    """The top-level packages that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
    return found


if __name__ == "__main__":
    HOUSE.write_text(house(), encoding="utf-8")
    QUESTIONNAIRES.write_text(questionnaires(), encoding="utf-8")
    RULES.write_text(rules(), encoding="utf-8")
