"""The pure core: what to ask, what it means, what must happen. No Telegram, database, clock, network or environment."""
