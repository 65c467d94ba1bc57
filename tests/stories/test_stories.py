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
