"""Golden conversations: what is said and done, and what must come back. `pytest --update-golden` writes them again.

Every message goes through the real turn: the conversation is loaded from the database before it, and saved after it.
"""

from datetime import datetime
from pathlib import Path

import pytest

from bot import chat
from bot.render import Renderer
from flows import questionnaire
from flows.catalogue import Catalogue

HERE = Path(__file__).parent
GOLDEN = sorted(path for path in HERE.glob("*.txt"))


def played(golden: str, content: Catalogue, renderer: Renderer) -> str:
    """The same conversation once more. Its header says when, and what is asked: a file, or a name of the catalogue."""
    header = dict(line.split(": ", 1) for line in golden.split("\n\n", maxsplit=1)[0].splitlines())
    file = HERE / "forms" / header.get("form", "")
    form = questionnaire.load(file.read_text("utf-8"), file.name) if file.is_file() else None
    with chat.opened(content, renderer, now=datetime.fromisoformat(header["now"]), form=form) as talk:
        if form is None and "form" in header:
            talk.seek(header["form"])
        for step in chat.steps(golden):
            talk.does(step)
        return chat.transcript(talk, header)


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_a_conversation_goes_as_it_is_written(
    path: Path, content: Catalogue, renderer: Renderer, request: pytest.FixtureRequest
) -> None:
    golden = path.read_text("utf-8")
    again = played(golden, content, renderer)
    if request.config.getoption("--update-golden"):
        path.write_text(again, encoding="utf-8")
    assert again == path.read_text("utf-8")
