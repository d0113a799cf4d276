from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chalicelib.orders.alipay.channel import AlipayChannel
from tests.builders import AlipayPeer, alipay_peer, an_alipay_channel
from tests.unit.orders.alipay.gateway import Gateway, running_gateway


@pytest.fixture(scope="session")
def channel() -> AlipayChannel:
    """A channel that no gateway answers."""
    return an_alipay_channel()


@pytest.fixture
def peer() -> AlipayPeer:
    return alipay_peer()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway() as gateway:
        yield gateway


@pytest.fixture
def asking(gateway: Gateway) -> AlipayChannel:
    """A channel that asks ``gateway``."""
    return an_alipay_channel(gateway_url=gateway.url)


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
