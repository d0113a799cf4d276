"""What Lambda gives a function, as far as this project uses it: an event, a context, a stop.

The event and the answer go through JSON, as they do on Lambda, so that what could not cross the
wire there fails here too. A function that outlives its time is not killed, but its context says
truly how much is left.
https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

from __future__ import annotations

import importlib
import json
import logging
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice

from chalicelib.deadline import Deadline

PROJECT_APP = "app:app"

_ACCOUNT_ID = "000000000000"
_REGION = "local"


class InvocationContext:
    """The context argument of one invocation; its time runs from now on the monotonic clock.

    Once ``stopping`` is set no time is left, so that a handler that stays for its whole window
    leaves early.
    """

    def __init__(
        self,
        function_name: str,
        timeout_seconds: float,
        stopping: threading.Event | None = None,
    ) -> None:
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.invoked_function_arn = (
            f"arn:aws:lambda:{_REGION}:{_ACCOUNT_ID}:function:{function_name}"
        )
        self.memory_limit_in_mb = 512
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self.identity = None
        self.client_context = None
        self._deadline = Deadline.after(timeout_seconds)
        self._stopping = stopping

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's time is over, never negative."""
        if self._stopping is not None and self._stopping.is_set():
            return 0
        return int(self._deadline.remaining_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """A function of the app, with the time that Lambda would give it."""

    name: str
    handler: Callable[[Any, Any], Any]
    timeout_seconds: float
    stopping: threading.Event | None = None

    def __call__(self, event: Mapping[str, Any]) -> Any:
        """Run the function once.

        Raises
        ------
        TypeError
            The event or the answer is not JSON.
        Exception
            Whatever the function raises.
        """
        context = InvocationContext(self.name, self.timeout_seconds, self.stopping)
        answer = self.handler(json.loads(json.dumps(event)), context)
        return json.loads(json.dumps(answer))


def load_app(path: str = PROJECT_APP) -> Chalice:
    """The Chalice app at ``module:attribute``.

    Raises
    ------
    ImportError
        There is no such module.
    TypeError
        What is there is not a Chalice app.
    """
    module_name, _, attribute = path.partition(":")
    app = getattr(importlib.import_module(module_name), attribute)
    if not isinstance(app, Chalice):
        raise TypeError(f"{path} is not a Chalice app")
    return app


def log_to_stdout() -> None:
    """Write the lines of the local stack, and leave the loggers of the app as they are."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log = logging.getLogger("infra.local")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set; to be called from the main thread."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping
