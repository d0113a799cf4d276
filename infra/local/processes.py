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

from infra.local import proc, watchdog

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the project."""

LOOPBACK = "127.0.0.1"

_POLL_SECONDS = 0.05
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

    def __init__(self, name: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._process = process

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def wait_ready(self, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until ``ready`` holds.

        Raises
        ------
        NotReady
            The process ended first, or ``seconds`` passed. It is left as it is.
        """
        held = wait_until(lambda: not self.running or ready(), seconds=seconds)
        if held and self.running:
            return
        why = f"not ready after {seconds:g} s" if self.running else self._ending()
        raise NotReady(f"{self.name}: {why}; the end of {self.log_path}:\n{self.log_tail()}")

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

    def log_tail(self, lines: int = 20) -> str:
        """The last ``lines`` of the log."""
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _ending(self) -> str:
        code = self._process.returncode
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

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
    """Start ``command`` with exactly ``env``; both its streams are appended to ``log_path``.

    Raises
    ------
    NotReady
        There is no such program.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise NotReady(f"{name}: {error}") from error
    watchdog.watch(process.pid)
    return Child(name, process, log_path)
