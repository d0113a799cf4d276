"""``python -m infra.ops`` about the outbox and the pause, on the tables of a real deployment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chalicelib import wiring
from chalicelib.deadline import Deadline
from chalicelib.mq.sweeper import Swept
from infra.ops import relay
from infra.ops.__main__ import main
from tests.integration.api.shop import Shop
from tests.unit.mq.builders import a_message, an_insert

Output = pytest.CaptureFixture[str]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What ``relay pause`` waited for, without the time."""
    waited: list[float] = []
    monkeypatch.setattr(relay, "time", SimpleNamespace(sleep=waited.append))
    return waited


def told(capsys: Output) -> str:
    return "\n".join(line for line in capsys.readouterr().out.splitlines() if line[:1] != "{")


def test_the_message_of_a_payment_is_shown_until_it_is_delivered(
    shop: Shop, capsys: Output
) -> None:
    purchase = shop.paid()
    capsys.readouterr()
    before = shop.tables.snapshot()
    assert main(["outbox", "list"]) == 0

    shown = told(capsys)
    assert f"message id {purchase.pay_no}, exchange paynotify_exchange_fanout" in shown
    assert "refusals 0, last answer none" in shown
    assert shop.tables.snapshot() == before


def test_no_dead_row_is_shown_where_there_is_none(shop: Shop, capsys: Output) -> None:
    shop.paid()
    capsys.readouterr()
    assert main(["outbox", "list", "--dead"]) == 0
    assert "#paid" not in told(capsys)


def test_a_row_is_replayed_by_its_key_and_a_stranger_is_refused(shop: Shop, capsys: Output) -> None:
    shop.paid()
    (event_key, *_) = sorted(row.event_key for row in wiring.outbox().rows())
    assert main(["outbox", "replay", event_key]) == 0
    assert f"{event_key} is due now" in told(capsys)
    due = [row.event_key for row in wiring.outbox().due(wiring.clock().now())]
    assert event_key in due
    assert main(["outbox", "replay", "nobody#paid"]) == 1
    assert "no row nobody#paid" in told(capsys)


def test_all_dead_rows_are_replayed_together(shop: Shop, capsys: Output) -> None:
    shop.paid()
    outbox, now = wiring.outbox(), wiring.clock().now()
    for row in outbox.rows():
        outbox.replay(row.event_key, now)
    for due in list(outbox.due(now)):
        got = outbox.claim(due, now)
        assert got is not None
        outbox.refused(got.claim, "nacked", next_at=now, dead=True)
    assert all(row.is_dead for row in outbox.rows())
    assert main(["outbox", "replay", "--dead"]) == 0
    assert not any(row.is_dead for row in outbox.rows())
    assert main(["outbox", "replay", "--dead"]) == 0


@pytest.mark.parametrize("words", [["outbox", "replay"], ["relay", "pause"], ["relay", "resume"]])
def test_what_is_not_said_is_asked_for(words: list[str], capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_a_pause_needs_a_reason_that_says_something(shop: Shop, capsys: Output) -> None:
    with pytest.raises(SystemExit):
        main(["relay", "pause", "--reason", "  "])
    assert not wiring.publishing_switch().is_paused()


def test_what_runs_in_this_deployment_obeys_the_pause(shop: Shop, waits: list[float]) -> None:
    shop.paid()
    for row in wiring.outbox().rows():
        wiring.outbox().replay(row.event_key, wiring.clock().now())
    assert main(["relay", "pause", "--reason", "a migration"]) == 0
    message = a_message(1, wiring.clock().now())
    # there is no broker here: whoever tried to publish would fail
    assert wiring.relay().publish([an_insert(message, 1)]) == {"batchItemFailures": []}
    assert wiring.sweeper().run(Deadline.after(30)) == Swept()
    assert main(["relay", "resume", "--reason", "done"]) == 0


def test_publishing_is_paused_and_resumed(shop: Shop, capsys: Output, waits: list[float]) -> None:
    assert main(["relay", "pause", "--reason", "the queues\nare rebuilt", "--by", "ops"]) == 0
    assert wiring.publishing_switch().is_paused()
    assert waits == [10 + 5], "the publish deadline, and five seconds more"
    assert "nothing is being published now" in told(capsys)

    assert main(["relay", "status"]) == 0
    shown = told(capsys)
    assert shown.startswith("paused: nothing is published")
    assert "by ops: the queues are rebuilt" in shown

    assert main(["relay", "resume", "--reason", "they are there"]) == 0
    assert not wiring.publishing_switch().is_paused()
    assert "resumed: the sweeper sends" in told(capsys)
    assert main(["relay", "status"]) == 0
    assert told(capsys).startswith("publishing")
