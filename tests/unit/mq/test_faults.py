from __future__ import annotations

import socket
import ssl

import pytest
from pika.adapters.utils.connection_workflow import (
    AMQPConnectionWorkflowFailed,
    AMQPConnectorAMQPHandshakeError,
    AMQPConnectorSocketConnectError,
)
from pika.exceptions import (
    AMQPConnectionError,
    AMQPHeartbeatTimeout,
    ChannelClosedByBroker,
    ChannelWrongStateError,
    ConnectionBlockedTimeout,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    ShortStringTooLong,
    StreamLostError,
)

from chalicelib.errors import BrokerError
from chalicelib.mq.rabbit.faults import (
    Blocked,
    ConnectionLost,
    LoginRefused,
    Refused,
    TopologyFault,
    as_faults,
    fault,
)


def wrapped(error: BaseException) -> BaseException:
    """As pika's connection workflow hands it over."""
    return AMQPConnectionWorkflowFailed([AMQPConnectorAMQPHandshakeError(error)])


def while_opening(error: BaseException) -> BaseException:
    """As pika hands over what ended a connection that asked for its virtual host."""
    return wrapped(ProbableAccessDeniedError(repr(error)))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StreamLostError("Transport indicated EOF"), ConnectionLost),
        (ConnectionClosedByBroker(320, "CONNECTION_FORCED"), ConnectionLost),
        (AMQPHeartbeatTimeout(), ConnectionLost),
        (ConnectionBlockedTimeout(), Blocked),
        (while_opening(ConnectionClosedByBroker(530, "NOT_ALLOWED - vhost x not found")), Refused),
        (while_opening(ConnectionClosedByBroker(320, "CONNECTION_FORCED")), ConnectionLost),
        (while_opening(StreamLostError("Transport indicated EOF")), ConnectionLost),
        (ChannelWrongStateError("closed"), ConnectionLost),
        (ChannelClosedByBroker(403, "ACCESS_REFUSED"), Refused),
        (ChannelClosedByBroker(506, "RESOURCE_ERROR"), ConnectionLost),
        (ChannelClosedByBroker(404, "NOT_FOUND - no queue 'q'"), TopologyFault),
        (ChannelClosedByBroker(406, "PRECONDITION_FAILED - queue 'q'"), TopologyFault),
        (ProbableAuthenticationError("403"), LoginRefused),
        (wrapped(ProbableAuthenticationError("403")), LoginRefused),
        (AMQPConnectionError(wrapped(ProbableAuthenticationError("403"))), LoginRefused),
        (AMQPConnectionError(AMQPConnectorSocketConnectError(OSError(111))), ConnectionLost),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), Refused),
        (wrapped(ssl.SSLCertVerificationError(1, "self-signed certificate")), Refused),
        (wrapped(ssl.SSLError(1, "wrong version number")), ConnectionLost),
        (socket.gaierror(-2, "Name or service not known"), ConnectionLost),
        (ConnectionResetError(104, "reset"), ConnectionLost),
    ],
    ids=repr,
)
def test_every_error_becomes_one_of_ours_and_keeps_its_repr(
    error: BaseException, kind: type[BrokerError]
) -> None:
    ours = fault("publishing", error)
    assert type(ours) is kind
    assert repr(error) in ours.detail
    assert "publishing" in ours.detail


@pytest.mark.parametrize(
    "error", [AMQPConnectionError(), OSError(32, "broken pipe"), ShortStringTooLong("x")]
)
def test_what_pika_or_a_socket_raises_is_translated(error: Exception) -> None:
    with pytest.raises(BrokerError) as caught, as_faults("publishing"):
        raise error
    assert caught.value.__cause__ is error


def test_our_own_mistakes_are_not_broker_faults() -> None:
    with pytest.raises(ZeroDivisionError), as_faults("publishing"):
        raise ZeroDivisionError
