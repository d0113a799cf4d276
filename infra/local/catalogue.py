"""Puts the sample catalogues into a stack, by the commands that operators use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SAMPLE = Path(__file__).with_name("sample_catalogue.json")
SAMPLE_MATERIALS = Path(__file__).with_name("sample_materials.json")


def import_sample(env: Mapping[str, str], file: Path = SAMPLE) -> str:
    """Import the courses of ``file``, and the sample materials where there is a bucket for them.

    What the commands said, to be shown to whoever waits for the stack.

    Raises
    ------
    RuntimeError
        A command failed; the text is what it said.
    """
    with ThreadPoolExecutor() as pool:
        courses = pool.submit(_import, env, "catalogue", file)
        if not env.get("MATERIALS_BUCKET"):
            return f"{courses.result()}\nno materials imported: MATERIALS_BUCKET is not set"
        materials = pool.submit(_import, env, "materials", SAMPLE_MATERIALS)
        return f"{courses.result()}\n{materials.result()}"


def _import(env: Mapping[str, str], group: str, file: Path) -> str:
    command = [sys.executable, "-m", "infra.ops", group, "import", str(file)]
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr or done.stdout)
    return done.stdout.strip()
