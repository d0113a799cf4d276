"""What Alipay signs when it sends the browser back."""

from __future__ import annotations

import pytest

from chalicelib.errors import NotifyRejected
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.model import PayNo
from tests.builders import PAY_NO, AlipayPeer


@pytest.mark.parametrize("with_sign_type", [False, True])
def test_a_signed_return_names_its_attempt(
    channel: AlipayChannel, peer: AlipayPeer, with_sign_type: bool
) -> None:
    query = peer.return_query(with_sign_type=with_sign_type)
    before = dict(query)

    assert channel.parse_return(query).pay_no == PayNo(PAY_NO)
    assert query == before


@pytest.mark.parametrize("with_sign_type", [False, True])
@pytest.mark.parametrize("name", ["out_trade_no", "total_amount", "sign", "timestamp"])
def test_a_return_that_was_changed_is_refused(
    channel: AlipayChannel, peer: AlipayPeer, name: str, with_sign_type: bool
) -> None:
    query = peer.return_query(with_sign_type=with_sign_type)

    with pytest.raises(NotifyRejected, match="signature"):
        channel.parse_return({**query, name: "1" + query[name]})


def test_a_return_with_one_more_parameter_is_refused(
    channel: AlipayChannel, peer: AlipayPeer
) -> None:
    with pytest.raises(NotifyRejected, match="signature"):
        channel.parse_return({**peer.return_query(), "to": "https://evil.example"})


@pytest.mark.parametrize("name", ["app_id", "seller_id"])
def test_a_return_for_somebody_else_is_refused(
    channel: AlipayChannel, peer: AlipayPeer, name: str
) -> None:
    with pytest.raises(NotifyRejected, match=name):
        channel.parse_return(peer.return_query(**{name: "2088999999999999"}))


@pytest.mark.parametrize("query", [{}, {"sign_type": "RSA2"}, {"out_trade_no": "1"}])
def test_an_unsigned_return_is_refused(channel: AlipayChannel, query: dict[str, str]) -> None:
    with pytest.raises(NotifyRejected):
        channel.parse_return(query)


def test_a_return_that_names_no_attempt_is_refused(
    channel: AlipayChannel, peer: AlipayPeer
) -> None:
    with pytest.raises(NotifyRejected, match="out_trade_no"):
        channel.parse_return(peer.return_query(out_trade_no=""))
