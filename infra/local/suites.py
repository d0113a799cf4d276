"""``make test``: everything CI runs, each to its end, and a table of what it took.

A suite that fails does not stop the ones after it: one run tells all that is wrong.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.local import interpreters
from infra.local.processes.children import ROOT

_OTHER_PYTHONS = ("3.12", "3.13")
_CLOSING_LINE = re.compile(r"^=+ (.+ in [\d.]+s.*?) =+$")


@dataclass(frozen=True, slots=True)
class Suite:
    """One check: a command that passes with exit code 0."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a suite; ``passed`` is None when it could not run here."""

    name: str
    passed: bool | None
    seconds: float = 0.0
    said: str = ""

    def row(self) -> str:
        """A line of the closing table."""
        verdict = {True: "passed", False: "FAILED", None: "not run"}[self.passed]
        return f"{self.name:<20}{self.seconds / 60:8.2f}  {verdict:<8}{self.said}".rstrip()


def run(suite: Suite) -> Outcome:
    """Run a suite; its output goes to ours line by line, as it comes."""
    _headline(suite.name)
    started = time.monotonic()
    said = ""
    with subprocess.Popen(
        suite.command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            closing = _CLOSING_LINE.match(line.rstrip())
            said = closing.group(1) if closing else said
    return Outcome(suite.name, process.returncode == 0, time.monotonic() - started, said)


def checks() -> tuple[Suite, ...]:
    """Style, import rules and types."""
    return (
        Suite("ruff check", _module("ruff", "check", ".")),
        Suite("ruff format", _module("ruff", "format", "--check", ".")),
        Suite("import rules", (f"{sys.prefix}/bin/lint-imports",)),
        Suite("types", _module("mypy")),
    )


def tests(folder: str) -> Suite:
    """The tests of one folder, with the interpreter that runs this."""
    return Suite(folder, _module("pytest", f"tests/{folder}"))


def unit_tests_elsewhere() -> Iterator[Outcome]:
    """The unit tests with the other versions of Python, as far as they are here."""
    for version in _OTHER_PYTHONS:
        name = f"unit, Python {version}"
        if sys.version_info[:2] == tuple(map(int, version.split("."))):
            continue
        interpreter = interpreters.find(version)
        if interpreter is None:
            yield Outcome(name, None, said=f"Python {version} is not present")
            continue
        prepared = run(Suite(f"{name}: set-up", interpreters.set_up(version, interpreter)))
        if not prepared.passed:
            yield prepared
            continue
        yield run(Suite(name, (interpreters.in_venv(version), "-m", "pytest", "tests/unit")))


def outcomes() -> Iterator[Outcome]:
    """Everything, in order."""
    yield from map(run, checks())
    yield run(tests("unit"))
    yield from unit_tests_elsewhere()
    yield from (run(tests(folder)) for folder in ("contract", "integration", "e2e"))


def table(done: Sequence[Outcome]) -> str:
    """The closing table: minutes, verdict and, of tests, pytest's closing line."""
    head = f"{'suite':<20}{'minutes':>8}  outcome"
    total = f"{'all':<20}{sum(o.seconds for o in done) / 60:8.2f}"
    return "\n".join(["", head, *(outcome.row() for outcome in done), total])


def main() -> int:
    """The exit code: 0 when nothing failed."""
    done: list[Outcome] = []
    try:
        done.extend(outcomes())
    except KeyboardInterrupt:
        return 130
    print(table(done))
    failed = [outcome.name for outcome in done if outcome.passed is False]
    print(f"failed: {', '.join(failed)}" if failed else "everything passed", flush=True)
    return 1 if failed else 0


def _headline(name: str) -> None:
    print(f"\n--- {name}", flush=True)


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name, *arguments)


if __name__ == "__main__":
    sys.exit(main())
