"""Puts the sample catalogue into a stack, by the command that operators use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SAMPLE = Path(__file__).with_name("sample_catalogue.json")


def import_sample(env: Mapping[str, str], file: Path = SAMPLE) -> str:
    """Import ``file`` into the deployment that ``env`` describes; what the command said.

    Raises
    ------
    RuntimeError
        The command failed; the text is what it said.
    """
    command = [sys.executable, "-m", "infra.ops", "catalogue", "import", str(file)]
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr or done.stdout)
    return done.stdout.strip()
