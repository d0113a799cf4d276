from __future__ import annotations

import signal

import pytest

from infra.local.processes import interruptions


def test_a_signal_to_end_raises_like_ctrl_c_does() -> None:
    with pytest.raises(SystemExit) as told, interruptions.raised():
        signal.raise_signal(signal.SIGTERM)

    assert told.value.code == 128 + signal.SIGTERM


def test_what_came_meanwhile_interrupts_when_the_block_is_complete() -> None:
    steps = []

    def interrupted() -> None:
        with interruptions.postponed():
            signal.raise_signal(signal.SIGINT)
            steps.append("complete")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert steps == ["complete"]


def test_the_end_is_not_interrupted() -> None:
    steps = []
    with interruptions.raised(), interruptions.ignored():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        steps.append("complete")

    assert steps == ["complete"]


def test_the_handlers_before_are_back_after_the_block() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruptions.raised():
        assert signal.getsignal(signal.SIGTERM) is not before

    assert signal.getsignal(signal.SIGTERM) is before
