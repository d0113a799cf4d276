"""A JSON file with one list of goods, checked as a whole before anything of it is stored.

What is wrong with it is told entry by entry and field by field, all at once, in English.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import msgspec

from chalicelib.money import Fen, yuan_text_to_fen
from chalicelib.selling.codes import PLAIN_ID, Charge, PublishStatus

MAX_PRICE_FEN = Fen(100_000_000_00)
"""Alipay takes 0.01 to 100000000 yuan: https://opendocs.alipay.com/open/02ivbs (total_amount)."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]

_File = TypeVar("_File")
_Goods = TypeVar("_Goods")


class CatalogueError(ValueError):
    """The file cannot be imported; ``problems`` has one English line for each reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was imported; ``not_for_sale`` tells by id why goods cannot be chosen now."""

    imported: int
    not_for_sale: Mapping[str, str] = field(default_factory=dict)


class GoodsEntry(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """What every entry says of its goods, whatever they are."""

    id: Annotated[str, msgspec.Meta(pattern=PLAIN_ID)]
    company_id: Text
    name: Text
    status: PublishStatus
    charge: Charge | None = None
    price: str | None = None

    def price_fen(self) -> Fen | None:
        """The price, if there is one.

        Raises
        ------
        ValueError
            It is no amount in yuan, or more than the platforms take.
        """
        if self.price is None:
            return None
        try:
            price = yuan_text_to_fen(self.price)
        except ValueError as error:
            raise ValueError(f"{error} - at `$.price`") from error
        if price > MAX_PRICE_FEN:
            raise ValueError(f"more than 100 million yuan: {self.price!r} - at `$.price`")
        return price


class _Named(msgspec.Struct):
    id: object = None


def entries_of(text: bytes, form: type[_File]) -> _File:
    """The file as ``form``, whose list is of ``msgspec.Raw``: entries are read one by one.

    Raises
    ------
    CatalogueError
        It is no such file.
    """
    try:
        return msgspec.json.decode(text, type=form)
    except msgspec.DecodeError as error:
        raise CatalogueError([f"not a catalogue: {error}"]) from error


def checked(
    entries: Sequence[msgspec.Raw], read: Callable[[msgspec.Raw], tuple[str, _Goods]]
) -> tuple[_Goods, ...]:
    """The goods of all entries, by ``read``, which tells their id too.

    Raises
    ------
    CatalogueError
        Something is wrong: ``read`` raised a ValueError, or an id comes twice. Each problem names
        the entry.
    """
    goods: dict[str, _Goods] = {}
    problems: list[str] = []
    for number, raw in enumerate(entries, start=1):
        try:
            goods_id, one = read(raw)
        except ValueError as error:
            problems.append(f"{_label(number, raw)}: {error}")
            continue
        if goods_id in goods:
            problems.append(f"{_label(number, raw)}: the id comes twice")
        goods[goods_id] = one
    if problems:
        raise CatalogueError(problems)
    return tuple(goods.values())


def _label(number: int, raw: msgspec.Raw) -> str:
    try:
        goods_id = msgspec.json.decode(raw, type=_Named).id
    except msgspec.DecodeError:
        goods_id = None
    return f"entry {number}" + (f" (id {goods_id!r})" if goods_id is not None else "")
