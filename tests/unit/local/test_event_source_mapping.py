from __future__ import annotations

import pytest

from infra.local.aws.checkpoints import MemoryCheckpoints
from infra.local.aws.stream_source import Page
from tests.unit.local.scripted_stream import DrivenMapping, ScriptedStream, record, stream_of


def test_records_come_in_order_in_batches_of_the_configured_size() -> None:
    batches = DrivenMapping(stream_of(1, 2, 3, 4, 5), batch_size=2).run()
    assert batches == [["1", "2"], ["3", "4"], ["5"]]


def test_each_shard_keeps_its_own_order() -> None:
    stream = stream_of(1, 3, 5)
    stream.add("b", record(2), record(4))
    batches = DrivenMapping(stream, batch_size=1).run()
    delivered = [number for batch in batches for number in batch]
    assert [n for n in delivered if n in "135"] == ["1", "3", "5"]
    assert [n for n in delivered if n in "24"] == ["2", "4"]


def test_a_shard_that_fails_does_not_hold_up_another() -> None:
    stream = stream_of(1)
    stream.add("b", record(2))
    delivery = DrivenMapping(stream, RuntimeError("broken"))
    delivery.mapping.turn()
    assert delivery.function.batches == [["1"], ["2"]]


def test_only_inserts_are_delivered_and_the_rest_is_passed_over() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, name="REMOVE"), record(2), record(3, name="MODIFY"))
    delivery = DrivenMapping(stream)
    assert delivery.run() == [["2"]]
    assert delivery.checkpoints.position("a") == "3"


def test_a_batch_of_other_events_invokes_nothing_and_moves_the_checkpoint() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, name="REMOVE"))
    delivery = DrivenMapping(stream)
    assert delivery.run() == []
    assert delivery.checkpoints.position("a") == "1"


def test_a_crash_between_delivery_and_checkpoint_delivers_again() -> None:
    class DyingCheckpoints(MemoryCheckpoints):
        def save(self, shard_id: str, sequence_number: str) -> None:
            raise KeyboardInterrupt

    stream = stream_of(1, 2)
    kept = DyingCheckpoints()
    before = DrivenMapping(stream, checkpoints=kept)
    with pytest.raises(KeyboardInterrupt):
        before.mapping.turn()
    after = DrivenMapping(stream, checkpoints=kept)
    with pytest.raises(KeyboardInterrupt):
        after.mapping.turn()
    assert before.function.batches == after.function.batches == [["1", "2"]]


def test_a_restart_goes_on_after_the_checkpoint() -> None:
    stream = stream_of(1, 2)
    kept = MemoryCheckpoints()
    DrivenMapping(stream, checkpoints=kept).run()
    stream.add("a", record(3))
    assert DrivenMapping(stream, checkpoints=kept).run() == [["3"]]


def test_a_child_shard_waits_until_its_parent_is_delivered() -> None:
    stream = stream_of(1)
    stream.close("a")
    stream.add("b", record(2), parent="a")
    delivery = DrivenMapping(stream, RuntimeError("broken"), RuntimeError("broken"))
    assert delivery.run() == [["1"], ["1"], ["1"], ["2"]]


def test_a_child_of_an_open_shard_is_not_read() -> None:
    stream = stream_of(1)
    stream.add("b", record(2), parent="a")
    assert DrivenMapping(stream).run() == [["1"]]


def test_a_child_whose_parent_was_trimmed_is_read_at_once() -> None:
    stream = ScriptedStream()
    stream.add("b", record(2), parent="long gone")
    assert DrivenMapping(stream).run() == [["2"]]


def test_a_finished_parent_stays_finished_after_a_restart() -> None:
    stream = stream_of(1)
    stream.close("a")
    stream.add("b", record(2), parent="a")
    kept = MemoryCheckpoints()
    DrivenMapping(stream, checkpoints=kept).run()
    stream.add("b", record(3))
    assert DrivenMapping(stream, checkpoints=kept).run() == [["3"]]


def test_new_shards_are_discovered_while_running() -> None:
    stream = stream_of(1)
    delivery = DrivenMapping(stream)
    delivery.run(turns=3)
    stream.add("b", record(2))
    assert delivery.run() == [["1"], ["2"]]


