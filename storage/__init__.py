"""Memory: what is kept, sealed, and committed together. Knows the types of flows, never Telegram."""
