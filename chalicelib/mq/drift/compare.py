"""One exchange or queue that is there, compared with ours of the same name. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.mq.drift.conflict import DRIFT, MIGRATION, Conflict
from chalicelib.mq.drift.found import (
    ExchangeProperties,
    FoundExchange,
    FoundQueue,
    QueueProperties,
)
from chalicelib.mq.topology import Queue

_TYPE = "x-queue-type"
_LIMIT = "x-delivery-limit"
_ABSENT = "absent"

# What a queue without x-queue-type is, is the broker's choice, or the virtual host's.
_PLAIN_TYPES = ("classic", "quorum")

_LOSES_MESSAGES = ("x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes")
_HARMFUL_POLICIES = ("message-ttl", "expires", "max-length", "max-length-bytes")


def exchange_conflicts(found: FoundExchange) -> Iterator[Conflict]:
    """What is other than a durable fanout exchange that tells when it has no queue."""
    name, there = f"exchange {found.name}", found.properties
    if found.refusal:
        yield _refused(name, found.refusal, DRIFT)
    if there is not None:
        for aspect, is_there, wanted in _of_exchange(there):
            if is_there != wanted:
                yield _differs(name, aspect, is_there, wanted, DRIFT)


def queue_conflicts(wanted: Queue, found: FoundQueue) -> Iterator[Conflict]:
    """What is other than ``wanted``."""
    name, there = f"queue {found.name}", found.properties
    if found.refusal:
        yield _refused(name, found.refusal, MIGRATION)
    if there is not None:
        for aspect, is_there, should_be in (*_of_queue(there), *_arguments(wanted, there)):
            if is_there != should_be:
                yield _differs(name, aspect, is_there, should_be, MIGRATION)
        yield from _policy_conflicts(name, wanted, there)


def strange_arguments(wanted: Queue, found: FoundQueue) -> tuple[str, ...]:
    """Arguments that are neither ours nor a conflict."""
    there = found.properties.arguments if found.properties else {}
    return tuple(sorted(there.keys() - wanted.arguments.keys() - {_TYPE, *_LOSES_MESSAGES}))


def _of_exchange(there: ExchangeProperties) -> Iterator[tuple[str, object, object]]:
    yield "its type", there.kind, "fanout"
    yield "durable", there.durable, True
    yield "auto-delete", there.auto_delete, False
    yield "internal", there.internal, False
    # It would take what no queue has, and the broker would then not return it to us.
    yield "alternate-exchange", there.arguments.get("alternate-exchange"), None


def _of_queue(there: QueueProperties) -> Iterator[tuple[str, object, object]]:
    yield "durable", there.durable, True
    yield "auto-delete", there.auto_delete, False
    yield "exclusive", there.exclusive, False


def _arguments(wanted: Queue, there: QueueProperties) -> Iterator[tuple[str, object, object]]:
    queue_type = there.arguments.get(_TYPE, there.queue_type)
    if _TYPE in wanted.arguments:
        yield _TYPE, queue_type, wanted.arguments[_TYPE]
    elif queue_type not in _PLAIN_TYPES:
        yield _TYPE, queue_type, None
    for argument in sorted({*wanted.arguments, *_LOSES_MESSAGES} - {_TYPE}):
        yield argument, there.arguments.get(argument), wanted.arguments.get(argument)


def _policy_conflicts(name: str, wanted: Queue, there: QueueProperties) -> Iterator[Conflict]:
    """What a policy adds by itself: of lengths, times and limits the lower one counts.

    A length is one even where the queue refuses what is too much: a work queue holds the messages
    of a day without drains, and a dead or retry queue that refuses keeps them in the work queue.
    https://www.rabbitmq.com/docs/policies#combining-policy-definitions
    """
    policy = there.policy
    for key in _HARMFUL_POLICIES:
        if key in policy:
            yield _differs(name, f"{key} of its policy", policy[key], None, DRIFT)
    limit, ours = policy.get("delivery-limit"), wanted.arguments.get(_LIMIT)
    if isinstance(limit, int) and isinstance(ours, int) and limit < ours:
        yield _differs(name, "delivery-limit of its policy", limit, None, DRIFT)


def _differs(name: str, aspect: str, there: object, wanted: object, todo: str) -> Conflict:
    return Conflict(name=name, aspect=aspect, there=_said(there), wanted=_said(wanted), todo=todo)


def _refused(name: str, refusal: str, todo: str) -> Conflict:
    return Conflict(
        name=name, aspect="it", there=f"another one ({refusal})", wanted="ours", todo=todo
    )


def _said(value: object) -> str:
    match value:
        case None:
            return _ABSENT
        case bool():
            return "true" if value else "false"
        case _:
            return repr(value)
