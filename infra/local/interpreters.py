"""The other versions of Python on this machine, each with a virtual environment of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from infra.local.processes.children import ROOT

_SETUP = ROOT / "infra" / "local" / "setup.sh"
_PYENV = Path("~/.pyenv/versions")

_SELF_TEST = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"


def find(version: str) -> Path | None:
    """An interpreter of ``version`` ("3.12") that runs, or None.

    A command of that name may be a shim of pyenv that fails: it is tried.
    """
    return next((path for path in _candidates(version) if _runs(path, version)), None)


def venv(version: str) -> Path:
    """The virtual environment of ``version``."""
    return ROOT / f".venv-{version}"


def in_venv(version: str) -> str:
    """The interpreter of the virtual environment of ``version``."""
    return str(venv(version) / "bin" / "python")


def set_up(version: str, interpreter: Path) -> tuple[str, ...]:
    """The command that makes the virtual environment of ``version``; silent when it is there."""
    return ("env", f"PYTHON={interpreter}", "bash", str(_SETUP), venv(version).name)


def _candidates(version: str) -> Iterator[Path]:
    command = shutil.which(f"python{version}")
    if command:
        yield Path(command)
    # Of 3.12.1 and 3.12.10 either will do.
    for installed in sorted(_PYENV.expanduser().glob(f"{version}*"), reverse=True):
        yield installed / "bin" / f"python{version}"


def _runs(interpreter: Path, version: str) -> bool:
    try:
        answer = subprocess.run(
            [str(interpreter), "-c", _SELF_TEST],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.stdout.strip() == version
