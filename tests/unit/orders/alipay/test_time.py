"""A question to Alipay ends at its limit, whatever the other side does."""

from __future__ import annotations

import threading
import time

import pytest

from chalicelib.errors import ChannelUnavailable
from chalicelib.orders.alipay.channel import AlipayChannel
from tests.builders import APP_ID, AlipayPeer, a_pay_record, an_alipay_channel
from tests.unit.orders.alipay.answers import soon
from tests.unit.orders.alipay.gateway import Answer, Gateway

RECORD = a_pay_record(app_id=APP_ID)


def test_silence_ends_with_the_time_out(gateway: Gateway) -> None:
    gateway.does(gateway.silence)
    channel = an_alipay_channel(gateway_url=gateway.url, timeout_seconds=0.3)
    started = time.monotonic()

    with pytest.raises(ChannelUnavailable):
        channel.query(RECORD, soon(60))

    assert time.monotonic() - started < 3


@pytest.mark.parametrize("how", ["silence", "body", "headers"])
def test_an_answer_that_does_not_come_ends_with_the_deadline(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, how: str
) -> None:
    answers: dict[str, Answer] = {
        "silence": gateway.silence,
        "body": gateway.dripping(peer.trade_answer()),
        "headers": gateway.dripping_headers,
    }
    gateway.does(answers[how])
    started = time.monotonic()

    with pytest.raises(ChannelUnavailable):
        asking.query(RECORD, soon(0.5))

    assert time.monotonic() - started < 4


def test_no_timer_outlives_its_question(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer
) -> None:
    gateway.says(peer.trade_answer())
    asking.query(RECORD, soon(30))

    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]


def test_nothing_is_asked_when_no_time_is_left(asking: AlipayChannel, gateway: Gateway) -> None:
    with pytest.raises(ChannelUnavailable, match="no time"):
        asking.query(RECORD, soon(0))

    assert gateway.requests == []
