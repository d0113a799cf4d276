"""Opening a connection; a password that was rotated costs one more attempt."""

from __future__ import annotations

from chalicelib.deadline import Deadline
from chalicelib.mq.rabbit.address import BrokerAddress
from chalicelib.mq.rabbit.connection import RabbitConnection
from chalicelib.mq.rabbit.faults import LoginRefused


def log_in(address: BrokerAddress, name: str, deadline: Deadline) -> RabbitConnection:
    """An open connection; ``name`` is what the broker's console shows.

    Raises
    ------
    BrokerError
        The broker cannot be reached, or refuses us.
    """
    try:
        return RabbitConnection(address.parameters(name), deadline)
    except LoginRefused:
        if not address.forget():
            raise
        return RabbitConnection(address.parameters(name), deadline)
