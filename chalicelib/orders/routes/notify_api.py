"""Where the platforms notify us. What each answer means to them decides what is answered.

Alipay reads the body: exactly ``success`` ends its repetitions, anything else asks for more.
Source: https://opendocs.alipay.com/open/203/105286

WeChat reads the status: 200 or 204 ends its repetitions, whatever the body says; 4xx and 5xx ask
for more. Source: https://pay.weixin.qq.com/doc/v3/merchant/4012791861
"""

from __future__ import annotations

from chalice.app import Response

from chalicelib import wiring
from chalicelib.deadline import Deadline, within
from chalicelib.errors import AppError
from chalicelib.http import Api, utf8_body
from chalicelib.observability import count, logger
from chalicelib.orders.model import PayChannel

notifications = Api(__name__)

_SECONDS_A_NOTIFY = 4  # WeChat waits five; Alipay does not say
_TEXT: dict[str, str | list[str]] = {"Content-Type": "text/plain; charset=utf-8"}


# A content type that is not named here the framework refuses, unread and without a trace (415).
# Alipay signs the fields of a form, so nothing but a form can be Alipay's. WeChat signs the bytes
# of its body, whatever they are called: any type is let in there, and the signature decides.
@notifications.route(
    "/receivenotify", methods=["POST"], content_types=["application/x-www-form-urlencoded"]
)
def alipay_notify() -> Response:
    """Step 5 and 6: ``success`` once the verdict is stored, ``fail`` otherwise."""
    error = _received(PayChannel.ALIPAY)
    if error is not None:
        return Response(body="fail", status_code=error.http_status, headers=_TEXT)
    return Response(body="success", status_code=200, headers=_TEXT)


@notifications.route("/notify/wechat", methods=["POST"], content_types=["*/*"])
def wechat_notify() -> Response:
    """Step 5 and 6, payments and refunds: 204 once the verdict is stored, an error otherwise."""
    error = _received(PayChannel.WECHAT)
    if error is not None:
        # why is nobody's business who cannot read our log
        return Response({"code": "FAIL", "message": "失败"}, status_code=error.http_status)
    return Response(body="", status_code=204)


def _received(channel: PayChannel) -> AppError | None:
    """Settle the notification that came; None when the platform shall stop sending it."""
    request = notifications.current_request
    try:
        with within(Deadline.after(_SECONDS_A_NOTIFY)):
            settlement = wiring.payment_results().receive_notify(
                channel, request.headers, utf8_body(request)
            )
    except AppError as error:
        logger.warning("notify refused", channel=channel.name, code=error.code, detail=error.detail)
        return error
    except Exception:  # noqa: BLE001  a platform reads our answer, whatever went wrong
        logger.exception("unforeseen error in a notify", channel=channel.name)
        count("NotifiesUnusable")
        return AppError()
    logger.info("notify", channel=channel.name, settlement=type(settlement).__name__)
    return None
