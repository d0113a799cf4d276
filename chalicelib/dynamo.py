"""DynamoDB as the stores use it: one connection, bound tables, transactions that tell why not.

A *condition that failed* is an outcome, told by `ConditionFailed`. Everything else that DynamoDB
says no with (a conflict with another transaction, throttling) is repeated here with jitter, and
becomes `Unavailable` when it does not end.

A failed condition may be one's own write: botocore repeats a request whose answer was lost. A
store therefore keeps the id of the write with the item and looks at it before it says "conflict".
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
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from chalicelib.errors import Unavailable
from chalicelib.settings import Settings

_M = TypeVar("_M", bound=Model)
_T = TypeVar("_T")

_CONNECT_SECONDS = 1
_READ_SECONDS = 2
_RETRIES = 2

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
    }
)


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
            max_retry_attempts=_RETRIES,
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
    """Run a DynamoDB call; repeat it while its refusal is a passing one.

    Raises
    ------
    ConditionFailed
        A condition did not hold.
    DoesNotExist
        ``Model.get`` found nothing.
    Unavailable
        Anything else.
    """
    retrying = Retrying(
        retry=retry_if_exception(_is_passing),
        wait=wait_random_exponential(multiplier=0.02, max=0.4),
        stop=stop_after_attempt(6),
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
        raise Unavailable(detail=f"DynamoDB: {error!r}") from error


def _codes(error: PynamoDBException) -> tuple[str, ...]:
    if isinstance(error, TransactWriteError) and error.cancellation_reasons:
        return tuple(r.code if r is not None else "" for r in error.cancellation_reasons)
    # pynamodb's own way to the code fails on a time-out, whose cause has no response
    response = getattr(error.cause, "response", None) or {}
    return (response.get("Error", {}).get("Code", ""),)


def _is_passing(error: BaseException) -> bool:
    if not isinstance(error, PynamoDBException):
        return False
    codes = _codes(error)
    return not any(code == _CONDITION for code in codes) and any(code in _PASSING for code in codes)


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
