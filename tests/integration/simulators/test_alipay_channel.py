"""Our Alipay channel against an Alipay that was written from its documentation alone."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from chalicelib.clock import BEIJING
from chalicelib.errors import ChannelRefused, ChannelUnavailable, NotifyRejected
from chalicelib.orders.alipay.channel import AlipayChannel
from chalicelib.orders.platform import Notify
from chalicelib.orders.verdict import (
    ClosedThere,
    ClosedUnpaid,
    CloseRefused,
    NothingToClose,
    NotThereYet,
    Paid,
    RefundDone,
    RefundNotThere,
    RefundRefused,
    RefundUnknown,
    StillOpen,
)
from infra.local.services.web_server import WebServer
from tests.integration.simulators.alipay_purchase import PAY_NO, PRICE, Purchase, a_refund, soon
from tests.integration.simulators.merchant import (
    APP_ID,
    SELLER_ID,
    Merchant,
    MerchantSite,
    ShiftedClock,
)


@pytest.fixture
def channel(
    alipay: WebServer, site: MerchantSite, keys_folder: Path, clock: ShiftedClock
) -> AlipayChannel:
    return AlipayChannel(
        app_id=APP_ID,
        seller_id=SELLER_ID,
        app_private_key=(keys_folder / "alipay_app_private_key.pem").read_text(),
        alipay_public_key=(keys_folder / "alipay_public_key.pem").read_text(),
        gateway_url=f"{alipay.url}/gateway.do",
        notify_url=f"{site.url}/notify",
        return_url="http://127.0.0.1:9/return",
        clock=clock,
    )


@pytest.fixture
def purchase(channel: AlipayChannel, merchant: Merchant, clock: ShiftedClock) -> Purchase:
    return Purchase(channel, merchant, clock)


def heard(channel: AlipayChannel, site: MerchantSite) -> Notify:
    return channel.parse_notify({}, urlencode(site.next_notify()).encode())


def test_a_payment_is_told_alike_by_query_and_notification(
    purchase: Purchase, site: MerchantSite
) -> None:
    assert purchase.query() == NotThereYet()
    purchase.log_in()
    assert purchase.query() == StillOpen()
    purchase.pay()

    verdict = purchase.query()
    notify = heard(purchase.channel, site)

    assert isinstance(verdict, Paid)
    assert (verdict.amount_fen, verdict.back_fen) == (PRICE, 0)
    assert notify.tells == verdict
    assert (notify.pay_no, notify.app_id, notify.merchant_id) == (PAY_NO, APP_ID, SELLER_ID)


def test_a_browser_return_names_the_attempt(purchase: Purchase) -> None:
    location = purchase.pay()["return_location"]
    query = dict(parse_qsl(urlsplit(location).query, keep_blank_values=True, strict_parsing=True))

    assert purchase.channel.parse_return(query).pay_no == PAY_NO
    with pytest.raises(NotifyRejected):
        purchase.channel.parse_return(query | {"out_trade_no": "150000000000000002"})


def test_a_trade_is_closed_once_somebody_made_it(purchase: Purchase) -> None:
    purchase.open()
    assert purchase.channel.close(purchase.record, soon()) == NothingToClose()
    purchase.log_in()
    assert purchase.channel.close(purchase.record, soon()) == ClosedThere()
    assert isinstance(purchase.channel.close(purchase.record, soon()), CloseRefused)
    assert purchase.query() == ClosedUnpaid()


def test_a_paid_trade_is_not_closed(purchase: Purchase) -> None:
    purchase.pay()

    assert isinstance(purchase.channel.close(purchase.record, soon()), CloseRefused)
    assert isinstance(purchase.query(), Paid)


def test_a_payment_goes_back_in_parts_and_then_in_full(
    purchase: Purchase, site: MerchantSite
) -> None:
    purchase.pay()
    assert heard(purchase.channel, site).tells == purchase.query()

    for refund, in_all in ((a_refund(), 450), (a_refund("160000000000000002", 540), 990)):
        assert purchase.channel.query_refund(purchase.record, refund, soon()) == RefundNotThere()
        done = purchase.channel.refund(purchase.record, refund, soon())
        assert isinstance(done, RefundDone)
        assert done.amount_fen == refund.amount_fen
        assert purchase.channel.query_refund(purchase.record, refund, soon()) == done
        told = heard(purchase.channel, site).tells
        assert isinstance(told, Paid)
        assert told.back_fen == in_all
    assert purchase.back() == PRICE


def test_the_same_refund_again_moves_nothing_and_is_done(
    purchase: Purchase, merchant: Merchant
) -> None:
    purchase.pay()
    first = purchase.channel.refund(purchase.record, a_refund(), soon())

    assert purchase.channel.refund(purchase.record, a_refund(), soon()) == first
    assert len(merchant.trade(PAY_NO)["refunds"]) == 1


@pytest.mark.parametrize("deed", ["lose", "http_500", "html", "unsigned", "corrupt_signature"])
def test_a_refund_whose_answer_is_lost_is_unknown_and_then_found(
    purchase: Purchase, merchant: Merchant, deed: str
) -> None:
    purchase.pay()
    merchant.order_fault(on="alipay.trade.refund", do=deed)

    lost = purchase.channel.refund(purchase.record, a_refund(), soon())

    assert isinstance(lost, RefundUnknown)
    assert isinstance(
        purchase.channel.query_refund(purchase.record, a_refund(), soon()), RefundDone
    )


@pytest.mark.parametrize("fund_change", ["N", None])
def test_a_refund_without_fund_change_is_confirmed(
    purchase: Purchase, merchant: Merchant, fund_change: str | None
) -> None:
    purchase.pay()
    fields = {"fund_change": fund_change}
    merchant.order_fault(on="alipay.trade.refund", do="change", fields=fields)

    assert isinstance(purchase.channel.refund(purchase.record, a_refund(), soon()), RefundDone)


def test_a_refund_that_was_only_pretended_is_not_done(
    purchase: Purchase, merchant: Merchant
) -> None:
    purchase.pay()
    fields = {"fund_change": "N", "out_trade_no": PAY_NO, "refund_fee": "0.00"}
    merchant.order_fault(on="alipay.trade.refund", do="pretend", fields=fields)

    assert isinstance(purchase.channel.refund(purchase.record, a_refund(), soon()), RefundUnknown)
    assert purchase.channel.query_refund(purchase.record, a_refund(), soon()) == RefundNotThere()


def test_a_seller_without_money_pays_back_later(purchase: Purchase, merchant: Merchant) -> None:
    purchase.pay()
    broke = {"do": "refuse", "sub_code": "ACQ.SELLER_BALANCE_NOT_ENOUGH"}
    merchant.order_fault(on="alipay.trade.refund", **broke)

    refused = purchase.channel.refund(purchase.record, a_refund(), soon())

    assert refused == RefundRefused("40004 ACQ.SELLER_BALANCE_NOT_ENOUGH", is_final=False)
    assert isinstance(purchase.channel.refund(purchase.record, a_refund(), soon()), RefundDone)


def test_what_cannot_go_back_is_refused_for_good(purchase: Purchase, merchant: Merchant) -> None:
    purchase.pay()
    assert isinstance(purchase.channel.refund(purchase.record, a_refund(), soon()), RefundDone)

    for refund in (a_refund(fen=451), a_refund("160000000000000002", 541)):
        refused = purchase.channel.refund(purchase.record, refund, soon())
        assert isinstance(refused, RefundRefused)
        assert refused.is_final
    merchant.control_trade("finish", PAY_NO)
    assert purchase.channel.refund(
        purchase.record, a_refund("160000000000000003", 1), soon()
    ) == RefundRefused("40004 ACQ.TRADE_HAS_FINISHED", is_final=True)


def test_the_bill_of_a_day_lists_what_happened(
    purchase: Purchase, merchant: Merchant, clock: ShiftedClock
) -> None:
    purchase.pay()
    purchase.channel.refund(purchase.record, a_refund(), soon())
    day = clock.now().astimezone(BEIJING).date()
    with pytest.raises(ChannelRefused, match=r"isp\.bill_not_exist"):
        purchase.channel.download_bill(day, soon())
    clock.ahead += timedelta(days=2)

    bill = purchase.channel.download_bill(day, soon())

    with zipfile.ZipFile(io.BytesIO(bill)) as archive:
        text = "".join(archive.read(name).decode("gbk") for name in archive.namelist())
    assert PAY_NO in text
    assert a_refund().channel_refund_no in text
    with pytest.raises(ChannelUnavailable):
        purchase.channel.download_bill(day + timedelta(days=30), soon())


@pytest.mark.parametrize("method", ["query", "close"])
def test_trouble_at_alipay_leaves_a_trade_unknown(
    purchase: Purchase, merchant: Merchant, method: str
) -> None:
    purchase.log_in()
    merchant.order_fault(on=f"alipay.trade.{method}", do="system_error")

    with pytest.raises(ChannelUnavailable, match="isp"):
        getattr(purchase.channel, method)(purchase.record, soon())
