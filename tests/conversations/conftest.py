"""What the golden conversations share: the clinic's own content and words, read once."""

import pytest

from bot.render import Renderer
from flows import catalogue
from flows.catalogue import Catalogue


@pytest.fixture(scope="session")
def content() -> Catalogue:
    return catalogue.load()


@pytest.fixture(scope="session")
def renderer(content: Catalogue) -> Renderer:
    return Renderer(content, strict=True)
