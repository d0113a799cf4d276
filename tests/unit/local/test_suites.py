from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.local import interpreters, suites
from infra.local.suites import Outcome, Suite


def saying(text: str, exit_code: int = 0) -> Suite:
    program = f"import sys; print({text!r}); sys.exit({exit_code})"
    return Suite("sample", (sys.executable, "-c", program))


def test_the_output_of_a_suite_is_shown_and_its_closing_line_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    closing = "===== 312 passed, 1 skipped in 65.20s (0:01:05) ====="
    outcome = suites.run(saying(f"tests/unit .....\n{closing}"))

    assert outcome.passed
    assert outcome.said == "312 passed, 1 skipped in 65.20s (0:01:05)"
    assert closing in capsys.readouterr().out


def test_a_suite_fails_by_its_exit_code() -> None:
    assert suites.run(saying("===== 312 passed in 65.20s =====", exit_code=1)).passed is False


def test_the_table_has_the_minutes_of_each_suite_and_of_all() -> None:
    lines = suites.table(
        [
            Outcome("unit", True, 90.0, "312 passed in 88.00s"),
            Outcome("unit, Python 3.13", None, said="Python 3.13 is not present"),
            Outcome("contract", False, 30.0, "1 failed in 29.00s"),
        ]
    ).splitlines()

    assert lines[2:] == [
        "unit                    1.50  passed  312 passed in 88.00s",
        "unit, Python 3.13       0.00  not run Python 3.13 is not present",
        "contract                0.50  FAILED  1 failed in 29.00s",
        "all                     2.00",
    ]


def test_all_suites_run_to_the_end_and_one_failure_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = [Outcome("types", False), Outcome("e2e", True)]
    monkeypatch.setattr(suites, "outcomes", lambda: iter(done))

    assert suites.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "failed: types"


def test_an_interpreter_that_exists_but_does_not_run_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3.99"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert interpreters.find("3.99") is None

    shim.write_text("#!/bin/sh\necho 3.99\n")
    assert interpreters.find("3.99") == shim


def test_an_interpreter_of_pyenv_is_found_without_its_shim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / ".pyenv/versions/3.99.1/bin/python3.99"
    installed.parent.mkdir(parents=True)
    installed.write_text("#!/bin/sh\necho 3.99\n")
    installed.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    assert interpreters.find("3.99") == installed
