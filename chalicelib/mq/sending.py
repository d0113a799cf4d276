"""What the relay and the sweeper have in common: publish, delete what is confirmed, report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.deadline import Deadline
from chalicelib.errors import BrokerError, Unavailable
from chalicelib.mq.message import OutboxMessage
from chalicelib.mq.ports import Publisher, PublishResult
from chalicelib.observability import count, logger


class DeletableRows(Protocol):
    """The outbox, as far as sending needs it."""

    def delete(self, event_keys: Iterable[str]) -> None:
        """Delete rows; one that is gone already is no error. May raise Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of some messages.

    Attributes
    ----------
    results : Mapping[str, PublishResult]
        By event key; empty when nothing was published.
    deleted : frozenset[str]
        The event keys of the rows that are confirmed and gone.
    """

    results: Mapping[str, PublishResult] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()

    @property
    def is_answered(self) -> bool:
        """Whether the broker said of each message what became of it."""
        return bool(self.results) and PublishResult.UNKNOWN not in self.results.values()


class Sending:
    """Brings messages of outbox rows to the broker. Repeating is safe: subscribers de-duplicate.

    A row is deleted only after its message is confirmed; killed in between, it is sent again.
    """

    def __init__(self, rows: DeletableRows, publisher: Publisher) -> None:
        self._rows = rows
        self._publisher = publisher

    def send(self, messages: Sequence[OutboxMessage], deadline: Deadline) -> Sent:
        """Publish messages, no longer than ``deadline``, and delete the rows that are confirmed.

        Raises nothing that the broker or the table may do; it is logged and counted.
        """
        try:
            results = self._publisher.publish(messages, deadline)
        except BrokerError as error:
            not_published(len(messages), error)
            return Sent()
        _report_results(results)
        confirmed = [k for k, result in results.items() if result is PublishResult.CONFIRMED]
        try:
            self._rows.delete(confirmed)
        except Unavailable as error:
            logger.error("confirmed, but not deleted", rows=confirmed, detail=error.detail)
            return Sent(results)
        return Sent(results, frozenset(confirmed))


def not_published(rows: int, error: BrokerError | Unavailable) -> None:
    """Tell that nothing of some rows could be published."""
    logger.error("nothing published", rows=rows, detail=error.detail)
    count("OutboxNotPublished", rows)


def _report_results(results: Mapping[str, PublishResult]) -> None:
    for result, number in Counter(results.values()).items():
        count(f"Outbox{result.value.capitalize()}", number)
    failed = {k: r.value for k, r in results.items() if r is not PublishResult.CONFIRMED}
    if failed:
        logger.error("not confirmed", rows=failed)
