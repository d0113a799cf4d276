"""The whole system on loopback: no Docker, no account."""
