"""Something else is there under the name of an exchange or a queue of ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.mq.drift.conflict import DRIFT, MIGRATION
from chalicelib.mq.drift.found import FoundTopology
from chalicelib.mq.drift.plan import plan
from chalicelib.mq.topology import QueueStyle, Topology, learning_subscription
from tests.unit.mq.builders import REFUND_SUBSCRIPTION, SUBSCRIPTION, TOPOLOGY
from tests.unit.mq.drift.builders import all_of, with_arguments, with_queue

WORK, DEAD = SUBSCRIPTION.work_queue, SUBSCRIPTION.dead_queue
RETRY = "paynotify_queue.retry.10s"
PLAIN = Topology((learning_subscription((10, 60), QueueStyle.PLAIN), REFUND_SUBSCRIPTION))
ALL = all_of(TOPOLOGY)


def with_exchange(**changes: Any) -> FoundTopology:
    exchange = ALL.exchanges[SUBSCRIPTION.exchange]
    assert exchange.properties is not None
    changed = replace(exchange, properties=replace(exchange.properties, **changes))
    return replace(ALL, exchanges={**ALL.exchanges, exchange.name: changed})


@pytest.mark.parametrize(
    ("found", "conflict"),
    [
        (
            with_arguments(ALL, WORK, queue_type="classic"),
            "x-queue-type is 'classic' and should be 'quorum'",
        ),
        (
            with_arguments(ALL, WORK, delivery_limit=20),
            "x-delivery-limit is 20 and should be 10000",
        ),
        (
            with_arguments(ALL, WORK, delivery_limit=None),
            "x-delivery-limit is absent and should be 10000",
        ),
        (
            with_arguments(ALL, WORK, dead_letter_routing_key="elsewhere"),
            "x-dead-letter-routing-key is 'elsewhere' and should be 'paynotify_queue.dead'",
        ),
        (
            with_arguments(ALL, WORK, max_length=10),
            "x-max-length is 10 and should be absent",
        ),
        (with_arguments(ALL, WORK, expires=1), "x-expires is 1 and should be absent"),
        (with_queue(ALL, WORK, durable=False), "durable is false and should be true"),
        (with_queue(ALL, WORK, auto_delete=True), "auto-delete is true and should be false"),
        (with_queue(ALL, WORK, exclusive=True), "exclusive is true and should be false"),
    ],
)
def test_a_queue_that_is_another_says_in_what_and_where_the_way_out_stands(
    found: FoundTopology, conflict: str
) -> None:
    planned = plan(TOPOLOGY, found)
    assert planned.steps == ()
    assert planned.differences == (f"queue {WORK}: {conflict}; see {MIGRATION}",)


def test_a_retry_queue_that_waits_longer_or_a_dead_queue_that_forgets_is_another() -> None:
    found = with_arguments(ALL, RETRY, message_ttl=20_000)
    found = with_arguments(found, DEAD, message_ttl=1)
    assert [str(c).partition(";")[0] for c in plan(TOPOLOGY, found).conflicts] == [
        f"queue {DEAD}: x-message-ttl is 1 and should be absent",
        f"queue {RETRY}: x-message-ttl is 20000 and should be 10000",
    ]


@pytest.mark.parametrize(
    ("changes", "conflict"),
    [
        ({"kind": "direct"}, "its type is 'direct' and should be 'fanout'"),
        ({"durable": False}, "durable is false and should be true"),
        ({"auto_delete": True}, "auto-delete is true and should be false"),
        ({"internal": True}, "internal is true and should be false"),
        (
            {"arguments": {"alternate-exchange": "sink"}},
            "alternate-exchange is 'sink' and should be absent",
        ),
    ],
)
def test_an_exchange_that_is_another_says_in_what(changes: dict[str, Any], conflict: str) -> None:
    differences = plan(TOPOLOGY, with_exchange(**changes)).differences
    assert differences == (f"exchange {SUBSCRIPTION.exchange}: {conflict}; see {DRIFT}",)


def test_each_argument_counts_when_a_plain_queue_is_there_instead() -> None:
    plain = with_queue(ALL, WORK, arguments={}, queue_type="classic")
    conflicts = plan(TOPOLOGY, plain).conflicts
    assert [conflict.aspect for conflict in conflicts] == [
        "x-queue-type",
        "x-dead-letter-exchange",
        "x-dead-letter-routing-key",
        "x-dead-letter-strategy",
        "x-delivery-limit",
        "x-overflow",
    ]
    assert plan(PLAIN, plain).differences == ()


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "classic"}, {"x-queue-type": "quorum"}])
def test_a_plain_queue_may_be_whatever_the_virtual_host_makes_of_one(
    arguments: dict[str, str],
) -> None:
    kind = arguments.get("x-queue-type", "classic")
    found = with_queue(all_of(PLAIN), WORK, arguments=arguments, queue_type=kind)
    assert plan(PLAIN, found).differences == ()


def test_a_plain_queue_that_is_a_stream_or_loses_messages_is_another() -> None:
    stream = with_queue(all_of(PLAIN), WORK, queue_type="stream")
    short = with_arguments(all_of(PLAIN), WORK, max_length=100)
    assert [c.aspect for c in plan(PLAIN, stream).conflicts] == ["x-queue-type"]
    assert [c.aspect for c in plan(PLAIN, short).conflicts] == ["x-max-length"]


def test_a_type_that_the_broker_adds_by_itself_is_no_difference() -> None:
    reported = with_arguments(all_of(PLAIN), WORK, queue_type="classic")
    assert plan(PLAIN, reported).differences == ()
    assert plan(PLAIN, reported).remarks == ()


def test_an_argument_that_is_neither_ours_nor_a_danger_is_a_remark() -> None:
    found = with_arguments(ALL, WORK, single_active_consumer=True)
    planned = plan(TOPOLOGY, found)
    assert planned.differences == ()
    assert planned.remarks == (
        f"queue {WORK} has the argument x-single-active-consumer, which is none of ours",
    )


@pytest.mark.parametrize(
    ("name", "policy", "aspects"),
    [
        (DEAD, {"message-ttl": 60_000}, ["message-ttl of its policy"]),
        (RETRY, {"expires": 60_000}, ["expires of its policy"]),
        (DEAD, {"delivery-limit": 20}, ["delivery-limit of its policy"]),
        (WORK, {"max-length": 5}, ["max-length of its policy"]),
        (DEAD, {"max-length": 1}, ["max-length of its policy"]),
        (RETRY, {"max-length-bytes": 1}, ["max-length-bytes of its policy"]),
        (WORK, {"queue-version": 2, "delivery-limit": 20_000}, []),
    ],
)
def test_a_policy_that_loses_or_refuses_messages_is_a_conflict(
    name: str, policy: dict[str, Any], aspects: list[str]
) -> None:
    conflicts = plan(TOPOLOGY, with_queue(ALL, name, policy=policy)).conflicts
    assert [conflict.aspect for conflict in conflicts] == aspects
    assert all(conflict.todo == DRIFT for conflict in conflicts)


@pytest.mark.parametrize(
    ("policy", "aspects"),
    [
        ({"max-length": 5}, ["max-length of its policy"]),
        ({"max-length": 5, "overflow": "drop-head"}, ["max-length of its policy"]),
        (
            {"max-length-bytes": 5, "overflow": "reject-publish"},
            ["max-length-bytes of its policy"],
        ),
        ({"overflow": "reject-publish"}, []),
    ],
)
def test_a_plain_queue_may_have_no_length_of_a_policy_either(
    policy: dict[str, Any], aspects: list[str]
) -> None:
    conflicts = plan(PLAIN, with_queue(all_of(PLAIN), WORK, policy=policy)).conflicts
    assert [conflict.aspect for conflict in conflicts] == aspects


def test_what_the_broker_refused_is_a_conflict_in_its_own_words() -> None:
    refusal = "PRECONDITION_FAILED - inequivalent arg 'x-overflow'"
    queue = replace(ALL.queues[WORK], properties=None, refusal=refusal)
    exchange = replace(ALL.exchanges[SUBSCRIPTION.exchange], properties=None, refusal="no")
    found = replace(
        ALL,
        exchanges={**ALL.exchanges, exchange.name: exchange},
        queues={**ALL.queues, WORK: queue},
    )
    assert plan(TOPOLOGY, found).differences == (
        f"exchange {exchange.name}: it is another one (no) and should be ours; see {DRIFT}",
        f"queue {WORK}: it is another one ({refusal}) and should be ours; see {MIGRATION}",
    )
