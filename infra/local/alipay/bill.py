"""The trade bill of one Beijing day (交易账单): a zip with two GBK tables, details and summary.

Payments count on the day of payment, refunds on the day of the refund and below zero. Lines that
are no data begin with ``#``; ids end in a tab, so that spreadsheets leave their digits alone.
https://opendocs.alipay.com/open/00f7nh names the columns.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib.clock import BEIJING, to_beijing_text
from chalicelib.money import Fen, fen_to_yuan_text
from infra.local.alipay.buyer import TEST_BUYER
from infra.local.alipay.trade import Trade

_DETAIL_HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
_SUM_HEADER = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,"
    "支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)
_NOTHING = "0.00"


@dataclass(frozen=True, slots=True)
class Line:
    """One payment, or one refund with its number; ``amount`` of a refund is below zero."""

    trade: Trade
    amount: int
    done_at: datetime
    refund_no: str = ""

    @property
    def is_refund(self) -> bool:
        """Whether the money went back."""
        return self.amount < 0

    def cells(self) -> list[str]:
        """The columns of the details."""
        offer = self.trade.offer
        amount = _yuan(self.amount)
        return [
            f"{self.trade.trade_no}\t",
            f"{offer.out_trade_no}\t",
            "退款\t" if self.is_refund else "交易\t",
            offer.subject,
            to_beijing_text(self.trade.gmt_create),
            to_beijing_text(self.done_at),
            *("\t",) * 4,
            f"{TEST_BUYER.shown_logon_id}\t",
            amount,
            amount,
            *(_NOTHING,) * 5,
            "",
            f"{_NOTHING}\t",
            _NOTHING,
            f"{self.refund_no}\t",
            _NOTHING,
            _NOTHING,
            offer.body or "",
        ]


def lines_of(trades: Iterable[Trade], day: date) -> list[Line]:
    """What happened on a Beijing day, in its order."""
    lines = []
    for trade in trades:
        if trade.gmt_payment is not None:
            lines.append(Line(trade, trade.total, trade.gmt_payment))
        for refund in trade.refunds:
            lines.append(Line(trade, -refund.amount, refund.gmt_refund, refund.out_biz_no))
    on_the_day = (line for line in lines if beijing_day(line.done_at) == day)
    return sorted(on_the_day, key=lambda line: line.done_at)


def bill(lines: Sequence[Line], seller_id: str, day: date, now: datetime) -> bytes:
    """The zip of a day."""
    account = f"{seller_id}0156"
    head = [f"#账号：[{account}]", f"#起始日期：[{_midnight(day)}]   终止日期：[{_next(day)}]"]
    made = f"#导出时间：[{now.astimezone(BEIJING):%Y年%m月%d日 %H:%M:%S}]"
    details = [
        "#支付宝业务明细查询",
        *head,
        f"#{'-' * 41}业务明细列表{'-' * 40}",
        *_table(_DETAIL_HEADER, [line.cells() for line in lines]),
        f"#{'-' * 41}业务明细列表结束{'-' * 36}",
        *_totals(lines),
        made,
    ]
    summary = [
        "#支付宝业务汇总查询",
        *head,
        f"#{'-' * 41}业务汇总列表{'-' * 40}",
        *_table(_SUM_HEADER, [_sum_cells(lines)]),
        f"#{'-' * 40}业务汇总列表结束{'-' * 37}",
        made,
    ]
    name = f"{account}_{day:%Y%m%d}_业务明细"
    return _zip({f"{name}.csv": details, f"{name}(汇总).csv": summary})


def beijing_day(moment: datetime) -> date:
    """The day on which it happened in Beijing."""
    return moment.astimezone(BEIJING).date()


def _totals(lines: Sequence[Line]) -> list[str]:
    back = [line.amount for line in lines if line.is_refund]
    paid = [line.amount for line in lines if not line.is_refund]
    return [
        f"#交易合计：{len(paid)}笔，商家实收共{_yuan(sum(paid))}元，商家优惠共{_NOTHING}元",
        f"#退款合计：{len(back)}笔，商家实收退款共{_yuan(sum(back))}元，商家优惠退款共{_NOTHING}元",
    ]


def _sum_cells(lines: Sequence[Line]) -> list[str]:
    back = sum(line.is_refund for line in lines)
    net = _yuan(sum(line.amount for line in lines))
    counts = [str(len(lines) - back), str(back)]
    return ["合计\t", "\t", *counts, net, net, *(_NOTHING,) * 5, net]


def _table(header: str, rows: Sequence[Sequence[str]]) -> list[str]:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return [header, *text.getvalue().splitlines()]


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{fen_to_yuan_text(Fen(abs(fen)))}"


def _midnight(day: date) -> str:
    return f"{day:%Y年%m月%d日} 00:00:00"


def _next(day: date) -> str:
    return _midnight(day + timedelta(days=1))


class _GbkName(zipfile.ZipInfo):
    """A member whose name is GBK and not marked as UTF-8, as the platform writes it."""

    __slots__ = ()

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802  zipfile asks for it
        return self.filename.encode("gbk"), self.flag_bits


def _zip(tables: dict[str, list[str]]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in tables.items():
            text = "".join(f"{line}\r\n" for line in lines)
            member = _GbkName(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, text.encode("gbk", "replace"))
    return raw.getvalue()
