from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wechat_gateway import Gateway, a_gateway


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with a_gateway() as gateway:
        yield gateway
