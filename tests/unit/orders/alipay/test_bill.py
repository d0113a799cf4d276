"""The bill of a day: fetched whole from Alipay, or not at all."""

from __future__ import annotations

import time
from datetime import date

import pytest

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.orders.alipay.bill import AlipayBills
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.alipay.gateway import Answer as GatewayAnswer
from tests.builders import AlipayPeer, an_alipay_channel
from tests.unit.orders.alipay.answers import a_zip, bill_at, refusal, soon
from tests.unit.orders.alipay.gateway import Answer, Gateway, cut_off, hung_up, whole

DAY = date(2026, 2, 28)
METHOD = "alipay_data_dataservice_bill_downloadurl_query"


def test_a_bill_comes_as_it_is(asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer) -> None:
    url = f"{gateway.origin}/downloadBillFile.resource?fileId=1&downloadFileName=a.zip"
    gateway.says(bill_at(peer, url), a_zip())

    assert asking.download_bill(DAY, soon()) == a_zip()

    assert gateway.paths == ["/gateway.do", "/downloadBillFile.resource"]
    assert peer.merchant_signed(gateway.requests[0])
    assert gateway.methods == ["alipay.data.dataservice.bill.downloadurl.query"]
    assert gateway.content() == {"bill_type": "trade", "bill_date": "2026-02-28"}
    assert gateway.requests[1] == {"fileId": "1", "downloadFileName": "a.zip"}


@pytest.mark.parametrize("sub_code", ["isp.bill_not_exist", "isv.BILL_NOT_EXIST"])
def test_a_day_without_a_bill_is_refused(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, sub_code: str
) -> None:
    gateway.says(refusal(peer, "40004", sub_code, method=METHOD))

    with pytest.raises(ChannelRefused, match=sub_code):
        asking.download_bill(DAY, soon())


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("40004", "isv.invalid_arguments"),
        ("40006", "isv.insufficient-isv-permissions"),
        ("20000", "isp.unknow-error"),
        ("40004", "isp.unknow_error"),
    ],
)
def test_any_other_refusal_does_not_pass_for_a_day_without_a_bill(
    asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, code: str, sub_code: str
) -> None:
    gateway.says(refusal(peer, code, sub_code, method=METHOD))

    with pytest.raises(ChannelUnavailable, match=sub_code):
        asking.download_bill(DAY, soon())


class TestTheFile:
    @pytest.mark.parametrize(
        "answer",
        [
            whole(b"<html>busy</html>"),
            whole(b""),
            whole(a_zip()[:-30]),
            whole(a_zip(), status=403),
            whole(a_zip(), status=302, Location="http://127.0.0.1:1/"),
            cut_off(a_zip()),
            hung_up,
        ],
    )
    def test_a_file_that_is_no_whole_zip_is_unknown(
        self, asking: AlipayChannel, gateway: Gateway, peer: AlipayPeer, answer: Answer
    ) -> None:
        gateway.does(whole(bill_at(peer, f"{gateway.origin}/bill")), answer)

        with pytest.raises(ChannelUnavailable):
            asking.download_bill(DAY, soon())

    def test_a_file_that_drips_ends_with_the_time_out(
        self, gateway: Gateway, peer: AlipayPeer
    ) -> None:
        asking = an_alipay_channel(gateway_url=gateway.url, timeout_seconds=0.5)
        address = whole(bill_at(peer, f"{gateway.origin}/bill"))
        gateway.does(address, gateway.dripping(a_zip()))
        started = time.monotonic()

        with pytest.raises(ChannelUnavailable):
            asking.download_bill(DAY, soon(60))

        assert time.monotonic() - started < 4


class KnowsOneAddress:
    """A gateway that names an address, and notes what is fetched."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fetched: list[str] = []

    def ask(self, method: str, content: object, deadline: Deadline) -> GatewayAnswer:
        return GatewayAnswer({"code": "10000", "bill_download_url": self.url})

    def download(self, url: str, deadline: Deadline, most_bytes: int) -> bytes:
        self.fetched.append(url)
        return a_zip()


def fetched(url: str, gateway_url: str = "https://openapi.alipay.com/gateway.do") -> list[str]:
    gateway = KnowsOneAddress(url)
    AlipayBills(gateway, gateway_url).of(DAY, soon())  # type: ignore[arg-type]
    return gateway.fetched


class TestTheAddress:
    @pytest.mark.parametrize(
        ("url", "asked"),
        [
            ("https://dwbillcenter.alipay.com/a?b=c", "https://dwbillcenter.alipay.com/a?b=c"),
            ("http://dwbillcenter.alipay.com/a?b=c", "https://dwbillcenter.alipay.com/a?b=c"),
            ("http://x.alipay.com:80/a", "https://x.alipay.com/a"),
            ("https://X.AliPayDev.com:443/a#b", "https://x.alipaydev.com/a"),
        ],
    )
    def test_alipay_is_asked_over_tls(self, url: str, asked: str) -> None:
        assert fetched(url) == [asked]

    def test_a_gateway_may_serve_the_bill_itself(self) -> None:
        url = "http://127.0.0.1:8001/bill?a=b"

        assert fetched(url, "http://127.0.0.1:8001/gateway.do") == [url]

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "/bill",
            "file:///etc/passwd",
            "ftp://dwbillcenter.alipay.com/a",
            "https://evil.example/a",
            "https://alipay.com.evil.example/a",
            "https://a.alipay.com.evil.example/a",
            "https://evilalipay.com/a",
            "https://alipay.com@evil.example/a",
            "https://evil.example/.alipay.com",
            "https://dwbillcenter.alipay.com:8443/a",
            "https://dwbillcenter.alipay.com:x/a",
            "https://[::1/a",
            "http://169.254.169.254/latest/meta-data",
            "http://openapi.alipay.com:8001/gateway.do",
        ],
    )
    def test_nobody_else_is_asked(self, url: str) -> None:
        gateway = KnowsOneAddress(url)
        bills = AlipayBills(gateway, "https://openapi.alipay.com/gateway.do")  # type: ignore[arg-type]

        with pytest.raises(ChannelUnavailable):
            bills.of(DAY, soon())

        assert gateway.fetched == []
