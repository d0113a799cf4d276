"""docs/operations.md explains every metric that the code reports, and none that it does not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from chalicelib.mq.ports import PublishResult
from chalicelib.orders.refunds.results import _COUNTED_AS

ROOT = Path(__file__).parents[2]
REPORTERS = {"count", "gauge", "report", "_report", "_gauge"}
NAME = re.compile(r"[A-Z][A-Za-z]+")
MADE_AT_RUN_TIME = {
    "f'Outbox{result.value.capitalize()}'": {
        f"Outbox{r.value.capitalize()}" for r in PublishResult
    },
    "_COUNTED_AS[RefundStatus(to)]": set(_COUNTED_AS.values()),
    "subscription": set[str](),  # the _report of what a drain finds, which counts by itself
}


def test_the_page_explains_each_metric_that_the_code_reports_and_no_other() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = page.partition("## Metrics\n")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| `([A-Za-z]+)` \|", table, re.MULTILINE)
    assert len(explained) == len(set(explained))
    assert set(explained) == _reported()


def _reported() -> set[str]:
    found: set[str] = set()
    for argument in _arguments():
        match argument:
            case ast.Constant(value=str(name)) if NAME.fullmatch(name):
                found.add(name)
            case _:
                # a KeyError here: say above which names this makes
                found |= MADE_AT_RUN_TIME[ast.unparse(argument)]
    return found


def _arguments() -> Iterator[ast.expr]:
    """What every call that reports is given; of a choice both sides."""
    for path in sorted((ROOT / "chalicelib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and _called(node.func) in REPORTERS:
                first = node.args[0]
                yield from (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)


def _called(func: ast.expr) -> str:
    match func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name) if name != "count":  # of a text or a list
            return name
        case _:
            return ""
