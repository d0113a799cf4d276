"""The settings of the mapping between the outbox's stream and ``publish_outbox``.

Written once, for the stand-in of the local stack and for the deployment: Chalice can set only the
stream, the batch size, the window and the starting position, so the deployment sets the rest by
``UpdateEventSourceMapping``, with `MappingConfig.update_parameters`.
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.settings import Settings

INFINITE = -1
"""As a number of retries or as an age: until the record leaves the stream, after 24 hours."""

INSERTS_ONLY = ('{"eventName": ["INSERT"]}',)
"""A filter pattern that spares invocations; the function itself ignores all other changes.

The page on filters of DynamoDB sources says that only the key ``dynamodb`` can be filtered, while
examples of the AWS CDK filter ``eventName``: nothing may depend on this filter.
"""

_BATCH_SIZES = range(1, 10_001)
_WINDOWS = range(301)
_RETRIES = range(INFINITE, 10_001)
_AGES = range(60, 604_801)
_MOST_FILTERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingConfig:
    """The settings of a mapping, named as Lambda names them, with Lambda's defaults.

    ``filter_patterns`` are the ``Pattern`` texts of ``FilterCriteria``: a record is delivered when
    one of them matches, or when there are none.
    """

    batch_size: int = 100
    maximum_batching_window_in_seconds: int = 0
    bisect_batch_on_function_error: bool = False
    report_batch_item_failures: bool = False
    maximum_retry_attempts: int = INFINITE
    maximum_record_age_in_seconds: int = INFINITE
    filter_patterns: tuple[str, ...] = ()

    def update_parameters(self) -> Mapping[str, Any]:
        """Arguments of ``UpdateEventSourceMapping``, beside the id of the mapping.

        https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html

        Raises
        ------
        ValueError
            A number that Lambda does not accept; the local stack is not so strict.
        """
        self._check()
        return {
            "BatchSize": self.batch_size,
            "MaximumBatchingWindowInSeconds": self.maximum_batching_window_in_seconds,
            "BisectBatchOnFunctionError": self.bisect_batch_on_function_error,
            "FunctionResponseTypes": (
                ["ReportBatchItemFailures"] if self.report_batch_item_failures else []
            ),
            "MaximumRetryAttempts": self.maximum_retry_attempts,
            "MaximumRecordAgeInSeconds": self.maximum_record_age_in_seconds,
            "FilterCriteria": {"Filters": [{"Pattern": text} for text in self.filter_patterns]},
            # Two batches of one shard at a time would break the order of what is published.
            "ParallelizationFactor": 1,
        }

    def _check(self) -> None:
        age = self.maximum_record_age_in_seconds
        accepted = {
            "batch_size": self.batch_size in _BATCH_SIZES,
            "maximum_batching_window_in_seconds": (
                self.maximum_batching_window_in_seconds in _WINDOWS
            ),
            "maximum_retry_attempts": self.maximum_retry_attempts in _RETRIES,
            "maximum_record_age_in_seconds": age == INFINITE or age in _AGES,
            "filter_patterns": len(self.filter_patterns) <= _MOST_FILTERS,
        }
        if refused := [name for name, is_accepted in accepted.items() if not is_accepted]:
            raise ValueError(f"not accepted by Lambda: {', '.join(refused)} of {self}")


def outbox_mapping(
    at: Settings, *, batch_size: int = 100, maximum_batching_window_in_seconds: int = 0
) -> MappingConfig:
    """The mapping of ``publish_outbox``; batch size and window are those of its decorator.

    No destination for skipped records: the row is still in the table, where the sweeper finds it
    once the stream's time is over. No bisecting: the function's answer names what failed.
    """
    return MappingConfig(
        batch_size=batch_size,
        maximum_batching_window_in_seconds=maximum_batching_window_in_seconds,
        report_batch_item_failures=True,
        maximum_retry_attempts=3,
        maximum_record_age_in_seconds=at.outbox_stream_owns_seconds,
        filter_patterns=INSERTS_ONLY,
    )
