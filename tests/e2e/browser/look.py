"""What every page must pass, whatever it is about; and the picture that is kept of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from infra.local.processes.children import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"

_NARROWEST = 320
_LEAST_TARGET = 44
_RULES: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations", "incomplete"],
}
# What axe cannot decide is no violation, but of the contrast of words we want to know it.
_MUST_BE_DECIDED = frozenset({"color-contrast"})
_A_SIGN_AND_NO_WORD = "nonBmp"

_WIDTH = "document.documentElement.scrollWidth"
_TARGETS = "a[href], button, summary, input:not([type=hidden]), select"
_SMALL_TARGETS = """
([targets, least]) => [...document.querySelectorAll(targets)]
  .map(element => [element, element.getBoundingClientRect()])
  .filter(([element, box]) => box.width > 0 && (box.width < least || box.height < least))
  .map(([element, box]) => `${element.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)
"""


def look_at(page: Page, name: str) -> None:
    """See that everybody can use ``page``, and keep it as ``<name>.png`` and ``<name>-dark.png``.

    WCAG 2.2 A and AA by axe, in both colour schemes; nothing to scroll sideways at 320 px (WCAG
    1.4.10); targets of 44 px.
    """
    problems: list[str] = []
    for scheme, suffix in (("light", ""), ("dark", "-dark")):
        page.emulate_media(color_scheme=scheme)
        keep(page, name + suffix)
        problems += [f"{scheme}: {problem}" for problem in _found_by_axe(page)]
    page.emulate_media(color_scheme="light")
    small = page.evaluate(_SMALL_TARGETS, [_TARGETS, _LEAST_TARGET])
    problems += [f"too small: {target}" for target in small]
    problems += _too_wide(page)
    assert not problems, "\n".join([f"{name}: {len(problems)} problems", *problems])


def keep(page: Page, name: str) -> Path:
    """A picture of what the window shows, one pixel of it for each of CSS."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    page.screenshot(path=path, animations="disabled", scale="css")
    return path


def _found_by_axe(page: Page) -> list[str]:
    found = Axe().run(page, options=_RULES).response
    counted = found["violations"] + [
        each for each in found["incomplete"] if each["id"] in _MUST_BE_DECIDED
    ]
    return [
        f"{each['id']}: {node['html'][:120]}: {node.get('failureSummary', each['help'])}"
        for each in counted
        for node in each["nodes"]
        if not _is_sign(node)
    ]


def _is_sign(node: dict[str, Any]) -> bool:
    data = [check["data"] for check in node["any"]]
    return any(isinstance(d, dict) and d.get("messageKey") == _A_SIGN_AND_NO_WORD for d in data)


def _too_wide(page: Page) -> list[str]:
    usual = page.viewport_size
    assert usual is not None
    page.set_viewport_size({"width": _NARROWEST, "height": usual["height"]})
    width = page.evaluate(_WIDTH)
    page.set_viewport_size(usual)
    return [] if width <= _NARROWEST else [f"{width} px wide in a window of {_NARROWEST}"]
