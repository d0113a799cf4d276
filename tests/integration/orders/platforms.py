"""Both platforms in this process, on one clock, and what their own ledgers say: the truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from chalicelib.money import Fen
from chalicelib.orders.alipay import sdk as alipay_sdk
from chalicelib.orders.model import PayChannel
from chalicelib.orders.platform import PaymentChannel
from chalicelib.orders.wechat import gateway as wechat_gateway
from infra.local.alipay import platform as alipay_platform
from infra.local.alipay.app import create_app as create_alipay
from infra.local.alipay.signature import Keys as AlipayKeys
from infra.local.alipay.trade import Trade as AlipayTrade
from infra.local.alipay.trade import TradeStatus
from infra.local.wechat.app import create_app as create_wechat
from infra.local.wechat.ledger import PAID, TradeState
from infra.local.wechat.ledger import Trade as WeChatTrade
from infra.local.wechat.merchant import Merchant as WeChatAccount
from infra.local.wechat.payers import OTHER_PAYER, TEST_PAYER
from infra.local.wechat.refund_outcomes import RefundStatus
from infra.local.wechat.refunds import RefundOrigin, RefundRequest
from infra.local.wechat.signature import Keys as WeChatKeys
from tests import wechat_peer as wechat_account
from tests.builders import APP_ID, SELLER_ID, alipay_peer, an_alipay_channel
from tests.fakes.clock import START, FakeClock
from tests.integration.orders.transport import InProcess
from tests.integration.orders.wechat_by_hand import WeChatByHand
from tests.wechat_peer import a_wechat_channel, wechat_peer

ALIPAY_HOST, WECHAT_HOST = "alipay.test", "wechat.test"
OUR_HOST = "pay.example"
OPENIDS = (TEST_PAYER, OTHER_PAYER)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTrade:
    """What a platform knows of one ``out_trade_no``, in fen.

    ``refunds`` are those that arrived, by the number that asked for them; ``portal_fen`` those of
    the merchant portal.
    """

    channel: PayChannel
    trade_no: str
    total_fen: int
    is_paid: bool
    is_open: bool
    paid_at: datetime | None
    refunds: dict[str, int] = field(default_factory=dict)
    portal_fen: int = 0

    @property
    def back_fen(self) -> int:
        """All that went back."""
        return sum(self.refunds.values()) + self.portal_fen


class Platforms:
    """Alipay, WeChat, and the adapters of the product before them; made once, begun anew often."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        peer, tenpay = alipay_peer(), wechat_peer()
        self.alipay = alipay_platform.Platform(
            alipay_platform.Merchant(APP_ID, SELLER_ID),
            AlipayKeys(peer.platform_key, peer.app_key.public_key()),
            clock=self.clock,
            notify_by_hand=True,
        )
        self.wechat = WeChatByHand(
            WeChatAccount(
                wechat_account.APP_ID,
                wechat_account.MCH_ID,
                wechat_account.CERT_SERIAL,
                h5_domain=OUR_HOST,
            ),
            WeChatKeys(
                tenpay.platform_key,
                wechat_account.PUBLIC_KEY_ID,
                tenpay.merchant_key.public_key(),
                wechat_account.API_V3_KEY.encode(),
                "no secret",
            ),
            clock=self.clock,
        )
        self.lines = InProcess()
        self.lines.serve(ALIPAY_HOST, create_alipay(self.alipay))
        self.lines.serve(WECHAT_HOST, create_wechat(self.wechat))
        self.channels: dict[PayChannel, PaymentChannel] = {
            PayChannel.ALIPAY: an_alipay_channel(
                clock=self.clock, gateway_url=f"https://{ALIPAY_HOST}/gateway.do"
            ),
            PayChannel.WECHAT: a_wechat_channel(
                clock=self.clock, gateway_url=f"https://{WECHAT_HOST}"
            ),
        }

    @contextmanager
    def connected(self) -> Iterator[None]:
        """While it lasts, the adapters' transports lead here."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(alipay_sdk, "fetch", self.lines.fetch)
            patch.setattr(wechat_gateway, "exchange", self.lines.exchange)
            yield

    def begin(self) -> None:
        """Other days, other payers: both platforms forget everything."""
        self.clock.set(START)
        self.heal()
        self.alipay.notifies_full_refund = True
        self.alipay.__post_init__()
        self.wechat.begin()

    def answer_again(self) -> None:
        """No fault is left that was ordered."""
        self.alipay.faults.clear()
        self.wechat.faults.clear()

    def heal(self) -> None:
        """As `answer_again`; and refunds end well."""
        self.answer_again()
        self.wechat.outcomes.clear()

    def ledger(self) -> dict[str, LedgerTrade]:
        """Every trade of both platforms, by our pay number."""
        self.wechat.refunds.end_due()
        trades = {t.offer.out_trade_no: _of_alipay(t) for t in self.alipay.ledger.trades()}
        for trade in self.wechat.ledger.trades():
            trades[trade.order.out_trade_no] = self._of_wechat(trade)
        return trades

    def next_news_at(self) -> datetime | None:
        """When a notification is due, or a refund of WeChat ends."""
        moments = (
            self.alipay.next_notification_at(),
            self.wechat.by_hand.next_due_at(),
        )
        return min((moment for moment in moments if moment is not None), default=None)

    def _of_wechat(self, trade: WeChatTrade) -> LedgerTrade:
        made = self.wechat.refunds.of_trade(trade.order.out_trade_no)
        back = [refund for refund in made if refund.status is RefundStatus.SUCCESS]
        portal = [r for r in back if r.request.origin is RefundOrigin.PORTAL]
        return LedgerTrade(
            channel=PayChannel.WECHAT,
            trade_no=trade.transaction_id,
            total_fen=trade.order.total,
            is_paid=trade.state in PAID,
            is_open=trade.state not in PAID and trade.state is not TradeState.CLOSED,
            paid_at=trade.paid_at,
            refunds={r.request.out_refund_no: r.request.refund for r in back if r not in portal},
            portal_fen=sum(r.request.refund for r in portal),
        )


def _of_alipay(trade: AlipayTrade) -> LedgerTrade:
    portal = [r for r in trade.refunds if not _is_ours(r.out_request_no, trade)]
    return LedgerTrade(
        channel=PayChannel.ALIPAY,
        trade_no=trade.trade_no,
        total_fen=trade.total,
        is_paid=trade.gmt_payment is not None,
        is_open=trade.status is TradeStatus.WAIT_BUYER_PAY,
        paid_at=trade.gmt_payment,
        refunds={r.out_request_no: r.amount for r in trade.refunds if r not in portal},
        portal_fen=sum(r.amount for r in portal),
    )


def _is_ours(number: str, trade: AlipayTrade) -> bool:
    """Refund numbers of ours begin with the pay number; the portal's with the day."""
    return number.startswith(f"{trade.offer.out_trade_no}_")


def refund_at_wechat(platform: WeChatByHand, out_trade_no: str, fen: int) -> None:
    """A refund of the merchant portal, which notifies nobody.

    Raises
    ------
    Refusal
        More than is left, or never paid.
    """
    trade = platform.ledger.find(out_trade_no)
    assert trade is not None
    earlier = len(platform.refunds.of_trade(out_trade_no))
    number = f"PORTAL-{out_trade_no}-{earlier + 1}"
    platform.refunds.accept(
        RefundRequest(
            out_refund_no=number,
            refund=Fen(fen),
            reason=None,
            notify_url="",
            parameters={"out_refund_no": number},
            origin=RefundOrigin.PORTAL,
        ),
        trade,
    )
