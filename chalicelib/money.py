"""Money is an integer number of fen; yuan text exists only at the edges."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NewType

Fen = NewType("Fen", int)
"""An amount in fen, 1/100 yuan."""

NO_MONEY = Fen(0)

_YUAN_TEXT = re.compile(r"[0-9]{1,11}(\.[0-9]{1,2})?", re.ASCII)


def fen_to_yuan_text(amount: Fen) -> str:
    """``990`` fen are ``"9.90"``: two decimals always, as both platforms' examples write it."""
    if amount < 0:
        raise ValueError(f"negative amount: {amount} fen")
    return f"{amount // 100}.{amount % 100:02d}"


def yuan_text_to_fen(text: str) -> Fen:
    """Read a platform's amount: ``"20"``, ``"0.1"`` and ``"0.10"`` are all exact.

    Raises
    ------
    ValueError
        The text is not a plain decimal number of yuan with at most two decimals.
    """
    if _YUAN_TEXT.fullmatch(text) is None:
        raise ValueError(f"not an amount in yuan: {text!r}")
    return Fen(int(Decimal(text) * 100))
