"""What a payment link opens, in a payer's browser: the cashier page and the way to a platform."""

from __future__ import annotations

from ipaddress import ip_address

from chalice.app import Request, Response

from chalicelib import wiring
from chalicelib.deadline import Deadline
from chalicelib.errors import AppError, InvalidRequest, OrderAlreadyPaid, OrderNotPayable
from chalicelib.http import Api, form_body, query_of
from chalicelib.orders.model import PayChannel, PayNo, TradeType
from chalicelib.orders.pages.answers import errors_are_pages, page_answer, redirect, refusal
from chalicelib.orders.pages.browser import Browser, browser_of
from chalicelib.orders.pages.cashier import (
    CashierState,
    CashierView,
    cashier_page,
    cashier_state,
)
from chalicelib.orders.pages.layout import message_page
from chalicelib.orders.pages.links import payment_url
from chalicelib.orders.pages.oauth_ticket import LIFE as TICKET_LIFE
from chalicelib.orders.pages.oauth_ticket import OAuthTicket, OAuthTickets
from chalicelib.orders.pages.ways import chosen_way, ways_for
from chalicelib.orders.pages.wechat_sign_in import Departure, NotSignedIn, SignedIn, WeChatSignIn
from chalicelib.orders.platform import Payer
from chalicelib.orders.routes.patience import SECONDS_ON_PLATFORMS
from chalicelib.orders.routes.way_to_platform import (
    form_leads_to,
    opened,
    requestpay_address,
    token_for,
    ways_on,
)
from chalicelib.settings import settings

pay_pages = Api(__name__)

_FORM = ["application/x-www-form-urlencoded"]


@pay_pages.route("/requestpay", methods=["GET", "HEAD"])
@errors_are_pages
def show_cashier() -> Response:
    """The page behind the QR code. Changes nothing: scanners and previews open links too."""
    query = query_of(pay_pages.current_request)
    pay_no, sign = PayNo(query.get("payNo", "")), query.get("sign", "")
    wiring.links().check("pay", pay_no, sign)
    counter = wiring.cashier().show(pay_no)
    now = wiring.clock().now()
    state = cashier_state(counter, now)
    browser = _browser(pay_pages.current_request)
    served = wiring.channels()
    undecided = state not in (CashierState.PAID, CashierState.REFUNDED)
    may_be_paid = undecided and bool(counter.live.opened_at)
    # a desktop waits for the phone that scans its code
    on = ways_on(pay_no) if may_be_paid or browser is Browser.DESKTOP else None
    page = cashier_page(
        CashierView(
            state=state,
            browser=browser,
            served=served,
            title=counter.order.title,
            amount_fen=counter.order.total_fen,
            expires_at=counter.order.expires_at,
            now=now,
            action=requestpay_address(),
            pay_no=pay_no,
            token=token_for(pay_no),
            link=payment_url(settings().require("public_base_url"), pay_no, sign),
            leads_to=tuple(
                site for way in ways_for(browser, served) for site in form_leads_to(way)
            ),
            result_url=on.result_url if on and may_be_paid else "",
            on=on,
        )
    )
    return page_answer(page)


@pay_pages.route("/requestpay", methods=["POST"], content_types=_FORM)
@errors_are_pages
def open_attempt() -> Response:
    """Open the attempt the chosen way; only pages of ours hold the token for it."""
    request = pay_pages.current_request
    fields = form_body(request)
    pay_no = PayNo(fields.get("payNo", ""))
    wiring.links().check("open", pay_no, fields.get("token", ""))
    channel = _channel(fields.get("channel", PayChannel.ALIPAY))
    way = chosen_way(channel, fields.get("tradeType", ""), _browser(request))
    if way is TradeType.WX_JSAPI:
        _refuse_unless_payable(pay_no)
        return _departed(_sign_in().begin(pay_no))
    client_ip = _client_ip(request) if way is TradeType.WX_H5 else None
    payer = Payer(channel=channel, trade_type=way, client_ip=client_ip)
    tries = fields.get("tries", "")
    deadline = Deadline.after(SECONDS_ON_PLATFORMS)
    return opened(pay_no, payer, deadline, int(tries) if tries in set("0123456789") else 0)


@pay_pages.route("/wechat/oauth", methods=["GET"])
@errors_are_pages
def wechat_oauth() -> Response:
    """Where WeChat sends a payer back who is inside WeChat: open the attempt for who that is.

    Does nothing but for the browser that began it: scanners have no ticket.
    """
    request = pay_pages.current_request
    query = query_of(request)
    ticket = _sign_in().ticket(request.headers.get("cookie", ""), query.get("state", ""))
    try:
        return _arrived(ticket, query.get("code", ""))
    except AppError as error:
        return refusal(error, ways_on(ticket.pay_no).cashier_url)


@pay_pages.route("/alipayreturn", methods=["GET"])
@errors_are_pages
def alipay_return() -> Response:
    """Send the payer from Alipay to the result page; decides nothing, whatever it says.

    Alipay has just signed for the number, so the payer gets a signature of ours to read the
    result with.
    """
    about = wiring.alipay().parse_return(query_of(pay_pages.current_request))
    return redirect(ways_on(about.pay_no).result_url, 302)


def _arrived(ticket: OAuthTicket, code: str) -> Response:
    _refuse_unless_payable(ticket.pay_no)
    deadline = Deadline.after(SECONDS_ON_PLATFORMS)
    arrival = _sign_in().arrive(ticket, code, deadline)
    match arrival:
        case SignedIn(openid):
            payer = Payer(channel=PayChannel.WECHAT, trade_type=TradeType.WX_JSAPI, openid=openid)
            return opened(ticket.pay_no, payer, deadline)
        case Departure():
            return _departed(arrival)
        case NotSignedIn():
            cashier_url = ways_on(ticket.pay_no).cashier_url
            text = "没有获得微信授权，无法使用微信支付。您可以返回收银台重试"
            return page_answer(message_page("支付提示", text, cashier_url=cashier_url))


def _departed(departure: Departure) -> Response:
    return redirect(departure.location, 303, departure.set_cookie)


def _sign_in() -> WeChatSignIn:
    base = settings().require("public_base_url")
    tickets = OAuthTickets(wiring.links(), wiring.clock(), base)
    return WeChatSignIn(wiring.wechat_oauth(), tickets, _is_first_use)


def _is_first_use(state: str) -> bool:
    now = wiring.clock().now()
    return wiring.order_store().use_once(f"oauth#{state}", now + TICKET_LIFE, now)


def _refuse_unless_payable(pay_no: PayNo) -> None:
    """Say it before WeChat is asked who the payer is; `opened` decides."""
    counter = wiring.cashier().show(pay_no)
    now = wiring.clock().now()
    if cashier_state(counter, now) is CashierState.PAID:
        raise OrderAlreadyPaid
    if not counter.payable(now):
        raise OrderNotPayable


def _browser(request: Request) -> Browser:
    return browser_of(request.headers.get("user-agent", ""))


def _client_ip(request: Request) -> str:
    """The payer's address as the gateway saw it; a header of the client could say anything.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    """
    text = str(request.context.get("identity", {}).get("sourceIp", ""))
    try:
        return str(ip_address(text))
    except ValueError:
        raise AppError(detail="the gateway tells no address of the client") from None


def _channel(code: str) -> PayChannel:
    try:
        channel = PayChannel(code)
    except ValueError:
        raise InvalidRequest("不支持的支付方式", detail=f"channel {code[:64]!r}") from None
    if channel not in wiring.channels():
        raise InvalidRequest("暂不支持该支付方式", detail=f"channel {channel.name} is not served")
    return channel