def test_the_window_gathers_a_batch_until_it_is_over() -> None:
    stream = stream_of(1)
    delivery = DrivenMapping(stream, maximum_batching_window_in_seconds=3)
    delivery.run(turns=2)
    stream.add("a", record(2))
    assert delivery.run(turns=1) == []
    assert delivery.run(turns=2) == [["1", "2"]]


def test_a_full_batch_does_not_wait_for_its_window() -> None:
    delivery = DrivenMapping(stream_of(1, 2), maximum_batching_window_in_seconds=300, batch_size=2)
    assert delivery.run(turns=1) == [["1", "2"]]


def test_the_window_opens_when_the_previous_invocation_ends() -> None:
    stream = stream_of(1)
    delivery = DrivenMapping(stream, maximum_batching_window_in_seconds=3)
    delivery.run(turns=4)
    assert delivery.function.batches == [["1"]]
    stream.add("a", record(2))
    assert delivery.run(turns=2) == [["1"]]
    assert delivery.run(turns=1) == [["1"], ["2"]]


def test_other_events_take_no_place_in_a_batch() -> None:
    stream = ScriptedStream()
    names = ("INSERT", "REMOVE", "REMOVE", "INSERT", "INSERT")
    stream.add("a", *(record(number, name=name) for number, name in enumerate(names, start=1)))
    delivery = DrivenMapping(stream, batch_size=2, maximum_batching_window_in_seconds=300)
    assert delivery.run(turns=3) == [["1", "4"]]


def test_a_batch_is_cut_where_its_event_would_pass_six_megabytes() -> None:
    stream = ScriptedStream()
    stream.add("a", *(record(number, size_bytes=2_000_000) for number in range(1, 6)))
    delivery = DrivenMapping(stream, batch_size=100)
    assert delivery.run() == [["1", "2", "3"], ["4", "5"]]


def test_a_batch_of_full_size_does_not_wait_for_its_window() -> None:
    stream = ScriptedStream()
    stream.add("a", *(record(number, size_bytes=2_000_000) for number in range(1, 5)))
    delivery = DrivenMapping(stream, batch_size=100, maximum_batching_window_in_seconds=300)
    assert delivery.run(turns=1) == [["1", "2", "3"]]


def test_a_record_that_is_larger_than_an_event_may_be_goes_alone() -> None:
    stream = ScriptedStream()
    stream.add("a", record(1, size_bytes=7_000_000), record(2))
    assert DrivenMapping(stream).run() == [["1"], ["2"]]


def test_a_shard_that_splits_while_it_is_read_is_finished_before_its_children() -> None:
    stream = stream_of(1, 2, 3)
    delivery = DrivenMapping(stream, batch_size=1)
    delivery.run(turns=1)
    stream.close("a")
    stream.add("b", record(5), parent="a")
    stream.add("c", record(4), parent="a")
    delivered = [batch[0] for batch in delivery.run()]
    assert delivered[:3] == ["1", "2", "3"]
    assert sorted(delivered[3:]) == ["4", "5"]


def test_a_chain_of_shards_is_read_from_its_oldest_end() -> None:
    stream = ScriptedStream()
    stream.add("c", record(1), parent="b")
    stream.add("b", record(2), parent="a")
    stream.add("a", record(3))
    stream.close("a")
    stream.close("b")
    assert DrivenMapping(stream).run() == [["3"], ["2"], ["1"]]


def test_a_shard_that_is_gone_is_given_up_and_its_child_goes_on() -> None:
    stream = stream_of(1)
    stream.close("a")
    stream.add("b", record(2), parent="a")
    delivery = DrivenMapping(stream, RuntimeError("broken"), first_retry_seconds=100)
    delivery.run(turns=1)
    stream.drop("a")
    assert delivery.run(turns=8) == [["1"], ["2"]]


def test_a_stream_that_cannot_be_read_is_gone_on_with_where_it_was() -> None:
    class FailingStream(ScriptedStream):
        fails = False

        def read(self, shard_id: str, after: str | None, limit: int) -> Page:
            if self.fails:
                raise ConnectionError
            return super().read(shard_id, after, limit)

    stream = FailingStream()
    stream.add("a", record(1), record(2))
    delivery = DrivenMapping(stream, batch_size=1)
    delivery.run(turns=1)
    stream.fails = True
    for _ in range(3):
        with pytest.raises(ConnectionError):
            delivery.mapping.turn()
    stream.fails = False
    assert delivery.run() == [["1"], ["2"]]
