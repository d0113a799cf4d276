"""Rules of the layout that import-linter cannot see; pyproject.toml has the others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 300
LAMBDA_CODE = [ROOT / "app.py", *sorted((ROOT / "chalicelib").rglob("*.py"))]
WORKSHOP = sorted((ROOT / "infra").rglob("*.py"))

SHARED_BY_ALL = {
    "chalicelib.clock",
    "chalicelib.money",
    "chalicelib.observability",
    "chalicelib.secrets",
    "chalicelib.settings",
}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=named(path))


def environment_reads(code: ast.AST) -> Iterator[int]:
    """Lines that touch the environment of the process, whichever way it is spelt."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    for node in ast.walk(code):
        of_os = isinstance(node, ast.Attribute) and node.attr in names
        from_os = (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and any(alias.name in names or alias.name == "*" for alias in node.names)
        )
        if of_os or from_os:
            yield node.lineno


def wall_clock_reads(code: ast.AST) -> Iterator[int]:
    """Lines that ask for the time of day; a monotonic clock is no time of day."""
    calls = {
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("datetime", "today"),
        ("date", "today"),
        ("time", "time"),
        ("time", "time_ns"),
    }
    for node in ast.walk(code):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in calls
        ):
            yield node.lineno


def imports_at_load(module: ast.Module) -> set[str]:
    """What a module imports of ours when it is loaded: neither in functions nor for types only."""
    found = set()
    for statement in module.body:
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module == "chalicelib":
            found |= {f"chalicelib.{alias.name}" for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            found.add(statement.module)
    return {name for name in found if name.split(".")[0] in ("chalicelib", "infra")}


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['A']",
        "import os as system\nsystem.getenv('A')",
        "from os import environ",
        "from os import *",
    ],
)
def test_each_way_to_the_environment_is_seen(code: str) -> None:
    assert list(environment_reads(ast.parse(code)))


def test_only_settings_reads_the_environment() -> None:
    readers = {named(path) for path in LAMBDA_CODE if list(environment_reads(tree(path)))}
    assert readers == {"chalicelib/settings.py"}


def test_only_the_clock_reads_the_time_of_day() -> None:
    readers = {named(path) for path in LAMBDA_CODE if list(wall_clock_reads(tree(path)))}
    assert readers == {"chalicelib/clock.py"}


def test_wiring_loads_none_of_the_parts_that_it_names() -> None:
    loaded = set()
    for module in (ROOT / "chalicelib" / "wiring").glob("*.py"):
        loaded |= imports_at_load(tree(module))
    assert {name for name in loaded if not name.startswith("chalicelib.wiring.")} <= SHARED_BY_ALL


def test_the_app_knows_blueprints_wiring_and_settings_alone() -> None:
    outermost = ("api", "jobs", "http", "health", "authorizer")
    imported = imports_at_load(tree(ROOT / "app.py"))
    inner = {
        name
        for name in imported
        if name.rpartition(".")[2] not in outermost
        and not name.startswith("chalicelib.orders.routes.")
    }
    assert inner == {"chalicelib.settings", "chalicelib.wiring"}


@pytest.mark.parametrize("path", [*LAMBDA_CODE, *WORKSHOP], ids=named)
def test_a_file_is_about_one_thing(path: Path) -> None:
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= MOST_LINES, f"{named(path)} has {lines} lines: which two concepts are in it?"
