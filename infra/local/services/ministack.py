"""The AWS engine of the local stack: ministack, with one or a few of its services."""

from __future__ import annotations

import os
from pathlib import Path

from infra.local.processes import children
from infra.local.processes.children import LOOPBACK, ROOT
from infra.local.processes.server import Server

# It pins a botocore of its own and therefore has a virtual environment of its own.
PYTHON = ROOT / ".venv-ministack" / "bin" / "python"


class Ministack(Server):
    """An engine on the loopback interface.

    What it holds outlives a stop of the engine; a kill loses all of it.
    """

    def __init__(
        self,
        name: str,
        services: tuple[str, ...],
        folder: Path,
        *,
        port: int,
        region: str,
        log_path: Path | None,
    ) -> None:
        self._folder = folder.resolve()
        self._region = region
        self._services = services
        super().__init__(
            name,
            (PYTHON, "-m", "ministack"),
            env=self._environment,
            ready=lambda _: children.accepts_connections(self.port),
            log_path=log_path or self._folder / f"{name}.log",
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
            "SERVICES": ",".join(self._services),
            "PERSIST_STATE": "1",
            "STATE_DIR": f"{folder}/state",
            # The contents of objects, which are not in its state.
            "S3_PERSIST": "1",
            "S3_DATA_DIR": f"{folder}/objects",
            "LOG_LEVEL": "WARNING",
            # These two would listen on every interface.
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # It removes containers of other instances at start; a socket that does not exist
            # keeps it away from the machine's Docker.
            "DOCKER_HOST": f"unix://{folder}/none/docker.sock",
        }
