"""DynamoDB as the stores use it: one connection, bound tables, transactions that tell why not.

A *condition that failed* is an outcome, told by `ConditionFailed`. What passes (a conflict with
another transaction, throttling, an answer that did not come) is repeated here with jitter, and
becomes `Unavailable` when it does not end or when the handler's time runs out.

A failed condition may be one's own write: a request whose answer was lost is repeated. A store
therefore keeps the id of the write with the item and looks at it before it says "conflict".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pynamodb.connection import Connection
from pynamodb.exceptions import (
    DoesNotExist,
    PutError,
    PynamoDBException,
    TransactWriteError,
    UpdateError,
)
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from chalicelib.deadline import time_left
from chalicelib.errors import StoreRefused, Unavailable, UnreadableRow
from chalicelib.settings import Settings

_M = TypeVar("_M", bound=Model)
_R = TypeVar("_R")
_T = TypeVar("_T")

_CONNECT_SECONDS = 1
_READ_SECONDS = 2
# botocore would repeat without knowing how much time the handler has: `repeating` does it.
_RETRIES_BELOW = 0
_TRIES = 6
_SILENT_TRIES = 3
_LEAST_SECONDS = 0.3

_CONDITION = "ConditionalCheckFailed"
_PASSING = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ThrottlingError",
        "ThrottlingException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
    }
)


_OUR_FAULT = frozenset({"ValidationException", "ValidationError"})


class ConditionFailed(Exception):
    """A condition of a write did not hold; nothing was written.

    ``failed`` has the positions of the failed actions in the order in which they were added.
    """

    def __init__(self, failed: tuple[int, ...]) -> None:
        self.failed = failed
        super().__init__(f"condition failed at {failed}")


class Dynamo:
    """The tables of one deployment, through one connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bound: set[str] = set()
        self._connection = Connection(
            region=settings.aws_region,
            host=settings.dynamodb_endpoint_url or None,
            connect_timeout_seconds=_CONNECT_SECONDS,
            read_timeout_seconds=_READ_SECONDS,
            max_retry_attempts=_RETRIES_BELOW,
        )

    def bind(self, model: type[_M]) -> type[_M]:
        """``model`` under this deployment's table prefix, on the one connection.

        pynamodb would give every model a client of its own, and making a client costs more than
        a hundred requests; the tables of one deployment share one.
        """
        declared = {k: v for k, v in vars(model.Meta).items() if not k.startswith("__")}
        meta = {
            **declared,
            "table_name": self._settings.table_prefix + declared["table_name"],
            "region": self._settings.aws_region,
            "host": self._settings.dynamodb_endpoint_url or None,
        }
        bound: type[_M] = type(model.__name__, (model,), {"Meta": type("Meta", (), meta)})
        table = bound._get_connection()
        if table.table_name not in self._bound:
            self._connection.add_meta_table(table.get_meta_table())
            self._bound.add(table.table_name)
        table.connection = self._connection
        return bound

    def transact(self, add_actions: Callable[[TransactWrite], None]) -> None:
        """Write what ``add_actions`` puts into the transaction: all of it or nothing.

        Raises
        ------
        ConditionFailed
            A condition did not hold.
        Unavailable
            DynamoDB did not answer, or kept refusing for another reason.
        """

        def write() -> None:
            with TransactWrite(connection=self._connection) as transaction:
                add_actions(transaction)

        repeating(write)


def repeating(call: Callable[[], _T]) -> _T:
    """Run a DynamoDB call; repeat it while its refusal is a passing one and there is time.

    Raises
    ------
    ConditionFailed
        A condition did not hold.
    DoesNotExist
        ``Model.get`` found nothing.
    StoreRefused
        The request itself is wrong.
    Unavailable
        Anything else.
    """
    if time_left() < _LEAST_SECONDS:
        raise Unavailable(detail="DynamoDB: not asked, the handler's time is over")
    retrying = Retrying(
        retry=retry_if_exception(_is_passing),
        wait=wait_random_exponential(multiplier=0.02, max=0.4),
        stop=_over,
        reraise=True,
    )
    try:
        return retrying(call)
    except DoesNotExist:
        raise
    except PynamoDBException as error:
        failed = _failed_conditions(error)
        if failed:
            raise ConditionFailed(failed) from error
        if any(code in _OUR_FAULT for code in _codes(error)):
            raise StoreRefused(detail=f"DynamoDB: {error!r}") from error
        raise Unavailable(detail=f"DynamoDB: {error!r}") from error


def _codes(error: PynamoDBException) -> tuple[str, ...]:
    if isinstance(error, TransactWriteError) and error.cancellation_reasons:
        return tuple(r.code if r is not None else "" for r in error.cancellation_reasons)
    # pynamodb's own way to the code fails on a time-out, whose cause has no response
    response = getattr(error.cause, "response", None) or {}
    return (response.get("Error", {}).get("Code", ""),)


def _is_silence(error: BaseException) -> bool:
    """Whether no answer came at all: no connection, or no bytes in time."""
    return (
        isinstance(error, PynamoDBException)
        and error.cause is not None
        and getattr(error.cause, "response", None) is None
    )


def _over(state: RetryCallState) -> bool:
    error = state.outcome.exception() if state.outcome is not None else None
    tries = _SILENT_TRIES if error is not None and _is_silence(error) else _TRIES
    return state.attempt_number >= tries or time_left() < _LEAST_SECONDS


def _is_passing(error: BaseException) -> bool:
    if not isinstance(error, PynamoDBException):
        return False
    codes = _codes(error)
    if any(code == _CONDITION for code in codes):
        return False
    return _is_silence(error) or any(code in _PASSING for code in codes)


def _failed_conditions(error: PynamoDBException) -> tuple[int, ...]:
    if isinstance(error, TransactWriteError):
        return tuple(n for n, code in enumerate(_codes(error)) if code == _CONDITION)
    single = isinstance(error, PutError | UpdateError)
    return (0,) if single and _codes(error) == (f"{_CONDITION}Exception",) else ()


def found_or_none(model: type[_M], hash_key: object, range_key: object = None) -> _M | None:
    """One item by a consistent read, or None.

    Raises
    ------
    Unavailable
        DynamoDB did not answer.
    """
    try:
        return repeating(lambda: model.get(hash_key, range_key, consistent_read=True))
    except DoesNotExist:
        return None


def understood(meaning: Callable[[_R], _T], row: _R) -> _T:
    """What a row means.

    Raises
    ------
    UnreadableRow
        It holds a code that this version does not know: newer code runs beside ours.
    """
    try:
        return meaning(row)
    except ValueError as error:
        raise UnreadableRow(detail=f"unreadable row: {error}") from error
