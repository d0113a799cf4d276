"""Both READMEs say the same, as far as a machine can tell."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")


def _code_blocks(text: str) -> list[str]:
    return re.findall(r"^```.*?^```$", text, re.DOTALL | re.MULTILINE)


def _heading_levels(text: str) -> list[int]:
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [len(marks) for marks in re.findall(r"^(#+) ", outside, re.MULTILINE)]


def _links(text: str) -> list[str]:
    links = re.findall(r"\]\(([^)]+)\)", text)
    return [link for link in links if not link.startswith("README")]


def test_both_readmes_have_the_same_code_blocks() -> None:
    assert _code_blocks(ENGLISH) == _code_blocks(CHINESE)
    assert len(_code_blocks(ENGLISH)) >= 5


def test_both_readmes_have_the_same_headings_and_links() -> None:
    assert _heading_levels(ENGLISH) == _heading_levels(CHINESE)
    assert _links(ENGLISH) == _links(CHINESE)


def test_every_link_leads_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
            if "://" not in link:
                assert (page.parent / link.partition("#")[0]).exists(), f"{page.name}: {link}"


def test_every_make_target_that_a_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9 -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {name for line in targets for name in line.split()}
    named = {word for line in re.findall(r"make ([a-z ]+)", ENGLISH) for word in line.split()[:3]}
    assert {"demo", "test", "up", "lint", "types", "unit"} <= named & known
