"""The local DynamoDB engine: ministack, with tables, transactions and streams, in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes import children
from infra.local.processes.children import LOOPBACK, ROOT
from infra.local.processes.server import Server

# It pins a botocore of its own and therefore has a virtual environment of its own.
PYTHON = ROOT / ".venv-ministack" / "bin" / "python"


@dataclass(frozen=True)
class ExternalDynamoDB:
    """A DynamoDB that somebody else runs."""

    endpoint_url: str


class DynamoDB(Server):
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
        self._folder = folder.resolve()
        self._region = region
        super().__init__(
            "dynamodb",
            (PYTHON, "-m", "ministack"),
            env=self._environment,
            ready=lambda _: children.accepts_connections(self.port),
            log_path=log_path or self._folder / "dynamodb.log",
            port=port or children.free_port(),
        )

    @property
    def endpoint_url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    def launch(self) -> None:
        """Start it, and do not wait."""
        self._folder.mkdir(parents=True, exist_ok=True)
        super().launch()

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": folder,
            "TMPDIR": folder,
            "BIND_HOST": LOOPBACK,
            "MINISTACK_HOST": LOOPBACK,
            "MINISTACK_REGION": self._region,
            "GATEWAY_PORT": str(self.port),
            "SERVICES": "dynamodb,dynamodbstreams",
            "PERSIST_STATE": "1",
            "STATE_DIR": f"{folder}/state",
            "LOG_LEVEL": "WARNING",
            # These two would listen on every interface.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # It removes containers of other instances at start; a socket that does not exist
            # keeps it away from the machine's Docker.
            "DOCKER_HOST": f"unix://{folder}/none/docker.sock",
        }
