from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.mq.drift.conflict import MIGRATION
from chalicelib.mq.drift.found import FoundTopology
from chalicelib.mq.drift.watch import TopologyWatch
from chalicelib.ops.topology import apply, check, show_plan
from tests.fakes.topology import FakeTopology
from tests.unit.mq.builders import SUBSCRIPTION, TOPOLOGY
from tests.unit.mq.drift.builders import all_of, with_arguments, with_queue, without_queue

WORK, DEAD = SUBSCRIPTION.work_queue, SUBSCRIPTION.dead_queue
ALL = all_of(TOPOLOGY)
NOTHING = FoundTopology(exchanges={}, queues={}, bindings=frozenset())
WITHOUT_DEAD = without_queue(ALL, DEAD)
OTHER = with_arguments(WITHOUT_DEAD, WORK, delivery_limit=20)
CONFLICT = f"conflict: queue {WORK}: x-delivery-limit is 20 and should be 10000; see {MIGRATION}"


def test_a_plan_says_what_would_be_done_and_does_nothing() -> None:
    broker, said = FakeTopology(OTHER), list[str]()
    show_plan(broker, TOPOLOGY, said.append)
    assert said == [f"to do: declare queue {DEAD}", CONFLICT]
    assert broker.done == []


def test_a_plan_with_nothing_in_it_says_so() -> None:
    said = list[str]()
    show_plan(FakeTopology(ALL), TOPOLOGY, said.append)
    assert said == ["nothing to do"]


def test_applying_makes_what_is_missing_and_again_nothing() -> None:
    broker, said = FakeTopology(NOTHING), list[str]()
    assert apply(broker, broker, TOPOLOGY, said.append)
    assert said == [f"done: {step}" for step in broker.done]
    assert broker.found == ALL

    made, said = len(broker.done), list[str]()
    assert apply(broker, broker, TOPOLOGY, said.append)
    assert said == ["nothing was missing"]
    assert len(broker.done) == made


def test_a_conflict_is_told_and_nothing_is_changed() -> None:
    broker, said = FakeTopology(OTHER), list[str]()
    assert not apply(broker, broker, TOPOLOGY, said.append)
    assert said == [CONFLICT, "nothing was changed"]
    assert broker.done == []
    assert broker.found == OTHER


def test_bindings_that_nobody_sees_are_made_to_be_sure() -> None:
    broker, said = FakeTopology(replace(ALL, bindings=None)), list[str]()
    assert apply(broker, broker, TOPOLOGY, said.append)
    assert broker.done == [
        f"bind queue {s.work_queue} to exchange {s.exchange}" for s in TOPOLOGY.subscriptions
    ]
    assert said[0] == f"done: {broker.done[0]}, unless it was bound already"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (WITHOUT_DEAD, [f"missing: declare queue {DEAD}"]),
        (OTHER, [f"missing: declare queue {DEAD}", CONFLICT]),
    ],
)
def test_a_check_fails_with_a_line_for_each_difference(
    found: FoundTopology, said: list[str]
) -> None:
    told = list[str]()
    assert not check(FakeTopology(found), TOPOLOGY, told.append)
    assert told == said


def test_a_check_passes_with_notes_and_with_what_cannot_be_seen() -> None:
    told = list[str]()
    found = replace(with_queue(ALL, DEAD, ready=1), bindings=None)
    assert check(FakeTopology(found), TOPOLOGY, told.append)
    assert told == [
        *(
            "not seen without the management API:"
            f" whether queue {s.work_queue} is bound to exchange {s.exchange}"
            for s in TOPOLOGY.subscriptions
        ),
        f"note: queue {DEAD} has 1 dead letters",
        "nothing differs",
    ]


def test_the_watch_counts_each_difference_and_shows_how_full_the_queues_are(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    found = with_queue(with_arguments(ALL, WORK, delivery_limit=20, overflow=None), WORK, ready=3)
    found = with_queue(found, "paynotify_queue.retry.10s", ready=2)
    found = with_queue(found, DEAD, ready=4)
    TopologyWatch(FakeTopology(found), TOPOLOGY).run()
    shown = capsys.readouterr().out
    assert '"TopologyDrift":[2.0]' in shown.replace(" ", "")
    assert '"DeadLetters":[4.0]' in shown.replace(" ", "")
    assert '"QueueBacklog":[5.0]' in shown.replace(" ", "")
    drift = [vars(r) for r in caplog.records if r.getMessage() == "topology drift"]
    assert len(drift) == 2
    assert all("Topology drift" in each["runbook"] for each in drift)


def test_the_watch_of_a_topology_as_it_should_be_counts_no_drift(
    capsys: pytest.CaptureFixture[str],
) -> None:
    TopologyWatch(FakeTopology(ALL), TOPOLOGY).run()
    shown = capsys.readouterr().out.replace(" ", "")
    assert "TopologyDrift" not in shown
    assert '"DeadLetters":[0.0]' in shown
