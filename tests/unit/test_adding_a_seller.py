"""docs/adding-a-seller.md lists the files of a seller: they are there, and none is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-seller.md").read_text("utf-8")
PLACES: list[str] = [
    place
    for row in re.findall(r"^\| (`.*?) \|", PAGE, flags=re.MULTILINE)
    for place in re.findall(r"`([^`]+)`", row)
]
SELLERS = ("learning", "resources")

# how the second seller is named wherever something is joined to it
SECOND_SELLER = re.compile(
    r"chalicelib[./]resources|from_resources|resources_(?:drain|refund|store|jobs|subscription)"
    r"|update_resources|(?:pay|refund)notify_resources|STUDY_MATERIAL|material_choosing",
    flags=re.IGNORECASE,
)


@pytest.mark.parametrize("seller", SELLERS)
def test_every_place_of_the_list_is_there_for_both_sellers(seller: str) -> None:
    named = [place.replace("<seller>", seller) for place in PLACES]
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_the_list_names_the_package_and_what_joins_it() -> None:
    assert len(PLACES) == len(set(PLACES)) > 25
    assert {"chalicelib/purchasables.py", "app.py", ".chalice/config.json"} <= set(PLACES)
    assert sum(place.startswith("chalicelib/<seller>/") for place in PLACES) >= 10


def test_whatever_names_the_second_seller_is_on_the_list() -> None:
    naming = [path for path in shipped() if SECOND_SELLER.search((ROOT / path).read_text("utf-8"))]
    assert [path for path in naming if not path.startswith(tuple(PLACES))] == []
    # else the pattern above finds nothing, and this test cannot fail
    assert {"chalicelib/mq/topology.py", "chalicelib/wiring/sellers.py", "app.py"} <= set(naming)


def test_the_order_service_is_not_on_the_list() -> None:
    assert [place for place in PLACES if place.startswith("chalicelib/orders")] == []


def shipped() -> Iterator[str]:
    """Code and configuration, but for the seller's own package."""
    for top in ("app.py", "pyproject.toml", ".chalice", "chalicelib", "infra"):
        here = ROOT / top
        for path in sorted(here.rglob("*")) if here.is_dir() else [here]:
            name = path.relative_to(ROOT).as_posix()
            own = name.startswith("chalicelib/resources/")
            if path.is_file() and path.suffix in (".py", ".json", ".toml") and not own:
                yield name
