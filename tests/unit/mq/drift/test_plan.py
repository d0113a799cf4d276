"""What is there against what should be: steps, bindings nobody sees, and remarks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mq.drift.found import FoundBinding, FoundExchange, FoundQueue, FoundTopology
from chalicelib.mq.drift.plan import Bind, DeclareExchange, DeclareQueue, Plan, plan, steps_of
from chalicelib.mq.topology import Subscription
from tests.unit.mq.builders import REFUND_SUBSCRIPTION, SUBSCRIPTION, TOPOLOGY
from tests.unit.mq.drift.builders import a_queue, all_of, with_queue, without_queue

NOTHING = FoundTopology(exchanges={}, queues={}, bindings=frozenset())
QUEUES = {queue.name: queue for queue in TOPOLOGY.queues()}


def test_nothing_is_to_do_when_all_is_there() -> None:
    assert plan(TOPOLOGY, all_of(TOPOLOGY)) == Plan()


def test_an_empty_broker_gets_everything_in_an_order_in_which_it_can_be_made() -> None:
    planned = plan(TOPOLOGY, NOTHING)
    assert planned.steps == (*steps_of(SUBSCRIPTION), *steps_of(REFUND_SUBSCRIPTION))
    assert (planned.conflicts, planned.unseen, planned.remarks) == ((), (), ())
    for step in planned.steps:
        if isinstance(step, Bind):
            place = planned.steps.index(step)
            assert DeclareExchange(step.exchange) in planned.steps[:place]
            assert DeclareQueue(QUEUES[step.queue]) in planned.steps[:place]


@pytest.mark.parametrize("subscription", TOPOLOGY.subscriptions)
def test_a_work_queue_is_there_when_all_else_is_and_bound_at_once(
    subscription: Subscription,
) -> None:
    work_queue = subscription.work_queue
    assert steps_of(subscription)[-2:] == (
        DeclareQueue(QUEUES[work_queue]),
        Bind(work_queue, subscription.exchange),
    )
    assert len(steps_of(subscription)) == len(subscription.queues()) + 2


@pytest.mark.parametrize("name", [name for name in QUEUES if "." in name])
def test_a_missing_queue_is_the_one_step(name: str) -> None:
    planned = plan(TOPOLOGY, without_queue(all_of(TOPOLOGY), name))
    assert planned.steps == (DeclareQueue(QUEUES[name]),)
    assert planned.differences == (f"missing: declare queue {name}",)


def test_a_missing_work_queue_took_its_binding_along() -> None:
    work_queue = SUBSCRIPTION.work_queue
    planned = plan(TOPOLOGY, without_queue(all_of(TOPOLOGY), work_queue))
    assert planned.steps == (
        DeclareQueue(QUEUES[work_queue]),
        Bind(work_queue, SUBSCRIPTION.exchange),
    )


def test_a_missing_binding_is_seen_and_one_to_another_exchange_does_not_stand_for_it() -> None:
    work_queue, exchange = SUBSCRIPTION.work_queue, SUBSCRIPTION.exchange
    found = all_of(TOPOLOGY)
    assert found.bindings is not None
    others = found.bindings - {FoundBinding(exchange, work_queue)}
    found = replace(found, bindings=others | {FoundBinding("another.exchange", work_queue)})

    planned = plan(TOPOLOGY, found)

    assert planned.differences == (f"missing: bind queue {work_queue} to exchange {exchange}",)
    assert planned.remarks == (
        f"queue {work_queue} is bound to another.exchange, which is not our doing",
    )


def test_what_cannot_be_seen_is_no_difference_but_said_to_be_unseen() -> None:
    planned = plan(TOPOLOGY, replace(all_of(TOPOLOGY), bindings=None))
    assert planned.differences == ()
    assert planned.unseen == tuple(
        Bind(s.work_queue, s.exchange) for s in (SUBSCRIPTION, REFUND_SUBSCRIPTION)
    )


def test_queues_of_others_on_our_exchange_are_fine() -> None:
    found = all_of(TOPOLOGY)
    assert found.bindings is not None
    theirs = FoundQueue(name="theirs", ready=9)
    found = replace(
        found,
        queues={**found.queues, "theirs": theirs},
        bindings=found.bindings | {FoundBinding(SUBSCRIPTION.exchange, "theirs")},
    )
    assert plan(TOPOLOGY, found) == Plan()


def test_what_somebody_should_know_is_a_remark_and_no_difference() -> None:
    found = with_queue(all_of(TOPOLOGY), SUBSCRIPTION.work_queue, consumers=0)
    found = with_queue(found, SUBSCRIPTION.dead_queue, ready=2)
    old = replace(a_queue(QUEUES["paynotify_queue.retry.10s"]), name="paynotify_queue.retry.30s")
    found = replace(found, queues={**found.queues, old.name: old})

    planned = plan(TOPOLOGY, found)

    assert planned.differences == ()
    assert planned.remarks == (
        "queue paynotify_queue.dead has 2 dead letters",
        "queue paynotify_queue has no consumer at the moment",
        "queue paynotify_queue.retry.30s belongs to other RETRY_DELAYS_SECONDS;"
        " delete it once it is empty",
    )


@given(
    exchanges=st.sets(st.sampled_from(TOPOLOGY.exchanges())),
    queues=st.sets(st.sampled_from(sorted(QUEUES))),
    bound=st.sets(st.sampled_from(TOPOLOGY.subscriptions)),
)
def test_once_its_steps_are_done_nothing_is_left_to_do(
    exchanges: set[str], queues: set[str], bound: set[object]
) -> None:
    found = all_of(TOPOLOGY)
    some = FoundTopology(
        exchanges={k: v for k, v in found.exchanges.items() if k in exchanges},
        queues={k: v for k, v in found.queues.items() if k in queues},
        bindings=frozenset(
            FoundBinding(s.exchange, s.work_queue)
            for s in TOPOLOGY.subscriptions
            if s in bound and s.exchange in exchanges and s.work_queue in queues
        ),
    )
    planned = plan(TOPOLOGY, some)
    assert planned.conflicts == ()
    assert plan(TOPOLOGY, _done(some, planned)).steps == ()


def _done(found: FoundTopology, planned: Plan) -> FoundTopology:
    exchanges, queues = dict(found.exchanges), dict(found.queues)
    bindings = set(found.bindings or ())
    for step in planned.steps:
        match step:
            case DeclareExchange(name):
                assert name not in exchanges
                exchanges[name] = FoundExchange(name=name)
            case DeclareQueue(queue):
                assert queue.name not in queues
                queues[queue.name] = a_queue(queue)
            case Bind(queue_name, exchange):
                assert exchange in exchanges
                assert queue_name in queues
                bindings.add(FoundBinding(exchange, queue_name))
    return FoundTopology(exchanges=exchanges, queues=queues, bindings=frozenset(bindings))
