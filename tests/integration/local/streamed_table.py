"""A table with a stream, and the pump's process that feeds the sample app from it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from chalicelib.settings import Settings
from infra.local.aws.stream_source import DynamoStream
from infra.local.processes.children import wait_until

SAMPLE = "tests.integration.local.sample_app:app"


class Table:
    """A table with a stream of new images."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._name = f"{settings.table_prefix}{uuid.uuid4().hex[:8]}"
        self._client: Any = boto3.client(
            "dynamodb",
            region_name=settings.aws_region,
            endpoint_url=settings.dynamodb_endpoint_url,
        )
        made = self._client.create_table(
            TableName=self._name,
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        self.stream_arn: str = made["TableDescription"]["LatestStreamArn"]

    def put(self, name: str, **attributes: Any) -> None:
        self._client.put_item(TableName=self._name, Item={"name": {"S": name}, **attributes})

    def remove(self, name: str) -> None:
        self._client.delete_item(TableName=self._name, Key={"name": {"S": name}})

    def drop(self) -> None:
        self._client.delete_table(TableName=self._name)

    def stream(self) -> DynamoStream:
        at = self._settings
        return DynamoStream.connect(self.stream_arn, at.aws_region, at.dynamodb_endpoint_url)


@contextmanager
def pumping(table: Table, settings: Settings, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The pump's process, once it has read the stream; killed in the end, if it still runs."""
    log_path = folder / f"{uuid.uuid4().hex}.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [*(sys.executable, "-m", "infra.local.aws.stream_pump"), "--app", SAMPLE],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "DYNAMODB_ENDPOINT_URL": settings.dynamodb_endpoint_url,
                "OUTBOX_STREAM_ARN": table.stream_arn,
                "PUMP_CHECKPOINT_DIR": str(folder / "checkpoints"),
                "SAMPLE_NOTES": str(folder / "notes"),
            },
        )

    def is_ready() -> bool:
        return "ready" in log_path.read_text(encoding="utf-8").splitlines()

    try:
        assert wait_until(lambda: is_ready() or process.poll() is not None, seconds=60)
        assert is_ready(), log_path.read_text(encoding="utf-8")
        yield process
    finally:
        process.kill()
        process.wait()


class Notes:
    """What the function of the sample app has seen, one line for each delivery of a record."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "notes"
        self._path.touch()

    def names(self) -> list[str]:
        return [line.split()[1] for line in self._path.read_text(encoding="utf-8").splitlines()]

    def has(self, *names: str) -> Callable[[], bool]:
        return lambda: set(names) <= set(self.names())
