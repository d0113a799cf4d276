"""A platform that does not answer is not asked again and again within one run of a job. No I/O."""

from __future__ import annotations

from collections import Counter

from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.model import PayChannel

_MOST_IN_VAIN = 3


class Silence:
    """Counts, for one run, the questions to each platform that stayed without an answer.

    Each of them costs its whole time-out, and what waits for the other platform would wait with it.
    """

    def __init__(self) -> None:
        self._in_vain: Counter[PayChannel | None] = Counter()

    def of(self, channel: PayChannel | None) -> bool:
        """Whether the platform is left alone for the rest of the run."""
        return self._in_vain[channel] >= _MOST_IN_VAIN

    def note(self, channel: PayChannel | None, error: BaseException) -> None:
        """Count ``error`` if it says that no answer came, or was caused by one that does."""
        if isinstance(error, ChannelUnavailable) or isinstance(error.__cause__, ChannelUnavailable):
            self._in_vain[channel] += 1
