"""``make demo`` as people type it; ``make up`` is in the tests of the stack."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _processes_in(folder: Path) -> list[str]:
    """The command lines of all processes that work with ``folder``."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                command = (process / "cmdline").read_bytes()
                environment = (process / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in command + environment:
                found.append(command.replace(b"\0", b" ").decode())
    return found


def _demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.local.demo", "--folder", str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_demo_buys_courses_and_a_material_and_leaves_no_process(tmp_path: Path) -> None:
    demo = _demo(tmp_path / "stack")

    assert demo.returncode == 0, demo.stdout + demo.stderr
    steps = re.findall(r"^✓ (\d) ", demo.stdout, re.MULTILINE)
    assert steps == list("123456789" * 2 + "123" + "123456789")
    assert demo.stdout.count("learnStatus 702001") == 2
    assert "learnStatus 702002, gone from my course table" in demo.stdout
    assert re.search(r"对账手册\.md, \d+ bytes, SHA-256 [0-9a-f]{16}", demo.stdout)
    assert "X-Amz-" not in demo.stdout + demo.stderr
    assert _processes_in(tmp_path) == []


def test_a_demo_that_cannot_buy_says_so_and_leaves_no_process(tmp_path: Path) -> None:
    demo = _demo(tmp_path / "stack", "--course", "1006")

    assert demo.returncode == 1
    assert "step 1 did not happen" in demo.stdout
    assert _processes_in(tmp_path) == []
