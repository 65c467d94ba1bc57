"""Everything that talks: the only place where flows, storage and Telegram meet."""
