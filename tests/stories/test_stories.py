"""Patient stories: each is played to its end, with the alerts that the clinical rules ask for, and no others."""

import pytest

from bot.render import Renderer
from flows import catalogue
from flows.catalogue import Catalogue
from tests.stories.story import Story, played, stories

STORIES = stories()


@pytest.fixture(scope="module")
def content() -> Catalogue:
    return catalogue.load()


@pytest.fixture(scope="module")
def renderer(content: Catalogue) -> Renderer:
    return Renderer(content, strict=True)


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_a_story_goes_as_a_physician_would_expect(story: Story, content: Catalogue, renderer: Renderer) -> None:
    assert played(story, content, renderer)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([{"intake": {"consent": "no", "supply": "out"}, "outcome": "flagged"}], "never asked"),
        ([{"intake": {"consent": "no"}, "alerts": {"I0": "urgent"}}], "requests"),
        ([{"intake": {"consent": "no"}, "alerts": {"I0": "urgent"}, "outcome": "visit"}], "outcome"),
        ([{"says": "i want to die"}], "alerts"),
        ([{"says": "hello", "alerts": {"S1": "emergency"}}], "alerts"),
        ([{"says": "hello", "told": ["you should sleep"]}], "not told"),
        ([{"intake": {"consent": "no"}, "leaves_at": "phq9-1", "outcome": "flagged"}], "never reached"),
        ([{"intakes": None}], "unknown in a story"),
    ],
)
def test_a_story_that_goes_another_way_says_so(
    steps: list[dict[str, object]], says: str, content: Catalogue, renderer: Renderer
) -> None:
    with pytest.raises(AssertionError, match=says):
        played(Story("other", "Sam", "none", steps, ()), content, renderer)


def test_words_that_must_never_be_said_are_missed_by_no_story(content: Catalogue, renderer: Renderer) -> None:
    with pytest.raises(AssertionError, match="told 'bot'"):
        played(Story("other", "Sam", "none", [{"says": "hello"}], ["bot"]), content, renderer)
