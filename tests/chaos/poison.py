"""Poison: messages of a stranger that nobody can handle, among the good ones.

Some can never be handled, so they are dead at once; one cannot be as long as the row that it is
about is unreadable, so it is dead after its last attempt. While they lie in the dead queues the
good ones go on. Then an operator drops the hopeless ones, mends the row and replays the other.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import pika
from pika.adapters.blocking_connection import BlockingChannel

from chalicelib.dynamo import Dynamo
from chalicelib.learning.ports import LearningChange
from chalicelib.learning.rows import ChooseCourseItem
from chalicelib.learning.store import DynamoLearningStore
from chalicelib.mq.message import PAYNOTIFY_EXCHANGE, PAYNOTIFY_QUEUE, paid_event
from chalicelib.mq.refund_message import REFUNDNOTIFY_EXCHANGE, REFUNDNOTIFY_QUEUE, refund_event
from chalicelib.mq.topology import Subscription
from chalicelib.settings import Settings
from tests.chaos.books import Tables
from tests.chaos.operators import Operator
from tests.chaos.place import Place, until
from tests.chaos.shop import VALID_DAYS, engine_env
from tests.fakes.clock import START
from tests.unit.learning.builders import a_pay_result, a_pending_record, a_refund_result

_COURSE = "course-1"
_OF_COURSES = (PAYNOTIFY_QUEUE, REFUNDNOTIFY_QUEUE)
_OF_NEWER_CODE = "701999"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """One message; ``for_all`` when no subscriber of the exchange can even tell whose it is."""

    exchange: str
    body: bytes
    message_id: str | None
    for_all: bool = True


@contextmanager
def poison_messages(place: Place, chance: random.Random) -> Iterator[None]:
    """Half of them come before the good ones and half after; all are gone at the end."""
    stranger = Stranger(place, chance)
    first, then = stranger.halves()
    stranger.publish(first)
    yield
    stranger.publish(then)
    until("the poison is dead", stranger.all_is_dead)
    until("the good ones go on beside the poison", lambda: _good_ones_are_done(place))
    operator = Operator(place)
    letters = operator.letters()
    for subscription in place.topology.subscriptions:
        keys = [key for key in letters[subscription.dead_queue] if stranger.is_hopeless(key)]
        operator.drop(keys, subscription.work_queue)
    stranger.mend()
    operator.replay(stranger.mendable_id)
    until("what is mended has its effect, once", stranger.mended_is_granted_once)


class Stranger:
    """Who can publish to the exchanges, and has a record of its own in the table."""

    def __init__(self, place: Place, chance: random.Random) -> None:
        self._place = place
        self._name = f"stranger-{chance.randrange(1 << 32):08x}"
        self._dynamo = Dynamo(Settings.from_env(engine_env(place.env, place.engine_url)))
        self._store = DynamoLearningStore(self._dynamo)
        self._readable = self._put_unreadable_record()
        self._poison = self._mixed(chance)

    @property
    def mendable_id(self) -> str:
        """The message id of the one whose row is unreadable."""
        return f"{self._name}-mendable"

    def halves(self) -> tuple[Sequence[Poison], Sequence[Poison]]:
        """All of it, in two parts."""
        middle = len(self._poison) // 2
        return self._poison[:middle], self._poison[middle:]

    def publish(self, messages: Sequence[Poison]) -> None:
        """To the exchanges, so that every subscriber gets them."""

        def put(channel: BlockingChannel) -> None:
            channel.confirm_delivery()
            for each in messages:
                properties = pika.BasicProperties(message_id=each.message_id, delivery_mode=2)
                channel.basic_publish(each.exchange, "", each.body, properties, mandatory=True)

        self._place.on_broker(put)
        self._place.strangers.messages += len(messages)

    def all_is_dead(self) -> bool:
        """Whether every subscriber that a message concerns has given it up."""
        dead = self._place.dead()
        dying = Counter(s.dead_queue for _, s in self._concerned())
        return all(dead[queue] >= count for queue, count in dying.items())

    def mend(self) -> None:
        """The row can be read from now on."""
        self._write_status(self._readable)
        # what it is about will be acknowledged, as is what is no concern of a subscriber
        heard = sum(
            s.exchange == p.exchange
            for p in self._poison
            for s in self._place.topology.subscriptions
        )
        self._place.strangers.acks += heard - len(self._concerned()) + 1

    def is_hopeless(self, key: str) -> bool:
        """Whether a dead letter is of this stranger, or of nobody, and can never be handled."""
        return key.startswith((self._name, "sha256-")) and key != self.mendable_id

    def mended_is_granted_once(self) -> bool:
        """By one write; each effect would add one to the version."""
        row = self._store.course_row(self._name, _COURSE)
        if row is None:
            return False
        grants = [(grant.choose_course_id, grant.revoked) for grant in row.grants]
        return row.version == 1 and grants == [(self._name, False)]

    def _concerned(self) -> list[tuple[Poison, Subscription]]:
        """Who cannot handle what."""
        return [
            (poison, subscription)
            for poison in self._poison
            for subscription in self._place.topology.subscriptions
            if subscription.exchange == poison.exchange
            if poison.for_all or subscription.work_queue in _OF_COURSES
        ]

    def _mixed(self, chance: random.Random) -> Sequence[Poison]:
        poison = [
            *self._malformed(PAYNOTIFY_EXCHANGE),
            *self._malformed(REFUNDNOTIFY_EXCHANGE),
            *self._of_no_record(),
        ]
        mendable = Poison(
            exchange=PAYNOTIFY_EXCHANGE,
            body=self._paid(self._name),
            message_id=self.mendable_id,
            for_all=False,
        )
        # always among the first, so that its attempts are over as early as they can be
        return [mendable, *chance.sample(poison, k=len(poison))]

    def _malformed(self, exchange: str) -> Iterator[Poison]:
        bodies = (
            b"",
            b"\xff\xfe",
            b'{"id":"1"',
            b'{"id":1,"messageType":"payresult_notify","businessKey1":"1","businessKey2":"60201"}',
            b'{"id":"1","messageType":"greeting","businessKey1":"1","businessKey2":"60201"}',
        )
        for number, body in enumerate(bodies):
            message_id = f"{self._name}-{exchange.partition('_')[0]}-{number}"
            yield Poison(exchange=exchange, body=body, message_id=message_id if number else None)

    def _of_no_record(self) -> Iterator[Poison]:
        nobody = f"{self._name}-nobody"
        yield Poison(
            exchange=PAYNOTIFY_EXCHANGE,
            body=self._paid(nobody),
            message_id=f"{nobody}-paid",
            for_all=False,
        )
        yield Poison(
            exchange=REFUNDNOTIFY_EXCHANGE,
            body=refund_event(a_refund_result(nobody), START).body.encode(),
            message_id=f"{nobody}-refunded",
            for_all=False,
        )

    def _paid(self, record_id: str) -> bytes:
        result = a_pay_result(record_id, valid_days=VALID_DAYS)
        return paid_event(replace(result, message_id=self.mendable_id), START).body.encode()

    def _put_unreadable_record(self) -> str:
        record = a_pending_record(self._name, user_id=self._name, course_id=_COURSE)
        change = LearningChange(write_id=self._name, choose_course=record, open_pending=True)
        self._store.commit(change)
        return self._write_status(_OF_NEWER_CODE)

    def _write_status(self, code: str) -> str:
        """Put a code into the record; returns the one that was there."""
        model = self._dynamo.bind(ChooseCourseItem)
        item = model.get(f"record#{self._name}")
        before = item.status
        item.update(actions=[model.status.set(code)])
        return before


def _good_ones_are_done(place: Place) -> bool:
    """Nothing is to be sent, and all goods have followed."""
    env = engine_env(place.env, place.engine_url)
    with closing(Tables(place.engine_url, env)) as tables:
        return not tables.outbox() and not tables.to_follow()
