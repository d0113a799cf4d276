"""Where the platforms notify us. What each answer means to them decides what is answered.

Alipay reads the body: exactly ``success`` ends its repetitions, anything else asks for more.
Source: https://opendocs.alipay.com/open/203/105286
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


@notifications.route(
    "/receivenotify", methods=["POST"], content_types=["application/x-www-form-urlencoded"]
)
def alipay_notify() -> Response:
    """Step 5 and 6: ``success`` once the verdict is stored, ``fail`` otherwise."""
    request = notifications.current_request
    try:
        with within(Deadline.after(_SECONDS_A_NOTIFY)):
            settlement = wiring.payment_results().receive_notify(
                PayChannel.ALIPAY, request.headers, utf8_body(request)
            )
    except AppError as error:
        logger.warning("alipay notify refused", code=error.code, detail=error.detail)
        return Response(body="fail", status_code=error.http_status, headers=_TEXT)
    except Exception:  # noqa: BLE001  a platform reads our answer, whatever went wrong
        logger.exception("unforeseen error in a notify")
        count("NotifiesUnusable")
        return Response(body="fail", status_code=500, headers=_TEXT)
    logger.info("alipay notify", settlement=type(settlement).__name__)
    return Response(body="success", status_code=200, headers=_TEXT)
