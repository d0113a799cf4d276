"""Read, decide, write on condition; and again when another writer was faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from chalicelib.errors import StaleWrite

_T = TypeVar("_T")

_ROUNDS = 8


def until_written(read_decide_write: Callable[[], _T]) -> _T:
    """Run ``read_decide_write`` from its reads on until its write is not stale.

    Raises
    ------
    StaleWrite
        Other writers were faster eight times in a row.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(StaleWrite),
        stop=stop_after_attempt(_ROUNDS),
        wait=wait_random(0, 0.05),
        reraise=True,
    )
    return retrying(read_decide_write)
