"""Lambda's event source mapping for a DynamoDB stream: shards, batches, retries, checkpoints.

Like Lambda, as its documentation says:

- Each record that passes the filter is delivered at least once, or given up by its age or by the
  number of attempts. The checkpoint of a shard moves only past what is done with, so a crash leads
  to repeated delivery, never to a loss. Nothing remembers the number of attempts over a restart.
- The records of a shard are delivered in order, one batch at a time; a shard that failed waits,
  and the others go on. A shard is read only when its parent is finished or no longer listed.
- A batch goes out when it has ``batch_size`` records, when its event reaches 6 MB, or when the
  window is over, which opens when the previous invocation ends. Filtered records are no part of it.
- ``ReportBatchItemFailures``: delivery goes on from the lowest failed sequence number, and what
  lies after it comes again. A blank, null or misnamed identifier, or an exception, fails the whole
  batch. An empty or absent answer or list is a success. Without the setting the answer is not read.
- ``BisectBatchOnFunctionError``: a batch that failed is split in two, which are delivered one
  after the other, each by the same rules; a partial answer splits at the number that it names.
  Splitting uses up no retry.
- A batch is repeated at most ``maximum_retry_attempts`` times and then skipped; records older than
  ``maximum_record_age_in_seconds`` are skipped, too; -1 is until the stream forgets the record.

Where the documentation is silent, it is so here:

- Attempts are counted for the record that delivery is stuck at: they start anew when a partial
  answer moves the checkpoint, and that answer is the first failed attempt of what it named.
- Parts of a bisected batch begin with no attempt used. An answer that names the first record of a
  batch is no partial success: the batch is halved.
- An identifier that is not in the batch, and an answer of any other shape, fail the whole batch.
- The age of each record is looked at before each invocation. Waits double from 0.2 s to 5 s.

Not like Lambda: the shards take turns on one thread, so that a running invocation holds up all of
them, as if there were one container; an invocation has no time limit and is never throttled; the
filter knows exact values alone; there are no destinations for what is skipped, no tumbling windows,
no ``ParallelizationFactor`` and no starting position but ``TRIM_HORIZON``.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
"""

from __future__ import annotations

import logging

from infra.local.aws.checkpoints import Checkpoints
from infra.local.aws.shard_delivery import Delivery, Invocation, Pace, ShardDelivery
from infra.local.aws.stream_source import RecordSource
from infra.stream_mapping import MappingConfig

_log = logging.getLogger(__name__)


class EventSourceMapping:
    """Delivers what a source has to a function, shard by shard, parents before children."""

    def __init__(
        self,
        source: RecordSource,
        invoke: Invocation,
        checkpoints: Checkpoints,
        config: MappingConfig,
        pace: Pace | None = None,
    ) -> None:
        self._source = source
        self._pace = pace or Pace()
        self._delivery = Delivery(source, invoke, checkpoints, config, self._pace)
        self._shards: dict[str, ShardDelivery] = {}
        self._discover_at: float | None = None

    def turn(self) -> int:
        """Give each shard that is due one step; the number of invocations made.

        What the source raises leaves everything as it is: the next turn goes on from there.
        """
        self._discover()
        return sum(self._step(shard) for shard in self._readable())

    def _discover(self) -> None:
        now = self._pace.monotonic()
        if self._discover_at is not None and now < self._discover_at:
            return
        listed = self._source.shards()
        self._discover_at = now + self._pace.discovery_seconds
        for gone in self._shards.keys() - {shard.shard_id for shard in listed}:
            lost = self._shards.pop(gone).undelivered
            if lost:
                _log.error("%s is gone from the stream, with %d records", gone, lost)
        for shard in listed:
            if shard.shard_id not in self._shards:
                self._shards[shard.shard_id] = ShardDelivery(shard, self._delivery)

    def _readable(self) -> list[ShardDelivery]:
        def parent_is_done(delivery: ShardDelivery) -> bool:
            parent = self._shards.get(delivery.shard.parent_id or "")
            return parent is None or parent.finished

        return [s for s in self._shards.values() if not s.finished and parent_is_done(s)]

    def _step(self, delivery: ShardDelivery) -> int:
        was_closed = delivery.closed
        invocations = delivery.step()
        if delivery.closed and not was_closed:
            # Its children are looked for at once.
            self._discover_at = None
        return invocations
