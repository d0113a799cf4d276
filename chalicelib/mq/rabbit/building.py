"""An operator's hand on the topology: makes what is missing, deletes what is to be made anew."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.deadline import Deadline
from chalicelib.mq.drift.plan import Step
from chalicelib.mq.rabbit.address import BrokerAddress
from chalicelib.mq.rabbit.declaring import Declarations
from chalicelib.mq.rabbit.login import log_in

_BUILD_SECONDS = 30
_LOOK_SECONDS = 10


class RabbitBuilder:
    """Implements `chalicelib.mq.drift.building.Builder`; each call has a connection of its own."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address

    def carry_out(self, steps: Iterable[Step]) -> None:
        """Make these; what is there already stays."""
        deadline = Deadline.after(_BUILD_SECONDS)
        connection = log_in(self._address, "topology", deadline)
        try:
            declarations = Declarations(connection, deadline)
            for step in steps:
                declarations.carry_out(step, deadline)
        finally:
            connection.close()

    def ready(self, queues: Iterable[str]) -> int:
        """How many messages wait in these queues, at this moment."""
        deadline = Deadline.after(_LOOK_SECONDS)
        connection = log_in(self._address, "topology", deadline)
        try:
            declarations = Declarations(connection, deadline)
            return sum(declarations.see_queue(name, deadline).ready for name in queues)
        finally:
            connection.close()

    def delete(self, queue: str, *, if_empty: bool) -> None:
        """Delete a queue; see the port."""
        deadline = Deadline.after(_LOOK_SECONDS)
        connection = log_in(self._address, "topology", deadline)
        try:
            Declarations(connection, deadline).delete_queue(queue, deadline, if_empty=if_empty)
        finally:
            connection.close()
