"""A message that is not proper, not Alipay's or not for us is no notification."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest

from chalicelib.errors import NotifyRejected
from chalicelib.orders.alipay.channel import AlipayChannel
from tests.builders import AlipayPeer, an_alipay_channel, public_pem


@pytest.mark.parametrize(
    "name", ["total_amount", "out_trade_no", "trade_status", "app_id", "subject", "body"]
)
def test_a_field_that_was_changed_after_signing(
    channel: AlipayChannel, peer: AlipayPeer, name: str
) -> None:
    fields = peer.notify_fields()
    body = urlencode({**fields, name: fields[name] + "1"}).encode()

    with pytest.raises(NotifyRejected, match="signature"):
        channel.parse_notify({}, body)


@pytest.mark.parametrize(
    "changed", [{"sign": ""}, {"sign": "=="}, {"sign": "签名"}, {"sign": "AAAA"}]
)
def test_a_signature_that_is_none(
    channel: AlipayChannel, peer: AlipayPeer, changed: dict[str, str]
) -> None:
    body = urlencode({**peer.notify_fields(), **changed}).encode()

    with pytest.raises(NotifyRejected, match="signature"):
        channel.parse_notify({}, body)


def test_no_signature_at_all(channel: AlipayChannel, peer: AlipayPeer) -> None:
    fields = peer.notify_fields()
    del fields["sign"]

    with pytest.raises(NotifyRejected, match="signature"):
        channel.parse_notify({}, urlencode(fields).encode())


def test_a_signature_by_another_key(channel: AlipayChannel) -> None:
    with pytest.raises(NotifyRejected, match="signature"):
        channel.parse_notify({}, AlipayPeer().notify())


def test_our_own_signature_is_not_alipays(peer: AlipayPeer) -> None:
    confused = an_alipay_channel(alipay_public_key=public_pem(peer.app_key))

    with pytest.raises(NotifyRejected, match="signature"):
        confused.parse_notify({}, peer.notify())


@pytest.mark.parametrize("sign_type", ["RSA", "rsa2", "HMAC", "", None])
def test_another_sign_type(channel: AlipayChannel, peer: AlipayPeer, sign_type: str | None) -> None:
    fields = peer.notify_fields()
    del fields["sign_type"]
    if sign_type is not None:
        fields["sign_type"] = sign_type

    with pytest.raises(NotifyRejected, match="sign_type"):
        channel.parse_notify({}, urlencode(fields).encode())


@pytest.mark.parametrize("name", ["app_id", "seller_id"])
def test_a_good_signature_for_somebody_else(
    channel: AlipayChannel, peer: AlipayPeer, name: str
) -> None:
    for body in (
        peer.notify(**{name: "2088999999999999"}),
        peer.notify(**{name: ""}),
        peer.notify(without=(name,)),
    ):
        with pytest.raises(NotifyRejected, match=name):
            channel.parse_notify({}, body)


def test_a_signed_browser_return_that_is_posted_as_a_notify(
    channel: AlipayChannel, peer: AlipayPeer
) -> None:
    with pytest.raises(NotifyRejected, match="browser return"):
        channel.parse_notify({}, urlencode(peer.return_query()).encode())


@pytest.mark.parametrize("charset", ["GBK", "gb2312", "utf-16", ""])
def test_another_charset(channel: AlipayChannel, peer: AlipayPeer, charset: str) -> None:
    with pytest.raises(NotifyRejected, match="charset"):
        channel.parse_notify({}, peer.notify(charset=charset))


@pytest.mark.parametrize("name", ["total_amount", "sign", "app_id"])
def test_a_name_that_comes_twice(channel: AlipayChannel, peer: AlipayPeer, name: str) -> None:
    body = peer.notify()
    again = urlencode({name: dict(parse_qsl(body.decode()))[name]}).encode()

    with pytest.raises(NotifyRejected, match="twice"):
        channel.parse_notify({}, body + b"&" + again)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"trade_status",
        b"a=1&&b=2",
        b"a=%zz",
        b"a=%E4%BD",
        b"a=%",
        "标题=课程".encode("gbk"),
        b"subject=" + "课程".encode("gbk"),
        b'{"trade_status":"TRADE_SUCCESS"}',
        b"\x00\xff",
        b"&".join(b"f%d=1" % number for number in range(1000)),
    ],
)
def test_a_body_that_is_no_form_in_utf8(channel: AlipayChannel, body: bytes) -> None:
    with pytest.raises(NotifyRejected):
        channel.parse_notify({}, body)


def test_a_broken_escape_is_refused_even_when_it_was_signed_as_text(
    channel: AlipayChannel, peer: AlipayPeer
) -> None:
    body = peer.notify(subject="100%ok").replace(b"100%25ok", b"100%ok")

    with pytest.raises(NotifyRejected, match="escape"):
        channel.parse_notify({}, body)
