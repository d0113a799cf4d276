"""An operator at the command line, whose commands go over the same line as the functions."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence

from infra.local.processes.children import ROOT
from tests.chaos.place import Place

_LINE = re.compile(r"(?P<queue>\S+): \d+ letters|  (?P<key>\S+): attempt ")
_SECONDS = 120


class Operator:
    """Looks after dead letters by ``python -m infra.ops dead-letters``.

    Every method raises RuntimeError, with what the command said, if it is refused.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def letters(self) -> dict[str, list[str]]:
        """By dead queue, the keys of the letters."""
        found: dict[str, list[str]] = {}
        for line in map(_LINE.match, self._dead_letters("list").splitlines()):
            if line and line["queue"]:
                found[line["queue"]] = []
            elif line:
                found[next(reversed(found))].append(line["key"])
        return found

    def drop(self, keys: Sequence[str], work_queue: str) -> None:
        """Remove letters for good."""
        if keys:
            self._dead_letters("drop", *keys, "--queue", work_queue, "--reason", "nobody's")

    def replay(self, key: str) -> None:
        """Send a letter to its work queue again."""
        self._dead_letters("replay", key)

    def _dead_letters(self, *words: str) -> str:
        done = subprocess.run(
            (sys.executable, "-m", "infra.ops", "dead-letters", *words),
            cwd=ROOT,
            env=self._place.env,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"dead-letters {words[0]}: {done.stderr.strip()}")
        return done.stdout
