"""One execution environment of one function: a process of its own, kept warm between runs.

Two runs at a time never share a process on Lambda, so what a function keeps between runs, such as
a connection to the broker, is never used by two of them at once. Here it is the same.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, Protocol

from infra.local.aws.lambda_runtime import LocalFunction, load_app, log_to_stdout, stop_on_signals

_PROCESSES = multiprocessing.get_context("spawn")
_LOAD_SECONDS = 60
_END_SECONDS = 1


class RunFailed(Exception):
    """The function raised; the text is its traceback. The container can be used again."""


class ContainerGone(Exception):
    """The process ended, or outlived the function's time and was killed."""


class Container(Protocol):
    """Runs one function, one run at a time."""

    def run(self, event: Mapping[str, Any], timeout_seconds: float) -> None:
        """Run the function once.

        Raises
        ------
        RunFailed
            The function raised.
        ContainerGone
            There is no answer and there will be none.
        """
        ...

    def leave_early(self) -> None:
        """Leave no time to a run that is under way, and take no further one."""
        ...

    def end(self) -> None:
        """Be gone, whatever is under way. Idempotent."""
        ...


class ProcessContainer:
    """A container in a process of its own; it ends when this process does."""

    def __init__(self, app_path: str, function_name: str) -> None:
        self._connection, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(
            target=_serve, args=(theirs, app_path, function_name), name=function_name, daemon=True
        )
        self._process.start()
        self._leaving = False
        theirs.close()

    def run(self, event: Mapping[str, Any], timeout_seconds: float) -> None:
        """Run the function once; one that outlives its time is killed, as on Lambda."""
        try:
            self._connection.send((event, timeout_seconds))
            self._hear(_LOAD_SECONDS)  # that it begins
            failure = self._hear(timeout_seconds + _END_SECONDS)
        except (EOFError, OSError) as error:
            raise ContainerGone("the process ended") from error
        if failure:
            raise RunFailed(failure)

    def leave_early(self) -> None:
        """Leave no time to a run that is under way, and take no further one."""
        self._leaving = True
        try:
            self._connection.send(None)
        except OSError:
            return

    def end(self) -> None:
        """Be gone, whatever is under way. Idempotent."""
        if self._leaving:
            self._process.join(_END_SECONDS)
        self._process.kill()
        self._process.join()

    def _hear(self, seconds: float) -> str:
        """The next word of the process, which is killed when none comes."""
        if not self._connection.poll(seconds):
            self.end()
            raise ContainerGone(f"killed after {seconds:g} s")
        return str(self._connection.recv())


def _serve(connection: Connection[Any, Any], app_path: str, function_name: str) -> None:
    """Run the function for each event that comes, until none comes any more."""
    log_to_stdout()
    stopping = stop_on_signals()
    events: queue.SimpleQueue[tuple[Mapping[str, Any], float] | None] = queue.SimpleQueue()

    def listen() -> None:
        # While the main thread runs the function, this one hears that it is time to leave.
        try:
            while (message := connection.recv()) is not None:
                events.put(message)
        except (EOFError, OSError):
            pass
        stopping.set()
        events.put(None)

    threading.Thread(target=listen, daemon=True).start()
    handler = load_app(app_path).handler_map[function_name]
    while (message := events.get()) is not None:
        event, timeout_seconds = message
        connection.send("begins")
        try:
            LocalFunction(function_name, handler, timeout_seconds, stopping)(event)
        except Exception:  # noqa: BLE001  whatever it raises is a failed run
            connection.send(traceback.format_exc())
        else:
            connection.send("")
