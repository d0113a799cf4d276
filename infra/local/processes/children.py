"""Child processes of the local stack: started, watched, stopped, and never left behind.

Each child leads a process group of its own, so that stopping it stops what it started too, and so
that Ctrl-C in the terminal reaches the supervisor only, which then stops its children in order.
A `watchdog` ends the groups when this process dies without having stopped them.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from infra.local.processes import interruptions, proc, watchdog

ROOT = Path(__file__).resolve().parents[3]
"""The folder of the project."""

LOOPBACK = "127.0.0.1"

LOG_MARK = "LOCAL_STACK_LOG"
"""In the environment of every child, and of what it starts: where its output goes."""

_POLL_SECONDS = 0.05
_TAIL_LINES = 20
# Below the range from which the kernel takes the ports of outgoing connections: a port that is
# free now is then still free when a slow child binds it, seconds later.
_PORTS = range(20_000, 32_000)


class NotReady(RuntimeError):
    """A child ended, or was not ready within its time; the text has the end of its log."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    for port in random.sample(_PORTS, k=100):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError("no free port on the loopback interface")


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on ``port`` of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait until ``condition`` holds; whether it did within ``seconds``."""
    retrying = Retrying(
        retry=retry_if_result(lambda held: not held),
        wait=wait_fixed(_POLL_SECONDS),
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda _: False,
    )
    return retrying(condition)


class Child:
    """One running process group with its log."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: tuple[Path, int]) -> None:
        self.name = name
        self.log_path, self._log_begins = log
        self._process = process

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        return self._process.poll()

    def wait_ready(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until ``ready`` holds.

        Raises
        ------
        NotReady
            The process ended first, or ``seconds`` passed. It is left as it is.
        """
        held = wait_until(lambda: not self.running or ready(), seconds=seconds)
        if not self.running:
            raise NotReady(self.report(self.ending()))
        if not held:
            raise NotReady(self.report(f"not ready after {seconds:g} s"))

    def output(self) -> str:
        """What it wrote since it was started."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_begins)
            return log.read().decode("utf-8", errors="replace")

    def report(self, what: str) -> str:
        """``what`` happened to it, and the end of its output."""
        tail = "\n".join(self.output().splitlines()[-_TAIL_LINES:])
        return f"{self.name} {what}; the end of {self.log_path}:\n{tail or '(empty)'}"

    def ending(self) -> str:
        """How the process ended, in words."""
        code = self.exit_code
        if code is None:
            return "runs"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def stop(self, *, seconds: float = 10) -> None:
        """End the whole group: politely (SIGTERM), and after ``seconds`` by force. Idempotent."""
        self._signal(signal.SIGTERM)
        if not wait_until(self._is_gone, seconds=seconds):
            self.kill()
        watchdog.forget(self.pid)

    def kill(self) -> None:
        """End the whole group at once, by SIGKILL. Idempotent."""
        self._signal(signal.SIGKILL)
        wait_until(self._is_gone, seconds=10)
        watchdog.forget(self.pid)

    def _signal(self, number: signal.Signals) -> None:
        # A group keeps its id while it has members; an empty one may be somebody else's by now.
        if not self._is_gone():
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return

    def _is_gone(self) -> bool:
        return not self.running and not proc.group_members(self.pid)


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log_path: Path,
    cwd: Path = ROOT,
) -> Child:
    """Start ``command`` with ``env`` alone; both its streams are appended to ``log_path``.

    Raises
    ------
    NotReady
        There is no such program.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    # A signal between the start of a process and the note of it would leave it to nobody.
    with interruptions.postponed(), log_path.open("ab") as log:
        begins = log.tell()
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                env={**env, LOG_MARK: str(log_path)},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise NotReady(f"{name} cannot be started: {error}") from error
        watchdog.watch(process.pid)
    return Child(name, process, (log_path, begins))
