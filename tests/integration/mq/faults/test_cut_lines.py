"""The line to the broker is cut, before, during and after the confirms, or it falls silent."""

from __future__ import annotations

import pytest

from chalicelib.mq.rabbit.faults import NoAnswer
from tests.integration.mq.confirm_gate import ConfirmGate
from tests.integration.mq.faults.scene import CONFIRMED, UNKNOWN, Scene

N = 4
EVERY_K = range(N + 1)


def test_a_line_cut_before_a_batch_costs_one_more_connection(scene: Scene) -> None:
    with scene.proxy() as proxy:
        publisher = scene.publisher(proxy)
        scene.relay(scene.batch(1), publisher)
        proxy.cut()
        batch = scene.batch(N)
        outcome = scene.relay(batch, publisher)
        assert outcome.of(CONFIRMED) == {m.event_key for m in batch}
        assert proxy.connections == 2
        assert all(scene.copies(queue)[m.event_key] == 1 for queue in scene.queues for m in batch)
        scene.completes(batch, outcome, publisher)


def test_a_line_cut_while_a_batch_is_sent_is_made_good(scene: Scene) -> None:
    with scene.proxy() as proxy:
        publisher = scene.publisher(proxy)
        scene.relay(scene.batch(1), publisher)
        batch = scene.batch(300)
        proxy.cut_after(20_000)
        outcome = scene.relay(batch, publisher)
        assert outcome.of(CONFIRMED) == {m.event_key for m in batch}
        assert proxy.connections == 2
        scene.completes(batch, outcome, publisher)


@pytest.mark.parametrize("k", EVERY_K)
def test_after_k_confirms_of_n_only_the_others_are_sent_again(scene: Scene, k: int) -> None:
    gate = ConfirmGate(of=N, passing=k)
    with scene.proxy() as proxy:
        publisher = scene.publisher(proxy)
        proxy.gate_confirms(gate, then=proxy.cut)
        batch = scene.batch(N)

        outcome = scene.relay(batch, publisher)

        assert outcome.of(CONFIRMED) == {m.event_key for m in batch}
        assert outcome.rows_left == frozenset()
        assert len(gate.passed) == k
        told = {batch[tag - 1].event_key for tag in gate.passed}
        for queue in scene.queues:
            copies = scene.copies(queue)
            assert {key for key, number in copies.items() if number == 1} == told
            assert all(copies[m.event_key] == 2 for m in batch if m.event_key not in told)
        scene.completes(batch, outcome, publisher)


@pytest.mark.parametrize("k", EVERY_K)
def test_when_there_is_no_way_back_exactly_the_k_confirmed_are_done(scene: Scene, k: int) -> None:
    def cut_for_good() -> None:
        proxy.refuse()
        proxy.cut()

    gate = ConfirmGate(of=N, passing=k)
    with scene.proxy() as proxy:
        proxy.gate_confirms(gate, then=cut_for_good)
        batch = scene.batch(N)

        outcome = scene.relay(batch, scene.publisher(proxy))

        told = {batch[tag - 1].event_key for tag in gate.passed}
        assert len(told) == k
        assert outcome.of(CONFIRMED) == told
        assert outcome.of(UNKNOWN) == outcome.rows_left
    scene.completes(batch, outcome, scene.publisher())


def test_a_line_silent_before_a_batch_publishes_nothing(scene: Scene) -> None:
    with scene.proxy() as proxy:
        publisher = scene.publisher(proxy)
        scene.relay(scene.batch(1), publisher)
        proxy.silence()
        batch = scene.batch(N)
        outcome = scene.relay(batch, publisher, seconds=1)
        assert isinstance(outcome.error, NoAnswer)
        assert len(outcome.rows_left) == N
        assert not any(scene.copies(scene.queues[0])[m.event_key] for m in batch)
    scene.completes(batch, outcome, scene.publisher())


@pytest.mark.parametrize("k", range(N))
def test_after_k_confirms_and_silence_the_others_are_unknown_at_the_deadline(
    scene: Scene, k: int
) -> None:
    gate = ConfirmGate(of=N, passing=k)
    with scene.proxy() as proxy:
        proxy.gate_confirms(gate, then=proxy.silence)
        batch = scene.batch(N)

        outcome = scene.relay(batch, scene.publisher(proxy), seconds=1.5)

        assert len(outcome.of(CONFIRMED)) == k
        assert outcome.of(UNKNOWN) == outcome.rows_left
        assert proxy.connections == 1
    scene.completes(batch, outcome, scene.publisher())
