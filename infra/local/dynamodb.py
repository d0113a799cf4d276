"""The local DynamoDB engine: ministack, with tables, transactions and streams, in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from infra.local import processes
from infra.local.processes import LOOPBACK, ROOT, Child

# It pins a botocore of its own and therefore has a virtual environment of its own.
PYTHON = ROOT / ".venv-ministack" / "bin" / "python"

_READY_SECONDS = 60


@dataclass(frozen=True)
class ExternalDynamoDB:
    """A DynamoDB that somebody else runs."""

    endpoint_url: str


class DynamoDB:
    """An engine on the loopback interface. What it holds ends with it."""

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
        self._child: Child | None = None
        self.port = port or processes.free_port()
        self.log_path = log_path or self._folder / "dynamodb.log"

    @property
    def endpoint_url(self) -> str:
        """Where it answers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._child is not None, "the engine was not started"
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the engine runs."""
        return self._child is not None and self._child.running

    def start(self) -> None:
        """Start it and wait until it answers; nothing happens if it runs.

        Raises
        ------
        NotReady
            It ended or did not answer in time; it has been stopped.
        """
        if self.running:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        child = processes.start(
            "dynamodb", [PYTHON, "-m", "ministack"], env=self._env(), log_path=self.log_path
        )
        self._child = child
        try:
            child.wait_ready(
                lambda: processes.accepts_connections(self.port), seconds=_READY_SECONDS
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it, and with it all tables. Idempotent."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self._child is not None:
            self._child.kill()

    def _env(self) -> dict[str, str]:
        nowhere = self._folder / "none"
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "BIND_HOST": LOOPBACK,
            "MINISTACK_HOST": LOOPBACK,
            "MINISTACK_REGION": self._region,
            "GATEWAY_PORT": str(self.port),
            "SERVICES": "dynamodb,dynamodbstreams",
            "LOG_LEVEL": "WARNING",
            # These two would listen on every interface.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # It removes containers of other instances at start; a socket that does not exist
            # keeps it away from the machine's Docker.
            "DOCKER_HOST": f"unix://{nowhere}/docker.sock",
        }
