"""What happens to the parts, and how each fault is healed.

Every fault is a context manager: it has happened when its block begins, and is healed when the
block is over, whatever ends it. A fault that is only felt by who comes near it lasts until
somebody has.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from pika.adapters.blocking_connection import BlockingChannel

from tests.chaos.place import FOREIGN_QUEUE, Place, until
from tests.chaos.poison import poison_messages

Fault = Callable[[Place, random.Random], AbstractContextManager[None]]

_ROOM = 3
_HIGH_WATERMARK = "0.4"
_USER, _PASSWORD = "guest", "guest"
_VIRTUAL_HOST, _ALL_RIGHTS = "/", (".*", ".*", ".*")
_DRAINS = "scheduler"
_RELAY = "stream_pump"


@contextmanager
def _broker_killed(place: Place, _: random.Random) -> Iterator[None]:
    until("the node knows its queues", place.node_knows_its_queues)
    place.broker.kill()
    try:
        yield
    finally:
        place.broker.start()


@contextmanager
def _line_cut(place: Place, _: random.Random) -> Iterator[None]:
    place.line.cut()
    yield


@contextmanager
def _line_cut_again_and_again(place: Place, chance: random.Random) -> Iterator[None]:
    """In the middle of batches, too: before, among and after their confirms."""
    place.line.cut()
    before = place.line.cuts
    place.line.cut_every(chance.randrange(2_500, 7_000))
    try:
        yield
        until("the line is cut in the middle", lambda: place.line.cuts > before)
    finally:
        place.line.cut_every(0)


@contextmanager
def _black_hole(place: Place, _: random.Random) -> Iterator[None]:
    before = place.line.swallowed_bytes
    place.line.silence()
    try:
        yield
        until("somebody speaks into it", lambda: place.line.swallowed_bytes > before)
    finally:
        place.line.speak()


@contextmanager
def _memory_alarm(place: Place, _: random.Random) -> Iterator[None]:
    try:
        place.broker.ctl("set_vm_memory_high_watermark", "0")
        yield
    finally:
        place.broker.ctl("set_vm_memory_high_watermark", _HIGH_WATERMARK)


@contextmanager
def _exchange_deleted(place: Place, chance: random.Random) -> Iterator[None]:
    exchange = chance.choice(place.topology.exchanges())
    place.on_broker(lambda channel: channel.exchange_delete(exchange))
    yield from _until_declared_again(place)


@contextmanager
def _work_queue_deleted(place: Place, chance: random.Random) -> Iterator[None]:
    """One of the two that are bound to its exchange, so that the broker returns nothing."""
    queue = chance.choice(place.topology.work_queues())
    place.on_broker(lambda channel: channel.queue_delete(queue))
    yield from _until_declared_again(place)


@contextmanager
def _all_queues_deleted(place: Place, _: random.Random) -> Iterator[None]:
    """The foreign one, too: no message has anywhere to go."""
    place.on_broker(lambda channel: _delete_all(channel, *place.queues, FOREIGN_QUEUE))
    yield from _until_declared_again(place)


@contextmanager
def _queues_deleted_with_messages(place: Place, _: random.Random) -> Iterator[None]:
    """Confirmed messages, which are in no outbox any more, go with their queues."""
    try:
        with _killed(place, _DRAINS):
            yield
            until("a confirmed message waits", lambda: any(place.waiting().values()))
            place.on_broker(lambda channel: _delete_all(channel, *place.queues))
    finally:
        until("the drains declare what was deleted", place.topology_is_there)


def _delete_all(channel: BlockingChannel, *queues: str) -> None:
    for queue in queues:
        channel.queue_delete(queue)


@contextmanager
def _queues_full(place: Place, _: random.Random) -> Iterator[None]:
    """Nothing drains the work queues, and each has room for a few messages only."""
    names = "|".join(place.topology.work_queues())
    limit = json.dumps({"max-length": _ROOM, "overflow": "reject-publish"})
    with _killed(place, _DRAINS):
        place.broker.ctl("set_policy", "full", f"^({names})$", limit, "--apply-to", "queues")
        try:
            yield
        finally:
            place.broker.ctl("clear_policy", "full")


@contextmanager
def _certificate_untrusted(place: Place, _: random.Random) -> Iterator[None]:
    """Of an authority that nobody knows. Nobody may say a word to who presents it."""
    before = place.tls.shown
    try:
        place.tls.is_strange = True
        place.line.cut()
        yield
        until("somebody is shown the certificate", lambda: place.tls.shown > before)
    finally:
        place.tls.is_strange = False
    if place.tls.taken_in:
        raise RuntimeError("somebody trusted a certificate of nobody's")


@contextmanager
def _wrong_password(place: Place, _: random.Random) -> Iterator[None]:
    try:
        place.broker.ctl("change_password", _USER, "another")
        place.line.cut()
        yield
    finally:
        place.broker.ctl("change_password", _USER, _PASSWORD)


@contextmanager
def _virtual_host_forbidden(place: Place, _: random.Random) -> Iterator[None]:
    """As with the name of a wrong one: the broker lets the user in, and not the connection."""
    try:
        place.broker.ctl("clear_permissions", "-p", _VIRTUAL_HOST, _USER)
        # who is connected may stay, so nobody is
        place.line.cut()
        yield
    finally:
        place.broker.ctl("set_permissions", "-p", _VIRTUAL_HOST, _USER, *_ALL_RIGHTS)


@contextmanager
def _database_refuses(place: Place, _: random.Random) -> Iterator[None]:
    before = place.gate.refused
    place.gate.refuses = True
    try:
        yield
        until("somebody is refused", lambda: place.gate.refused > before)
    finally:
        place.gate.refuses = False


def _relay_killed(place: Place, _: random.Random) -> AbstractContextManager[None]:
    return _killed(place, _RELAY)


def _drains_killed(place: Place, _: random.Random) -> AbstractContextManager[None]:
    """And the sweeper and the audit with them: all that is scheduled."""
    return _killed(place, _DRAINS)


def _all_functions_killed(place: Place, _: random.Random) -> AbstractContextManager[None]:
    return _killed(place, _RELAY, _DRAINS)


@contextmanager
def _relay_killed_before_delete(place: Place, _: random.Random) -> Iterator[None]:
    """Confirmed and still in the outbox: it goes out twice.

    The sweeper deletes, too, so it is down: what is held is the relay's.
    """
    with (
        _killed(place, _DRAINS),
        _killed_when_held(place, _RELAY, "BatchWriteItem", "outbox", carried_out=False),
    ):
        yield


def _drains_killed_before_ack(place: Place, _: random.Random) -> AbstractContextManager[None]:
    """The effect is stored, and its message is delivered again."""
    return _killed_when_held(
        place, _DRAINS, "TransactWriteItems", "course-tables", carried_out=True
    )


FAULTS: Mapping[str, Fault] = {
    "the broker is killed": _broker_killed,
    "the line is cut": _line_cut,
    "the line is cut again and again": _line_cut_again_and_again,
    "the line is a black hole": _black_hole,
    "the broker has a memory alarm": _memory_alarm,
    "an exchange is deleted": _exchange_deleted,
    "one queue of two is deleted": _work_queue_deleted,
    "all queues are deleted": _all_queues_deleted,
    "all queues are deleted with what is in them": _queues_deleted_with_messages,
    "the work queues are full": _queues_full,
    "the certificate is untrusted": _certificate_untrusted,
    "the password is wrong": _wrong_password,
    "the virtual host is forbidden": _virtual_host_forbidden,
    "the database refuses everything": _database_refuses,
    "messages are poison": poison_messages,
    "the relay is killed": _relay_killed,
    "the drains, the sweeper and the audit are killed": _drains_killed,
    "relay and drains are down": _all_functions_killed,
    "the relay is killed between confirm and delete": _relay_killed_before_delete,
    "the drains are killed between effect and ack": _drains_killed_before_ack,
}


@contextmanager
def _killed(place: Place, *parts: str) -> Iterator[None]:
    for part in parts:
        place.part(part).kill()
    try:
        yield
    finally:
        start(place, parts)


@contextmanager
def _killed_when_held(
    place: Place, part: str, operation: str, table: str, *, carried_out: bool
) -> Iterator[None]:
    """Kill a part at one request to the database, as soon as it waits for the answer."""
    held = place.gate.hold(operation, table, carried_out=carried_out)

    def kill() -> None:
        until(f"a {operation} about {table} is held", held.reached.is_set)
        place.part(part).kill()

    try:
        with ThreadPoolExecutor(1) as beside:
            killed = beside.submit(kill)
            yield
            killed.result()
    finally:
        place.gate.release(held)
        start(place, (part,))


def start(place: Place, parts: Collection[str]) -> None:
    """Start parts at the same time, and wait for each."""
    for part in parts:
        if not place.part(part).running:
            place.part(part).launch()
    for part in parts:
        place.part(part).wait_ready()


def _until_declared_again(place: Place) -> Iterator[None]:
    """The drains heal this: each declares what is its own when it connects."""
    yield
    until("the drains declare what was deleted", place.topology_is_there)
    place.bind_foreign_queue()
