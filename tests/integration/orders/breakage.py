"""What may happen between any two remote calls of a handler, and to the answers of the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ReadTimeoutError

from chalicelib.dynamo import Dynamo

_WRITES = frozenset({"TransactWriteItems", "UpdateItem"})
REMOTE = frozenset({"start", "query", "close", "refund", "query_refund"})
"""What of a channel goes over a line."""


class Killed(BaseException):
    """The container is gone; nothing may catch this."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """``deed`` happens at the ``at``-th remote call of a handler: before it, or after it."""

    at: int
    done: bool
    deed: Callable[[], None]


class Interrupter:
    """Counts the remote calls of the running handler, and interrupts it once."""

    def __init__(self) -> None:
        self._planned: Interruption | None = None
        self._left = 0

    def plan(self, interruption: Interruption | None) -> None:
        """For the handler that runs next; None: nothing happens."""
        self._planned = interruption
        self._left = interruption.at if interruption is not None else 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def interrupted(*args: Any, **options: Any) -> Any:
            plan = self._planned
            if plan is not None:
                self._left -= 1
            if plan is None or self._left != 0:
                return call(*args, **options)
            self.plan(None)
            if not plan.done:
                plan.deed()
            answer = call(*args, **options)
            if plan.done:
                plan.deed()
            return answer

        return interrupted


class Interruptible:
    """A store or a channel whose remote calls can be interrupted."""

    def __init__(
        self, real: Any, interrupter: Interrupter, remote: frozenset[str] | None = None
    ) -> None:
        self._real = real
        self._interrupter = interrupter
        self._remote = remote

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._real, name)
        if self._remote is not None and name not in self._remote:
            return call
        return self._interrupter.around(call)


class DatabaseTrouble:
    """Answers that the local engine never gives, put in where botocore has them from the wire."""

    def __init__(self, dynamo: Dynamo) -> None:
        self.conflicts = 0
        """Transactions that are refused for another transaction, and not carried out."""
        self.lost_answers = 0
        """Writes that are carried out, and whose answer never comes."""
        self.was_silent = False
        """Whether an answer was lost since the last `over`."""
        events = dynamo._connection.client.meta.events
        events.register("before-call.dynamodb", self._before)
        events.register("after-call.dynamodb", self._after)

    def stop(self) -> None:
        """What was ordered does not happen any more."""
        self.conflicts = self.lost_answers = 0

    def over(self) -> None:
        """As if there had never been any."""
        self.stop()
        self.was_silent = False

    def _before(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        if model.name != "TransactWriteItems" or self.conflicts == 0:
            return None
        self.conflicts -= 1
        content = {
            "Error": {"Code": "TransactionCanceledException", "Message": "conflict"},
            "CancellationReasons": [{"Code": "TransactionConflict"}],
            "ResponseMetadata": {"HTTPHeaders": {}},
        }
        return SimpleNamespace(status_code=400), content

    def _after(self, model: Any, **_: Any) -> None:
        if model.name in _WRITES and self.lost_answers > 0:
            self.lost_answers -= 1
            self.was_silent = True
            raise ReadTimeoutError(endpoint_url="https://dynamodb.test")
