"""The set-up in a folder of its own, with nothing to install: what it does around the packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.processes.children import ROOT

ELSEWHERE = {
    "RABBITMQ_URL": "amqp://elsewhere",
    "DYNAMODB_ENDPOINT_URL": "http://elsewhere",
    "S3_ENDPOINT_URL": "http://elsewhere",
    "CHROMIUM": "/elsewhere/chromium",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    script = tmp_path / "infra/local/setup.sh"
    script.parent.mkdir(parents=True)
    shutil.copy(ROOT / "infra/local/setup.sh", script)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).touch()
    return tmp_path


def start(project: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "infra/local/setup.sh"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": "/nowhere", **ELSEWHERE, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def set_up(project: Path, **env: str) -> tuple[int, str]:
    process = start(project, **env)
    said, _ = process.communicate(timeout=120)
    return process.returncode, said


def test_two_at_once_make_one_environment_and_a_third_has_nothing_to_do(project: Path) -> None:
    both = [start(project, PYTHON=sys.executable) for _ in range(2)]
    said = sorted(process.communicate(timeout=120)[0] for process in both)

    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == "setup: another setup is at work here; waiting for it\n"
    assert ".venv is ready after" in said[1]
    assert set_up(project, PYTHON=sys.executable) == (0, "")


def test_an_interrupted_installation_is_started_afresh(project: Path) -> None:
    assert set_up(project, PYTHON=sys.executable)[0] == 0
    leftover = project / ".venv/half-installed"
    leftover.touch()
    (project / ".venv/.installing").touch()
    code, said = set_up(project)

    assert code == 0
    assert "setup: making .venv with Python" in said
    assert not leftover.exists()


def test_changed_requirements_are_installed_into_the_environment_that_is_there(
    project: Path,
) -> None:
    assert set_up(project, PYTHON=sys.executable)[0] == 0
    (project / "requirements.txt").write_text("# changed\n")
    code, said = set_up(project)

    assert code == 0
    assert "installing requirements-dev.txt into .venv" in said
    assert "making" not in said


def test_a_python_that_does_not_run_is_refused_by_name(project: Path) -> None:
    code, said = set_up(project, PYTHON="/bin/false")

    assert code == 1
    assert said.endswith("PYTHON=/bin/false is not a Python 3.11 or newer that runs\n")
    assert not (project / ".venv").exists()


def test_a_shim_that_fails_is_passed_over(project: Path) -> None:
    shims = project / "shims"
    shims.mkdir()
    broken, working = shims / "python3.11", shims / "python3.12"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    working.symlink_to(sys.executable)
    code, said = set_up(project, PATH=f"{shims}:/usr/bin:/bin")

    assert (code, "making .venv with Python" in said) == (0, True)
