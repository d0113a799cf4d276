"""Messages through a random sequence of faults, as ``make chaos`` sends a thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.storm import run

_SEED = 13632
_MEETS = {
    "the relay is killed between confirm and delete",
    "all queues are deleted with what is in them",
    "the line is cut",
    "the virtual host is forbidden",
    "the certificate is untrusted",
    "messages are poison",
}


@pytest.mark.own_broker
def test_no_message_is_lost_in_a_storm_and_each_effect_is_there_exactly_once(
    tmp_path: Path, aws_credentials: None
) -> None:
    report = run(tmp_path / "chaos", seed=_SEED, messages=60, pace_seconds=0.5, quiet_seconds=300)

    assert report.is_well, report.summary()
    assert report.messages == report.effects == 60
    assert {happened.fault for happened in report.faults} >= _MEETS, "choose another seed"
