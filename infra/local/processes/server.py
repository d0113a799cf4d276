"""A server of the local stack: a command that is started, becomes ready, and can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from infra.local.processes import children
from infra.local.processes.children import LOOPBACK, Child, NotReady

READY_SECONDS = 60

Env = Callable[[], Mapping[str, str]]


class Server:
    """A part of the stack with a process; every start has the same command, ports and log.

    Parameters
    ----------
    name
        What progress lines and errors call it.
    command
        What runs.
    env
        Asked at each start: what it says may depend on parts that started before.
    ready
        Whether the server, which runs, can be used.
    log_path
        Where its output goes.
    port
        Where it listens; 0 when it does not.
    """

    is_task = False
    """Whether it ends by itself when it has done its work."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Env,
        ready: Callable[[Server], bool],
        log_path: Path,
        port: int = 0,
        ready_seconds: float = READY_SECONDS,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self.port = port
        self._command = tuple(command)
        self._env = env
        self._ready = ready
        self._ready_seconds = ready_seconds
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """The id of its process, and of its process group."""
        return self.child.pid

    @property
    def child(self) -> Child:
        """Its process, running or ended."""
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.running

    @property
    def groups(self) -> tuple[int, ...]:
        """The process groups that it consists of."""
        return () if self._child is None else (self._child.pid,)

    def start(self) -> None:
        """Start it and wait until it can be used; nothing happens if it runs.

        Raises
        ------
        NotReady
            It ended, or was not ready in time; it has been stopped.
        """
        if self.running:
            return
        try:
            self.launch()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def launch(self) -> None:
        """Start it, and do not wait.

        Raises
        ------
        NotReady
            Its port is taken, or there is no such command.
        """
        # Otherwise whoever has the port might answer in its place.
        if self.port and children.accepts_connections(self.port):
            raise NotReady(f"{self.name}: port {self.port} of {LOOPBACK} is in use")
        self._child = children.start(
            self.name, self._command, env=self._env(), log_path=self.log_path
        )

    def wait_ready(self) -> None:
        """Wait until it can be used.

        Raises
        ------
        NotReady
            It ended, or was not ready in time.
        """
        self.child.wait_ready(lambda: self._ready(self), seconds=self._ready_seconds)

    def stop(self) -> None:
        """End it, politely at first. Idempotent."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL). Idempotent."""
        if self._child is not None:
            self._child.kill()

    def restart(self) -> None:
        """Stop it, unless it is down already, and start it on the same ports."""
        self.stop()
        self.start()


class Task(Server):
    """A command that is "ready" when it has done its work and ended with exit code 0."""

    is_task = True

    def __init__(self, name: str, command: Sequence[str], *, env: Env, log_path: Path) -> None:
        super().__init__(name, command, env=env, ready=lambda _: False, log_path=log_path)

    def wait_ready(self) -> None:
        """Wait until it has ended.

        Raises
        ------
        NotReady
            It failed, or did not end in time.
        """
        child = self.child
        if not children.wait_until(lambda: not child.running, seconds=self._ready_seconds):
            raise NotReady(child.report(f"not done after {self._ready_seconds:g} s"))
        if child.exit_code != 0:
            raise NotReady(child.report(child.ending()))


def answers(url: str) -> Callable[[Server], bool]:
    """Ready when a GET of ``url`` is answered with 200."""

    def ready(_: Server) -> bool:
        try:
            # The machine's proxy has no part in this.
            with httpx.Client(trust_env=False, timeout=2) as client:
                return client.get(url).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return ready


def says_ready(server: Server) -> bool:
    """Ready when the output has the line ``ready``."""
    return "ready" in server.child.output().splitlines()
