"""A private RabbitMQ node on the loopback interface, beside and apart from any system broker.

The programs of the Debian package in ``/usr/sbin`` switch to the user and the cookie of the system
broker; the ones in ``/usr/lib/rabbitmq/bin`` do what the environment says. Here the environment
names a folder for everything that a node keeps, and ports for everything that it listens on
(https://www.rabbitmq.com/docs/configure#supported-environment-variables).
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes import children
from infra.local.processes.children import LOOPBACK, NotReady
from infra.local.processes.server import Server

_BIN = Path("/usr/lib/rabbitmq/bin")
_SERVER = _BIN / "rabbitmq-server"
_READY_SECONDS = 120
_STOP_SECONDS = 30
_CTL_SECONDS = 60

# The protocol header of AMQP 0-9-1; a node that is up answers with Connection.Start.
_AMQP_HEADER = b"AMQP\x00\x00\x09\x01"

# Erlang nodes, the command line among them, would talk to one another on every interface and
# start a port mapper that outlives them.
_DISTRIBUTION = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"


@dataclass(frozen=True)
class ExternalBroker:
    """A broker that somebody else runs; nobody here starts, stops or configures it."""

    amqp_url: str
    management_url: str = ""


class Broker(Server):
    """One node: its data outlive a stop, a kill and the object; its ports are the object's."""

    def __init__(self, folder: Path, *, port: int = 0, log_path: Path | None = None) -> None:
        self._folder = folder.resolve()
        self._management_port = children.free_port()
        self._distribution_port = children.free_port()
        self._epmd_port = children.free_port()
        super().__init__(
            "broker",
            (_SERVER,),
            env=self._environment,
            ready=lambda _: self._speaks_amqp(),
            log_path=(log_path or self._folder / "broker.log").resolve(),
            port=port or children.free_port(),
            ready_seconds=_READY_SECONDS,
        )
        # The map of nodes to ports: a node would start one by itself, but not take it along.
        self._port_mapper = Server(
            "epmd",
            ("epmd", "-port", str(self._epmd_port), "-address", LOOPBACK),
            env=self._environment,
            ready=lambda _: children.accepts_connections(self._epmd_port),
            log_path=self.log_path.with_name("epmd.log"),
        )

    @property
    def amqp_url(self) -> str:
        """The URL for AMQP clients: user guest, virtual host "/"."""
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}/%2F"

    @property
    def management_url(self) -> str:
        """The URL of the management API's server, with the user guest."""
        return f"http://guest:guest@{LOOPBACK}:{self._management_port}"

    @property
    def groups(self) -> tuple[int, ...]:
        """The process groups of the node and of its port mapper."""
        return (*super().groups, *self._port_mapper.groups)

    def launch(self) -> None:
        """Start the node, and do not wait; its process is the Erlang virtual machine.

        Raises
        ------
        NotReady
            RabbitMQ is not installed, or its port is taken.
        """
        if not _SERVER.exists():
            raise NotReady(f"broker: {_SERVER} does not exist; `make setup` installs RabbitMQ")
        self._write_configuration()
        self._port_mapper.start()
        super().launch()

    def stop(self) -> None:
        """Shut the node down, and its port mapper with it. Idempotent."""
        if self.running:
            self.child.stop(seconds=_STOP_SECONDS)
        self._port_mapper.stop()

    def kill(self) -> None:
        """End the node as a crash would (SIGKILL). Idempotent.

        A quorum queue that was declared in the moment before is unusable after the restart: its
        confirmed messages are there, but the node does not know whose they are. `keeps` tells
        when that moment is over.
        """
        super().kill()

    def keeps(self, quorum_queue: str) -> bool:
        """Whether the node would know ``quorum_queue`` again after a kill."""
        directories = (self._folder / "mnesia").glob("*/quorum/*/names.dets")
        # Followed by the tag and length of the next term: other queues' names begin with this one.
        name = quorum_queue.encode() + b"m\0\0\0"
        return any(name in found.read_bytes() for found in directories)

    def ctl(self, *args: str, seconds: float = _CTL_SECONDS) -> str:
        """What ``rabbitmqctl`` prints.

        Raises
        ------
        subprocess.CalledProcessError
            It refused.
        subprocess.TimeoutExpired
            It did not end within ``seconds``; some of its commands wait for ever.
        """
        done = subprocess.run(
            [str(_BIN / "rabbitmqctl"), *args],
            env=self._environment(),
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
            timeout=seconds,
        )
        return done.stdout

    def _speaks_amqp(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
                connection.sendall(_AMQP_HEADER)
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _write_configuration(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self.port}\n"
            f"management.tcp.ip = {LOOPBACK}\n"
            f"management.tcp.port = {self._management_port}\n"
            f"log.file = {self.log_path.name}\n"
            "disk_free_limit.absolute = 50MB\n",
            encoding="utf-8",
        )
        (self._folder / "enabled_plugins").write_text("[rabbitmq_management].\n", encoding="utf-8")

    def _node_name(self) -> str:
        """The node's name; its data belong to the name, so it is kept with them."""
        kept = self._folder / "node_name"
        if not kept.exists():
            kept.write_text(f"payments-{secrets.token_hex(4)}", encoding="ascii")
        return f"{kept.read_text(encoding='ascii')}@localhost"

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            # Erlang reads, or makes, its cookie there.
            "HOME": folder,
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": self._node_name(),
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _DISTRIBUTION,
            "RABBITMQ_CTL_ERL_ARGS": _DISTRIBUTION,
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": str(self.log_path.parent),
            "RABBITMQ_UPGRADE_LOG": f"{folder}/upgrade.log",
            "RABBITMQ_SCHEMA_DIR": f"{folder}/schema",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_PID_FILE": f"{folder}/beam.pid",
            # These three would otherwise be the system broker's.
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            # The server then *becomes* the Erlang virtual machine instead of starting it, so that
            # the child is the node itself.
            "RUNNING_UNDER_SYSTEMD": "1",
        }
