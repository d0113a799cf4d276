"""Pages as HTTP answers; errors are pages too, because a person reads them.

What Chalice refuses before a view runs (another content type) stays JSON.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from chalice.app import Response

from chalicelib.errors import AppError
from chalicelib.observability import logger
from chalicelib.orders.pages.layout import Page, message_page


def errors_are_pages(view: Callable[[], Response]) -> Callable[[], Response]:
    """A view whose errors, foreseen or not, are pages."""

    @functools.wraps(view)
    def answered() -> Response:
        try:
            return view()
        except AppError as error:
            return refusal(error)
        except Exception:  # noqa: BLE001  a person reads our answer, whatever went wrong
            logger.exception("unforeseen error on a page")
            return refusal(AppError())

    return answered


def page_answer(page: Page, status: int = 200) -> Response:
    """The answer that carries ``page``."""
    return Response(body=page.html, status_code=status, headers=dict(page.headers))


def refusal(error: AppError, cashier_url: str = "") -> Response:
    """The page that says why not, with a way back to the cashier if there is one."""
    logger.warning("refused", code=error.code, detail=error.detail)
    page = message_page("支付提示", error.message, cashier_url=cashier_url)
    return with_retry_after(page_answer(page, error.http_status), error)


def with_retry_after(response: Response, error: AppError) -> Response:
    """``response``, saying when to ask again if ``error`` does."""
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def redirect(location: str, status: int, set_cookie: str = "") -> Response:
    """Send the browser to ``location``; 303 turns a POST into a GET."""
    headers: dict[str, str | list[str]] = {"Location": location, "Cache-Control": "no-store"}
    if set_cookie:
        headers["Set-Cookie"] = set_cookie
    return Response(body="", status_code=status, headers=headers)
