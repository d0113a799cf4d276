"""Read, decide, write on condition; and again when another writer was faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random

from chalicelib.deadline import time_left
from chalicelib.errors import StaleWrite

_T = TypeVar("_T")

_ROUNDS = 8
_LEAST_SECONDS = 0.3


def until_written(read_decide_write: Callable[[], _T]) -> _T:
    """Run ``read_decide_write`` from its reads on until its write is not stale.

    Raises
    ------
    StaleWrite
        Other writers were faster eight times in a row, or the handler's time is over.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(StaleWrite),
        stop=_over,
        wait=wait_random(0, 0.05),
        reraise=True,
    )
    return retrying(read_decide_write)


def _over(state: RetryCallState) -> bool:
    return state.attempt_number >= _ROUNDS or time_left() < _LEAST_SECONDS
