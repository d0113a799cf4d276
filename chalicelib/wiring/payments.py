"""Steps 2 to 7: orders, platforms, results, refunds."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.money import Fen
from chalicelib.observability import count, gauge, logger
from chalicelib.settings import settings
from chalicelib.wiring.foundation import clock, numbers, secrets
from chalicelib.wiring.sellers import order_store, purchasables

if TYPE_CHECKING:
    from chalicelib.orders.alipay.channel import AlipayChannel
    from chalicelib.orders.attempts import CheckSchedule
    from chalicelib.orders.cashier import Cashier
    from chalicelib.orders.grant_audit import GrantAudit
    from chalicelib.orders.grant_schedule import AuditSchedule
    from chalicelib.orders.order_book import OrderBook
    from chalicelib.orders.platform import Channels
    from chalicelib.orders.refunds.desk import RefundDesk
    from chalicelib.orders.refunds.results import RefundSettling
    from chalicelib.orders.refunds.sender import RefundSender
    from chalicelib.orders.refunds.settle import RefundPolicy
    from chalicelib.orders.results import PaymentResults
    from chalicelib.orders.service import OrderService
    from chalicelib.orders.watching import Watching
    from chalicelib.orders.wechat.channel import WeChatChannel
    from chalicelib.orders.wechat.oauth import WeChatOAuth
    from chalicelib.orders.withdrawal import Withdrawal


@cache
def alipay() -> AlipayChannel:
    """Alipay mobile web payment."""
    from chalicelib.orders.alipay.channel import AlipayChannel

    base = settings().require("public_base_url")
    return AlipayChannel(
        app_id=settings().require("alipay_app_id"),
        seller_id=settings().require("alipay_seller_id"),
        app_private_key=secrets().get("alipay_app_private_key"),
        alipay_public_key=secrets().get("alipay_public_key"),
        gateway_url=settings().alipay_gateway_url,
        notify_url=f"{base}/orders/receivenotify",
        return_url=f"{base}/orders/alipayreturn",
        clock=clock(),
    )


@cache
def wechat() -> WeChatChannel:
    """WeChat Pay: JSAPI, H5 and Native."""
    from chalicelib.orders.wechat.channel import WeChatChannel

    base = settings().require("public_base_url")
    return WeChatChannel(
        app_id=settings().require("wechat_app_id"),
        mch_id=settings().require("wechat_mch_id"),
        merchant_private_key=secrets().get("wechat_private_key"),
        cert_serial=settings().require("wechat_cert_serial"),
        public_key=secrets().get("wechat_public_key"),
        public_key_id=settings().require("wechat_public_key_id"),
        api_v3_key=secrets().get("wechat_api_v3_key"),
        gateway_url=settings().wechat_gateway_url,
        notify_url=f"{base}/orders/notify/wechat",
        clock=clock(),
    )


@cache
def wechat_oauth() -> WeChatOAuth:
    """Who a payer inside WeChat is."""
    from chalicelib.orders.wechat.oauth import WeChatOAuth

    return WeChatOAuth(
        app_id=settings().require("wechat_app_id"),
        app_secret=secrets().get("wechat_app_secret"),
        authorize_url=settings().wechat_authorize_url,
        token_url=settings().wechat_token_url,
        redirect_uri=f"{settings().require('public_base_url')}/orders/wechat/oauth",
    )


@cache
def channels() -> Channels:
    """The payment platforms whose merchant account is configured."""
    from chalicelib.orders.model import PayChannel

    served: Channels = {PayChannel.ALIPAY: alipay, PayChannel.WECHAT: wechat}
    accounts = {
        PayChannel.ALIPAY: settings().alipay_app_id,
        PayChannel.WECHAT: settings().wechat_app_id,
    }
    return {channel: platform for channel, platform in served.items() if accounts[channel]}


@cache
def check_schedule() -> CheckSchedule:
    """When attempts are looked at."""
    from chalicelib.orders.attempts import CheckSchedule

    return CheckSchedule(
        often=timedelta(seconds=settings().check_every_seconds),
        often_for=timedelta(seconds=settings().check_often_for_seconds),
        later=timedelta(seconds=settings().check_later_every_seconds),
        after_expiry=tuple(
            timedelta(seconds=wait) for wait in settings().check_after_expiry_seconds
        ),
    )


@cache
def refund_policy() -> RefundPolicy:
    """When refunds are tried again, and how many go out by themselves."""
    from chalicelib.orders.refunds.settle import RefundPolicy

    return RefundPolicy(
        retry_seconds=settings().refund_retry_seconds,
        least_gap_seconds=settings().refund_least_gap_seconds,
        most_at_once=settings().refund_most_at_once,
        daily_count=settings().auto_refund_daily_count,
        daily_fen=Fen(settings().auto_refund_daily_fen),
    )


@cache
def audit_schedule() -> AuditSchedule:
    """When somebody looks whether goods have followed."""
    from chalicelib.orders.grant_schedule import AuditSchedule

    return AuditSchedule(
        pauses=tuple(timedelta(seconds=pause) for pause in settings().grant_audit_seconds)
    )


@cache
def refund_results() -> RefundSettling:
    """What the platforms say of refunds."""
    from chalicelib.orders.refunds.results import RefundSettling

    return RefundSettling(order_store(), clock(), count, refund_policy(), audit_schedule())


@cache
def payment_results() -> PaymentResults:
    """Step 6 and 7: what the platforms say."""
    from chalicelib.orders.results import PaymentResults

    return PaymentResults(
        store=order_store(),
        channels=channels(),
        refunds=refund_results(),
        clock=clock(),
        report=count,
        query_interval=timedelta(seconds=settings().query_interval_seconds),
        audits=audit_schedule(),
    )


@cache
def withdrawal() -> Withdrawal:
    """How an attempt leaves the counter."""
    from chalicelib.orders.withdrawal import Withdrawal

    return Withdrawal(
        store=order_store(),
        results=payment_results(),
        channels=channels(),
        clock=clock(),
        schedule=check_schedule(),
        claim_for=timedelta(seconds=settings().claim_seconds),
    )


@cache
def orders() -> OrderService:
    """Step 2: orders and payment codes."""
    from chalicelib.orders.service import OrderService

    return OrderService(
        store=order_store(),
        purchasables=purchasables(),
        withdrawal=withdrawal(),
        numbers=numbers(),
        clock=clock(),
        expires_after=timedelta(minutes=settings().order_expires_minutes),
    )


@cache
def cashier() -> Cashier:
    """Step 3: the cashier behind a payment link."""
    from chalicelib.orders.cashier import Cashier

    return Cashier(
        store=order_store(),
        purchasables=purchasables(),
        channels=channels(),
        results=payment_results(),
        withdrawal=withdrawal(),
        numbers=numbers(),
        clock=clock(),
        schedule=check_schedule(),
        claim_for=timedelta(seconds=settings().claim_seconds),
    )


@cache
def watching() -> Watching:
    """The job that looks at attempts until nobody can pay them any more."""
    from chalicelib.orders.watching import Watching

    return Watching(
        store=order_store(),
        results=payment_results(),
        withdrawal=withdrawal(),
        channels=channels(),
        clock=clock(),
        schedule=check_schedule(),
        report=count,
        on_unforeseen=lambda pay_no: logger.exception("unforeseen error", pay_no=pay_no),
        most=settings().check_most_at_once,
    )


@cache
def grant_audit() -> GrantAudit:
    """The job that asks the sellers whether goods have followed."""
    from chalicelib.orders.grant_audit import GrantAudit

    return GrantAudit(
        store=order_store(),
        purchasables=purchasables(),
        clock=clock(),
        schedule=audit_schedule(),
        report=count,
        on_missing=lambda finding: logger.warning(
            "goods have not followed",
            order_id=finding.order.order_id,
            audits=finding.order.audits,
            seller_says=finding.seller_says,
            step=finding.step.name,
        ),
        on_unforeseen=lambda order_id: logger.exception("unforeseen error", order_id=order_id),
        gauge=gauge,
        page=settings().grant_audit_most_at_once,
    )


@cache
def order_book() -> OrderBook:
    """My orders."""
    from chalicelib.orders.order_book import OrderBook

    return OrderBook(order_store())


@cache
def refund_desk() -> RefundDesk:
    """Where operators ask for refunds."""
    from chalicelib.orders.refunds.desk import RefundDesk

    return RefundDesk(
        store=order_store(),
        clock=clock(),
        report=count,
        approval_above_fen=Fen(settings().refund_approval_above_fen),
    )


@cache
def refund_sender() -> RefundSender:
    """The job that pays back what is owed."""
    from chalicelib.orders.refunds.sender import RefundSender

    return RefundSender(
        store=order_store(),
        channels=channels(),
        results=payment_results(),
        refunds=refund_results(),
        clock=clock(),
        report=count,
        policy=refund_policy(),
        on_unforeseen=lambda number: logger.exception("unforeseen error", refund=number),
    )
