"""Dead letters: what an operator finds in a dead queue, and the port to it.

A drain that is killed between its copy and its acknowledgement leaves two copies of a message, and
so does an operator's replay. Copies are one letter: seen once, settled together.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from chalicelib.mq.delivery import REASON_HEADER, Delivery
from chalicelib.mq.topology import Subscription

_DEATHS_HEADER = "x-death"
_HASHED = "sha256-"
_HASH_CHARACTERS = 16
# what can be typed on a command line, and read aloud
_TYPEABLE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:#-]*")


class DeadQueue(Protocol):
    """One operator's look at the dead queue of a subscription. Every method may raise BrokerError.

    What was taken is hidden from other looks until it is settled, or until `close`.
    """

    @property
    def waiting(self) -> int:
        """How many messages were there when the look began."""
        ...

    def take(self) -> Delivery | None:
        """The next message; None if there is no other now."""
        ...

    def to_work_queue(self, delivery: Delivery) -> None:
        """Put a clean copy into the subscription's own work queue: no attempt was made of it.

        Other subscribers of the exchange do not get it.

        Raises
        ------
        BrokerError
            The broker did not confirm that the queue has it; it may have it all the same.
        """
        ...

    def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Remove these for good; the broker has heard it when this returns."""
        ...

    def close(self) -> None:
        """Leave; what is not settled goes back, at the price of one delivery. Raises nothing."""
        ...


OpenDeadQueue = Callable[[Subscription], DeadQueue]
"""Begins a look. Declares nothing: a dead queue that is missing is a BrokerError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be done, with all its copies.

    ``key`` names it to an operator: its message id, or a hash where the id is missing, cannot be
    typed, or is that of another letter too.
    """

    key: str
    copies: tuple[Delivery, ...]

    @property
    def message_id(self) -> str:
        """As its sender gave it; empty if there is none."""
        return self.copies[0].message_id

    @property
    def body(self) -> bytes:
        """The same in every copy."""
        return self.copies[0].body

    @property
    def attempt(self) -> int:
        """The attempt that was its last."""
        return max(copy.attempt for copy in self.copies)

    @property
    def reason(self) -> str:
        """Why it is dead: in the drain's words, in the broker's if it was the broker that gave up.

        https://www.rabbitmq.com/docs/dlx#effects says what the broker notes.
        """
        headers = self.copies[0].headers
        ours = headers.get(REASON_HEADER)
        told = ours if isinstance(ours, str) else ""
        brokers = _first_death(headers.get(_DEATHS_HEADER))
        if not brokers:
            return told
        return f"the broker gave up: {brokers}" + (f"; before that: {told}" if told else "")

    @property
    def business_key(self) -> str:
        """What the seller called the purchase (``businessKey1``); empty if the body tells none."""
        try:
            return msgspec.json.decode(self.body, type=_Body).business_key1
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""


class _Body(msgspec.Struct, rename="camel"):
    business_key1: str = ""


def letters(deliveries: Iterable[Delivery]) -> list[DeadLetter]:
    """The letters among the messages of one queue, in the order of their first copies.

    Copies have the same message id and the same body: an id alone may be a stranger's, and what
    an operator drops must be what was shown.
    """
    copies: dict[tuple[str, bytes], list[Delivery]] = {}
    for delivery in deliveries:
        copies.setdefault((delivery.message_id, delivery.body), []).append(delivery)
    bodies_of = Counter(message_id for message_id, _ in copies)
    return [
        DeadLetter(key=_key(message_id, body, bodies_of[message_id]), copies=tuple(found))
        for (message_id, body), found in copies.items()
    ]


def _key(message_id: str, body: bytes, bodies: int) -> str:
    typeable = _TYPEABLE.fullmatch(message_id) and not message_id.startswith(_HASHED)
    if typeable and bodies == 1:
        return message_id
    digest = hashlib.sha256(message_id.encode("utf-8", "surrogatepass") + b"\0" + body)
    return _HASHED + digest.hexdigest()[:_HASH_CHARACTERS]


def _first_death(deaths: object) -> str:
    """The latest event that the broker noted, as ``reason in queue``."""
    latest = deaths[0] if isinstance(deaths, list) and deaths else None
    if not isinstance(latest, dict):
        return ""
    return f"{latest.get('reason', 'no reason')} in {latest.get('queue', 'an unknown queue')}"
