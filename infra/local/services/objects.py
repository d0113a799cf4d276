"""Where the local stack stores objects: ministack's S3, which only `infra.local.s3` may ask."""

from __future__ import annotations

from pathlib import Path

from infra.local.services.ministack import Ministack


class Objects(Ministack):
    """An engine on the loopback interface; it serves whoever comes.

    What it holds outlives a stop of the engine; a kill loses all of it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        region: str = "ap-southeast-1",
        log_path: Path | None = None,
    ) -> None:
        super().__init__("objects", ("s3",), folder, port=port, region=region, log_path=log_path)
