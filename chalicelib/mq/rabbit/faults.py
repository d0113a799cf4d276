"""Errors of pika and of sockets become `BrokerError`s here, logged with ``repr``.

The text of many of pika's errors is empty; their ``repr`` is not. Certificate, DNS and socket
errors are not AMQP errors, and a failed connection comes wrapped several times.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pika.exceptions import (
    AMQPError,
    AuthenticationError,
    ChannelClosedByBroker,
    ChannelError,
    ConnectionBlockedTimeout,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    ReentrancyError,
)

from chalicelib.errors import BrokerError
from chalicelib.observability import logger

# NOT_ALLOWED, as pika writes it down: of what closed a connection that was not yet open, it hands
# over no more than the repr.
# https://www.rabbitmq.com/resources/specs/amqp0-9-1.stripped.extended.xml
_NOT_ALLOWED = "ConnectionClosedByBroker: (530)"


class ConnectionLost(BrokerError):
    """The connection or its channel ended; what was under way is unknown."""


class Refused(BrokerError):
    """One side does not trust or allow the other: the next attempt would end the same."""


class LoginRefused(Refused):
    """The broker does not accept the user and password."""


class Blocked(BrokerError):
    """The broker is short of memory or disk and reads nothing; what waits there is unknown.

    It takes on what it finds in the line when it reads again: sending more only adds copies.
    https://www.rabbitmq.com/docs/alarms
    """


class NoAnswer(BrokerError):
    """The broker said nothing before the deadline."""


class TopologyFault(BrokerError):
    """An exchange or queue is missing, or is there with other properties."""


def fault(doing: str, error: BaseException) -> BrokerError:
    """The error of this project for ``error``, which happened while ``doing``; it is logged."""
    logger.warning("broker fault", doing=doing, error=repr(error))
    detail = f"{doing}: {error!r}"
    if _is_one_of(error, AuthenticationError, ProbableAuthenticationError):
        return LoginRefused(detail=detail)
    if _is_shut_out(error):
        return Refused(detail=f"no such virtual host, or not for this user, {detail}")
    if _is_one_of(error, ssl.SSLCertVerificationError):
        return Refused(detail=detail)
    if isinstance(error, ConnectionBlockedTimeout):
        return Blocked(detail=detail)
    if isinstance(error, ChannelClosedByBroker):
        return _channel_fault(error, detail)
    return ConnectionLost(detail=detail)


def no_answer(doing: str) -> NoAnswer:
    """The error for a deadline that passed while ``doing``; it is logged."""
    logger.warning("broker fault", doing=doing, error="no answer in time")
    return NoAnswer(detail=f"{doing}: no answer in time")


@contextmanager
def as_faults(doing: str) -> Iterator[None]:
    """Turn what pika or a socket raises into a `BrokerError`."""
    try:
        yield
    except (AMQPError, ChannelError, ReentrancyError, OSError) as error:
        raise fault(doing, error) from error


def _channel_fault(error: ChannelClosedByBroker, detail: str) -> BrokerError:
    match error.reply_code:
        case 403:  # ACCESS_REFUSED
            return Refused(detail=f"no permission, {detail}")
        case 404:  # NOT_FOUND
            return TopologyFault(detail=f"missing, {detail}")
        case 406:  # PRECONDITION_FAILED
            return TopologyFault(detail=f"exists with other properties, {detail}")
        case _:
            return ConnectionLost(detail=detail)


def _is_shut_out(error: BaseException) -> bool:
    """Whether the broker refused the virtual host.

    pika guesses so of every connection that ends while it asks for its virtual host, also where
    the node shuts down or the line is cut: those are worth another attempt, the broker's no is not.
    """
    return any(
        isinstance(each, ProbableAccessDeniedError) and str(each).startswith(_NOT_ALLOWED)
        for each in _all(error)
    )


def _is_one_of(error: BaseException, *kinds: type[BaseException]) -> bool:
    return any(isinstance(each, kinds) for each in _all(error))


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
