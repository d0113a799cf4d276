"""``make chaos``: messages through a random sequence of faults.

    python -m tests.chaos --messages 1000 --seed 7

Prints its seed first; writes ``build/chaos.json``; exit code 1 unless nothing was lost, each
effect is there exactly once, and outbox and dead queues are empty. Then its logs are kept.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.report import Report
from tests.chaos.shop import give_credentials
from tests.chaos.storm import run, say

_BUILD = Path(__file__).parents[2] / "build"
_PACE_SECONDS = 0.25
_QUIET_SECONDS = 600


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when all is well, 1 when not, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--messages", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--seed", type=int, help="of an earlier run; else a new one")
    parser.add_argument("--report", type=Path, default=_BUILD / "chaos.json", help="the JSON")
    chosen = parser.parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    say(f"{chosen.messages} messages, seed {seed}")
    folder = _BUILD / f"chaos-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    give_credentials()
    try:
        report = run(
            folder,
            seed=seed,
            messages=chosen.messages,
            pace_seconds=_PACE_SECONDS,
            quiet_seconds=_QUIET_SECONDS,
        )
    except RuntimeError as error:
        say(f"seed {seed}: {error}\nthe logs are in {folder}")
        return 1
    except KeyboardInterrupt:
        say(f"seed {seed}: interrupted; the logs are in {folder}")
        return 130
    report.write(chosen.report)
    say(report.summary())
    return _end(report, folder)


def _end(report: Report, folder: Path) -> int:
    if report.is_well:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    say(f"seed {report.seed} did not end well; the faults, in their order:")
    for happened in report.faults:
        say(f"  {happened.struck_at:6.1f} s  {happened.fault}")
    say(f"the logs are in {folder}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
