"""What the tests of the core share: the clinic's own content, read once."""

import pytest

from flows import catalogue
from flows.catalogue import Catalogue


@pytest.fixture(scope="session")
def content() -> Catalogue:
    """The content that comes with Taperline."""
    return catalogue.load()
