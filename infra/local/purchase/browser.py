"""A browser without a screen: it opens pages, submits their forms, and keeps cookies.

Who uses it names each step; a step that does not lead where it should raises `PayerError`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import httpx

from infra.local.purchase.html_forms import Form, Page, read_page

_ON_A_PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
MOBILE = f"{_ON_A_PHONE} Chrome/130.0.0.0 Mobile Safari/537.36"
INSIDE_WECHAT = f"{_ON_A_PHONE} Version/4.0 Chrome/130.0.0.0 Mobile MicroMessenger/8.0.50.2701"
INSIDE_ALIPAY = f"{_ON_A_PHONE} Version/4.0 Chrome/130.0.0.0 Mobile AlipayClient/10.6.80.8000"
"""What browsers say of themselves, as far as it decides what they are offered."""

_HEADERS = {
    "Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9",
}
_TIMEOUT_SECONDS = 30.0
_SHOWN_CHARACTERS = 300


class PayerError(Exception):
    """A step did not lead where it should; says which step, and what came instead."""

    def __init__(self, step: str, came_instead: str) -> None:
        self.step = step
        self.came_instead = came_instead
        super().__init__(f"{step}: {came_instead}")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of the browser, redirects included, and how long the answer took."""

    step: str
    url: str
    status: int
    seconds: float


class Browser:
    """One person's browser; ``visits`` records what happened so far."""

    def __init__(self, user_agent: str = MOBILE) -> None:
        self._http = httpx.Client(
            headers={**_HEADERS, "User-Agent": user_agent},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            event_hooks={"request": [_without_a_body_no_type]},
        )
        self.visits: list[Visit] = []

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the browser."""
        self._http.close()

    def open(self, step: str, url: str) -> Page:
        """Open a page and follow redirects.

        Raises
        ------
        PayerError
            It ends at something else than a page.
        """
        return self._page(step, self._send(step, "GET", url))

    def submit(self, step: str, form: Form, values: Mapping[str, str]) -> Page:
        """Submit a form with ``values`` typed in, chosen or pressed, and follow redirects.

        Raises
        ------
        PayerError
            It ends at something else than a page.
        """
        return self._page(step, self._submitted(step, form, values))

    def submit_and_stop(self, step: str, form: Form, values: Mapping[str, str]) -> str:
        """Submit a form; where it redirects to, which is not opened.

        Raises
        ------
        PayerError
            It does not redirect.
        """
        answer = self._submitted(step, form, values, follow_redirects=False)
        location = answer.headers.get("Location", "")
        if not answer.is_redirect or not location:
            raise PayerError(step, seen(self._page(step, answer)))
        return str(answer.url.join(location))

    def ask(self, step: str, method: str, url: str, content: str | None = None) -> Any:
        """Do what a script of a page does: the JSON that answers.

        Raises
        ------
        PayerError
            The answer is not 200, or no JSON.
        """
        answer = self._send(step, method, url, content=content, content_type="text/plain")
        try:
            return answer.raise_for_status().json()
        except (httpx.HTTPStatusError, ValueError) as error:
            raise PayerError(step, _shown(answer)) from error

    def _submitted(
        self, step: str, form: Form, values: Mapping[str, str], *, follow_redirects: bool = True
    ) -> httpx.Response:
        content = urlencode(form.filled(values))
        if form.method == "get":
            url = str(httpx.URL(form.action).copy_with(query=content.encode()))
            return self._send(step, "GET", url, follow_redirects=follow_redirects)
        return self._send(
            step, "POST", form.action, content=content, follow_redirects=follow_redirects
        )

    def _send(
        self,
        step: str,
        method: str,
        url: str,
        *,
        content: str | None = None,
        content_type: str = "application/x-www-form-urlencoded",
        follow_redirects: bool = True,
    ) -> httpx.Response:
        headers = {} if content is None else {"Content-Type": content_type}
        started = time.monotonic()
        try:
            answer = self._http.request(
                method, url, content=content, headers=headers, follow_redirects=follow_redirects
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PayerError(step, f"no answer from {url}: {error!r}") from error
        seconds = time.monotonic() - started
        self.visits.append(Visit(step, str(answer.url), answer.status_code, seconds))
        return answer

    def _page(self, step: str, answer: httpx.Response) -> Page:
        is_page = answer.headers.get("Content-Type", "").startswith("text/html")
        if answer.status_code != httpx.codes.OK or not is_page:
            raise PayerError(step, _shown(answer))
        return read_page(str(answer.url), answer.text)


def form_of(step: str, page: Page, *names: str) -> Form:
    """The form of ``page`` that has all these fields or buttons.

    Raises
    ------
    PayerError
        There is none.
    """
    form = page.form_with(*names)
    if form is None:
        raise PayerError(step, seen(page))
    return form


def seen(page: Page) -> str:
    """What came instead, for a person."""
    return f"the page {page.title!r} at {page.url}: {page.text[:_SHOWN_CHARACTERS]}"


def _without_a_body_no_type(request: httpx.Request) -> None:
    """A browser that turns a POST into a GET forgets the type of the body; httpx remembers it."""
    if request.method == "GET":
        request.headers.pop("Content-Type", None)


def _shown(answer: httpx.Response) -> str:
    content_type = answer.headers.get("Content-Type", "")
    text = answer.text
    if content_type.startswith("text/html"):
        text = read_page(str(answer.url), text).text
    return f"{answer.status_code} {content_type} from {answer.url}: {text[:_SHOWN_CHARACTERS]}"
