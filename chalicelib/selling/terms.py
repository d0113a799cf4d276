"""On which terms goods can be chosen today. A price is never guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chalicelib.errors import NotForSale
from chalicelib.money import NO_MONEY, Fen
from chalicelib.selling.codes import Charge, ChooseType, PublishStatus


class Priced(Protocol):
    """A catalogue entry: what it says of its price. A missing price or charge is None."""

    @property
    def charge(self) -> Charge | None:
        """Whether it costs money."""
        ...

    @property
    def price_fen(self) -> Fen | None:
        """What it costs."""
        ...

    @property
    def publish_status(self) -> PublishStatus:
        """Whether it can be chosen."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What choosing costs; nothing when it is free."""

    choose_type: ChooseType
    price_fen: Fen


def terms_of(goods: Priced, *, called: str) -> Terms:
    """The terms of ``goods``.

    Parameters
    ----------
    called
        What a student calls such goods, for the message of a refusal (课程, 资料).

    Raises
    ------
    NotForSale
        Unpublished or offline, without a charge, or paid without a price that is fit for sale;
        the message says which.
    """
    if goods.publish_status is PublishStatus.UNPUBLISHED:
        raise refused(goods, f"{called}尚未发布，暂不可选购")
    if goods.publish_status is PublishStatus.OFFLINE:
        raise refused(goods, f"{called}已下线，暂不可选购")
    if goods.charge is None:
        raise refused(goods, f"{called}未设置收费规则，暂不可选购")
    if goods.charge is Charge.FREE:
        return Terms(choose_type=ChooseType.FREE, price_fen=NO_MONEY)
    if goods.price_fen is None:
        raise refused(goods, f"收费{called}未设置价格，暂不可购买")
    if goods.price_fen <= 0:
        raise refused(goods, f"收费{called}价格设置有误，暂不可购买")
    return Terms(choose_type=ChooseType.PAID, price_fen=goods.price_fen)


def refused(goods: Priced, message: str) -> NotForSale:
    """The refusal of ``goods`` with the whole entry for the log."""
    return NotForSale(message, detail=str(goods))
