"""Errors of pika and of sockets become `BrokerError`s here, logged with ``repr``.

The text of many of pika's errors is empty; their ``repr`` is not. Certificate, DNS and socket
errors are not AMQP errors, and a failed connection comes wrapped several times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelClosedByBroker,
    ChannelError,
    ProbableAuthenticationError,
    ReentrancyError,
)

from chalicelib.errors import BrokerError
from chalicelib.observability import logger

_NOT_FOUND = 404
_PRECONDITION_FAILED = 406


class ConnectionLost(BrokerError):
    """The connection or its channel ended; what was under way is unknown."""


class LoginRefused(BrokerError):
    """The broker does not accept the user and password."""


class NoAnswer(BrokerError):
    """The broker said nothing before the deadline."""


class TopologyFault(BrokerError):
    """An exchange or queue is missing, or is there with other properties."""


def fault(doing: str, error: BaseException) -> BrokerError:
    """The error of this project for ``error``, which happened while ``doing``; it is logged."""
    logger.warning("broker fault", doing=doing, error=repr(error))
    detail = f"{doing}: {error!r}"
    if any(isinstance(e, AuthenticationError | ProbableAuthenticationError) for e in _all(error)):
        return LoginRefused(detail=detail)
    if isinstance(error, ChannelClosedByBroker):
        if error.reply_code == _NOT_FOUND:
            return TopologyFault(detail=f"missing, {detail}")
        if error.reply_code == _PRECONDITION_FAILED:
            return TopologyFault(detail=f"exists with other properties, {detail}")
    return ConnectionLost(detail=detail)


@contextmanager
def as_faults(doing: str) -> Iterator[None]:
    """Turn what pika or a socket raises into a `BrokerError`."""
    try:
        yield
    except (AMQPError, ChannelError, ReentrancyError, OSError) as error:
        raise fault(doing, error) from error


def _all(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what pika's connection workflow wrapped in it."""
    yield error
    for inner in (
        *getattr(error, "exceptions", ()),
        *error.args,
        getattr(error, "exception", None),
    ):
        if isinstance(inner, BaseException):
            yield from _all(inner)
