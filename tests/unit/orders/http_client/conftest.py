from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.orders.http_client.site import Site, a_site


@pytest.fixture
def site() -> Iterator[Site]:
    with a_site() as site:
        yield site
