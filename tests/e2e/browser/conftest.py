"""One Chromium for all of these tests; a context, closed and looked into, for each visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from infra.local.stack import Stack
from tests.e2e.browser.devices import WECHAT, Device
from tests.e2e.browser.engine import running_chromium
from tests.e2e.browser.orders import Bill, new_bill
from tests.e2e.browser.visitor import Visitor
from tests.e2e.browser.wechat_app import give_bridge

Visit = Callable[[Device], Visitor]
"""A new visitor, with a browser that nobody has used."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def visit(chromium: Browser, stack: Stack) -> Iterator[Visit]:
    visitors: list[Visitor] = []

    def with_a(device: Device) -> Visitor:
        context = chromium.new_context(**device.context)
        visitor = Visitor(context)
        visitors.append(visitor)
        if device is WECHAT:
            give_bridge(context, stack.wechat_url)
        return visitor

    yield with_a
    for visitor in visitors:
        visitor.context.close()
    for visitor in visitors:
        visitor.is_content()


@pytest.fixture
def bill(stack: Stack) -> Iterator[Bill]:
    ordered = new_bill(stack)
    yield ordered
    ordered.student.close()
