"""Importing the SDK changes nothing of the process but its modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_IMPORTED_AFTER_LOGGING_WAS_SET_UP = """
import logging, logging.handlers, sys
kept = logging.StreamHandler(sys.stdout)
file = logging.FileHandler(sys.argv[1], mode="w")
memory = logging.handlers.MemoryHandler(100, target=kept)
ours = logging.getLogger("ours")
ours.setLevel(logging.INFO)
for handler in (kept, file, memory):
    ours.addHandler(handler)
before = list(logging._handlerList)
import chalicelib.orders.alipay.channel
assert "alipay" in sys.modules
assert memory.target is kept, "a handler was closed"
assert logging._handlerList[: len(before)] == before, "the handlers were forgotten"
ours.info("still heard")
assert open(sys.argv[1]).read() == "still heard\\n"
sdk = logging.getLogger("python-alipay-sdk")
assert sdk.handlers == [] and sdk.level == logging.NOTSET, "the SDK prints by itself"
assert logging.getLogger().handlers == []
"""


def test_importing_the_channel_leaves_logging_as_it_was(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED_AFTER_LOGGING_WAS_SET_UP, str(tmp_path / "log")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    # once at once, once when the memory handler is flushed at the end
    assert done.stdout == "still heard\n" * 2
