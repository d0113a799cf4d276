"""How long a request waits, and how long a link is good."""

from __future__ import annotations

from datetime import timedelta

SECONDS_ON_PLATFORMS = 8
"""The longest that one request waits for payment platforms."""

LINK_OUTLIVES_ORDER = timedelta(hours=24)
"""A payer who comes back late shall read how it ended; nothing can be opened by then."""
