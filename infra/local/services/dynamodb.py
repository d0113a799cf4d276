"""The local DynamoDB engine: ministack, with tables, transactions and streams, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from infra.local.services.ministack import Ministack


@dataclass(frozen=True)
class ExternalDynamoDB:
    """A DynamoDB that somebody else runs."""

    endpoint_url: str


class DynamoDB(Ministack):
    """An engine on the loopback interface.

    Its tables outlive a stop of the engine, though not what their streams still held; a kill loses
    all of it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        region: str = "ap-southeast-1",
        log_path: Path | None = None,
    ) -> None:
        super().__init__(
            "dynamodb",
            ("dynamodb", "dynamodbstreams"),
            folder,
            port=port,
            region=region,
            log_path=log_path,
        )
