"""What a purchase needs of a platform: somebody who pays there, and what its simulator saw."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

import httpx

from infra.local.purchase.browser import PayerError
from infra.local.purchase.html_forms import Page


@dataclass(frozen=True, slots=True)
class SeenTrade:
    """A trade at the platform; ``state`` is its own word for the state. Amounts are in fen."""

    trade_no: str
    state: str
    amount_fen: int
    refunded_fen: int


@dataclass(frozen=True, slots=True)
class SeenDelivery:
    """One attempt to deliver a notification that reached us."""

    notify_id: str
    status: int
    answer: str
    is_accepted: bool


class WayToPay(Protocol):
    """A payer at one platform. Every step may raise `PayerError`."""

    platform: str
    """Its name."""
    open_state: str
    """How it calls a trade that waits for the payer."""
    paid_state: str
    """How it calls a trade that is paid."""

    def arrive(self, link: str) -> None:
        """From the link of the QR code to where the platform asks for the payment."""
        ...

    def pay(self) -> None:
        """Pay there."""
        ...

    def come_back(self, seconds: float) -> Page:
        """Let the browser go on to the result page, in ``seconds`` at most."""
        ...

    def trade(self, pay_no: str) -> SeenTrade:
        """What the platform knows of an attempt."""
        ...

    def payment_news(self, pay_no: str) -> list[SeenDelivery]:
        """The notifications of its payment, as far as they reached us, oldest first."""
        ...

    def close(self) -> None:
        """Close the browser."""
        ...


class Simulator:
    """What both simulators show behind the platform's back, under ``/_control``."""

    def __init__(self, platform: str, url: str) -> None:
        self._platform = platform
        self._http = httpx.Client(base_url=f"{url}/_control", timeout=10, trust_env=False)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def trade(self, pay_no: str) -> dict[str, Any]:
        """A trade with its notifications.

        Raises
        ------
        PayerError
            The platform does not know it, or nobody answers.
        """
        try:
            answer = self._http.get(f"/trades/{pay_no}")
            trade: dict[str, Any] = answer.raise_for_status().json()
        except httpx.HTTPError as error:
            raise PayerError(
                f"look at {self._platform}", f"no trade {pay_no} there: {error!r}"
            ) from error
        return trade


def deliveries(notification: dict[str, Any], notify_id: str) -> list[SeenDelivery]:
    """Those attempts that reached us: one that was lost on the way has no status."""
    return [
        SeenDelivery(notify_id, tried["status"], tried["answer"], tried["is_accepted"])
        for tried in notification["deliveries"]
        if tried["status"] is not None
    ]
