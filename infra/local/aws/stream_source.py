"""A DynamoDB stream as records that can be read from any position.

`RecordSource` is what the event source mapping needs; `DynamoStream` is the real one.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

_EXPIRED = "ExpiredIteratorException"
_TRIMMED = "TrimmedDataAccessException"
_MOST_RECORDS = 1_000  # of one GetRecords
# On AWS it would be 15 minutes. An iterator of the local engine is a mere count of records: one
# from before a restart of the engine would silently skip what was written since. No engine starts
# again within half a second of its last answer.
_ITERATOR_SECONDS = 0.5
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=5,
    # A retry inside of a call would bring an old iterator to an engine that has restarted.
    retries={"total_max_attempts": 1},
    # Otherwise newer clients put the account id into the host name, which local engines lack.
    account_id_endpoint_mode="disabled",
)


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One change; ``event`` is the record as the function receives it."""

    sequence_number: str
    created_at_seconds: float
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard of the stream, and the one that it continues."""

    shard_id: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Records in stream order; ``closed`` means that none will follow them."""

    records: Sequence[StreamRecord]
    closed: bool = False


class RecordSource(Protocol):
    """A stream that can be read from any position, as often as one likes."""

    def shards(self) -> Sequence[Shard]:
        """The shards that the stream has at present."""
        ...

    def read(self, shard_id: str, after: str | None, limit: int) -> Page:
        """At most ``limit`` records after a sequence number; ``None`` is the trim horizon."""
        ...


@dataclass(frozen=True, slots=True)
class _Iterator:
    """Where GetRecords goes on, without asking for a position anew."""

    after: str | None
    token: str
    taken_at: float


class DynamoStream:
    """The stream of one table, through the DynamoDB Streams API.

    A position that the stream no longer has (older than 24 hours, or of an engine that was emptied)
    is taken as the trim horizon: everything that is there is delivered rather than nothing.
    """

    def __init__(
        self, client: Any, stream_arn: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._stream_arn = stream_arn
        self._monotonic = monotonic
        self._iterators: dict[str, _Iterator] = {}

    @classmethod
    def connect(cls, stream_arn: str, region: str, endpoint_url: str) -> DynamoStream:
        """The stream ``stream_arn`` behind ``endpoint_url``; empty means AWS itself."""
        client = boto3.client(
            "dynamodbstreams",
            region_name=region,
            endpoint_url=endpoint_url or None,
            config=_CONFIG,
        )
        return cls(client, stream_arn)

    def shards(self) -> Sequence[Shard]:
        """The shards that the stream has at present, all pages of them."""
        shards: list[Shard] = []
        start: dict[str, str] = {}
        while True:
            answer = self._client.describe_stream(StreamArn=self._stream_arn, **start)
            description = answer["StreamDescription"]
            shards += [Shard(s["ShardId"], s.get("ParentShardId")) for s in description["Shards"]]
            if "LastEvaluatedShardId" not in description:
                return shards
            start = {"ExclusiveStartShardId": description["LastEvaluatedShardId"]}

    def read(self, shard_id: str, after: str | None, limit: int) -> Page:
        """At most ``limit`` records after a sequence number; ``None`` is the trim horizon.

        A page may be empty although the shard has more: an iterator had to be replaced.
        """
        # Whatever goes wrong, the next call asks for the position anew.
        known = self._iterators.pop(shard_id, None)
        usable = known is not None and known.after == after and not self._is_old(known)
        token = known.token if known and usable else self._position(shard_id, after)
        try:
            answer = self._client.get_records(ShardIterator=token, Limit=min(limit, _MOST_RECORDS))
        except ClientError as error:
            if _code(error) == _EXPIRED:
                return Page(())
            if _code(error) != _TRIMMED:
                raise
            self._keep(shard_id, after, self._trim_horizon(shard_id))
            return Page(())
        records = [self._record(raw) for raw in answer["Records"]]
        following = answer.get("NextShardIterator")
        if following:
            self._keep(shard_id, records[-1].sequence_number if records else after, following)
        return Page(records, closed=not following)

    def _keep(self, shard_id: str, after: str | None, token: str) -> None:
        self._iterators[shard_id] = _Iterator(after, token, self._monotonic())

    def _is_old(self, iterator: _Iterator) -> bool:
        return self._monotonic() - iterator.taken_at >= _ITERATOR_SECONDS

    def _position(self, shard_id: str, after: str | None) -> str:
        if after is None:
            return self._trim_horizon(shard_id)
        try:
            return self._new_iterator(
                shard_id, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=after
            )
        except ClientError as error:
            if _code(error) != _TRIMMED:
                raise
            return self._trim_horizon(shard_id)

    def _trim_horizon(self, shard_id: str) -> str:
        return self._new_iterator(shard_id, ShardIteratorType="TRIM_HORIZON")

    def _new_iterator(self, shard_id: str, **position: str) -> str:
        answer = self._client.get_shard_iterator(
            StreamArn=self._stream_arn, ShardId=shard_id, **position
        )
        return str(answer["ShardIterator"])

    def _record(self, raw: Mapping[str, Any]) -> StreamRecord:
        change = raw["dynamodb"]
        created_at = change["ApproximateCreationDateTime"].timestamp()
        images = {
            name: {key: _as_json(value) for key, value in change[name].items()}
            for name in ("Keys", "NewImage", "OldImage")
            if name in change
        }
        event = {
            "eventID": raw["eventID"],
            "eventName": raw["eventName"],
            "eventVersion": raw["eventVersion"],
            "eventSource": raw["eventSource"],
            "awsRegion": raw["awsRegion"],
            "dynamodb": {
                "ApproximateCreationDateTime": int(created_at),
                **images,
                "SequenceNumber": change["SequenceNumber"],
                "SizeBytes": change["SizeBytes"],
                "StreamViewType": change["StreamViewType"],
            },
            "eventSourceARN": self._stream_arn,
        }
        return StreamRecord(change["SequenceNumber"], created_at, event)


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _as_json(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute value as Lambda's JSON has it: binary values are base64 text."""
    ((kind, value),) = attribute.items()
    match kind:
        case "B":
            return {"B": base64.b64encode(value).decode("ascii")}
        case "BS":
            return {"BS": [base64.b64encode(part).decode("ascii") for part in value]}
        case "L":
            return {"L": [_as_json(part) for part in value]}
        case "M":
            return {"M": {name: _as_json(part) for name, part in value.items()}}
        case _:
            return {kind: value}
