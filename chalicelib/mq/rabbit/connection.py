"""One connection whose event loop runs only while somebody waits, always to a deadline.

Between two waits nothing happens on it, which suits a Lambda container: it may be frozen there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pika
from pika.channel import Channel

from chalicelib.deadline import Deadline
from chalicelib.mq.rabbit.faults import as_faults, fault, no_answer
from chalicelib.mq.rabbit.line import LineLoop

_GOODBYE_SECONDS = 1.0
_ABORT_SECONDS = 0.5


class RabbitConnection:
    """An open connection. Not for more than one thread.

    What ends the connection, or one of its channels, is raised by the next wait and by every one
    after it: such a connection is of no further use.
    """

    def __init__(self, parameters: pika.connection.Parameters, deadline: Deadline) -> None:
        self._error: BaseException | None = None
        self._opened = False
        self._ended = False
        self._released = False
        self._done: Callable[[], bool] = lambda: False
        self._loop = LineLoop()
        try:
            with as_faults("connecting"):
                self._pika = pika.SelectConnection(
                    parameters,
                    on_open_callback=self._on_open,
                    on_open_error_callback=self._on_end,
                    on_close_callback=self._on_end,
                    custom_ioloop=self._loop,
                )
        except BaseException:
            self._loop.close()
            raise
        try:
            self.wait_until(lambda: self._opened, deadline, "connecting")
        except BaseException:
            self.abort()
            raise

    def channel(self, deadline: Deadline) -> Channel:
        """A new open channel.

        Raises
        ------
        BrokerError
            The connection is lost, or there was no answer in time.
        """
        opened: list[Channel] = []
        with as_faults("opening a channel"):
            channel = self._pika.channel(on_open_callback=self.then(opened.append))
        channel.add_on_close_callback(self._on_channel_end)
        self.wait_until(lambda: bool(opened), deadline, "opening a channel")
        return channel

    def then(self, react: Callable[..., object]) -> Callable[..., None]:
        """``react`` as a callback for pika that may end a wait."""

        def called(*args: Any) -> None:
            react(*args)
            self._look()

        return called

    def wait_until(self, done: Callable[[], bool], deadline: Deadline, doing: str) -> None:
        """Run the event loop until ``done()``, which callbacks made by `then` may change.

        Raises
        ------
        NoAnswer
            The deadline passed first.
        BrokerError
            The connection or a channel ended.
        """
        self.run(done, deadline, doing)
        if not done():
            raise no_answer(doing)

    def run(self, done: Callable[[], bool], deadline: Deadline, doing: str) -> None:
        """As `wait_until`; a deadline that passes is no error."""
        self._run_loop(lambda: self._error is not None or done(), deadline, doing)
        if self._error is not None:
            raise fault(doing, self._error) from self._error

    def close(self) -> None:
        """Say goodbye, for a second at most; then the connection is gone. Raises nothing."""
        with suppress(Exception):
            self._say_goodbye()
            self._run_loop(lambda: self._ended, Deadline.after(_GOODBYE_SECONDS), "closing")
        self.abort()

    def abort(self) -> None:
        """Drop the connection at once: what was sent may have arrived or not. Raises nothing."""
        if self._released:
            return
        self._released = True
        try:
            # A mistake of ours may have ended the last wait, in the middle of pika's work.
            with suppress(Exception):
                if self._pika.connection_state == pika.SelectConnection.CONNECTION_INIT:
                    self._say_goodbye()  # no line yet, or its TLS is under way
                else:
                    self._loop.cut()
                self._run_loop(lambda: self._ended, Deadline.after(_ABORT_SECONDS), "aborting")
        finally:
            self._loop.close()

    def _say_goodbye(self) -> None:
        if not (self._ended or self._pika.is_closing or self._pika.is_closed):
            with as_faults("closing"):
                self._pika.close()

    def _run_loop(self, done: Callable[[], bool], deadline: Deadline, doing: str) -> None:
        self._done = done
        while not done() and not deadline.passed():
            timer = self._loop.call_later(deadline.remaining_seconds(), self._loop.stop)
            try:
                with as_faults(doing):
                    self._loop.start()
            finally:
                self._loop.remove_timeout(timer)

    def _look(self) -> None:
        if self._done():
            self._loop.stop()

    def _on_open(self, _: object) -> None:
        self._opened = True
        self._look()

    def _on_end(self, _: object, reason: BaseException) -> None:
        self._ended = True
        self._error = self._error or reason
        self._look()

    def _on_channel_end(self, _: object, reason: BaseException) -> None:
        self._error = self._error or reason
        self._look()
