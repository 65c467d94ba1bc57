"""Patient stories, played through the real turn."""
