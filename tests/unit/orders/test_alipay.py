"""Alipay as a channel: freezing a request, presenting it, reading a notify and a return."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from chalicelib.errors import NotifyRejected, NotifyUnusable
from chalicelib.money import Fen
from chalicelib.orders.model import (
    ClosedUnpaid,
    Paid,
    PayChannel,
    PayNo,
    PayRecord,
    StillOpen,
    TradeType,
    Unknown,
)
from chalicelib.orders.ports import PaymentChannel
from chalicelib.settings import SettingsError
from tests.builders import (
    APP_ID,
    PAY_NO,
    SELLER_ID,
    AlipayPeer,
    a_pay_record,
    alipay_peer,
    an_alipay_channel,
    public_pem,
)
from tests.fakes.clock import START, FakeClock

PAID_AT = datetime(2026, 3, 1, 4, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def channel() -> PaymentChannel:
    return an_alipay_channel()


@pytest.fixture
def peer() -> AlipayPeer:
    return alipay_peer()


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def frozen(channel: PaymentChannel, record: PayRecord) -> PayRecord:
    opening = channel.freeze(record, START)
    return replace(
        record,
        channel=PayChannel.ALIPAY,
        trade_type=opening.trade_type,
        app_id=opening.app_id,
        merchant_id=opening.merchant_id,
        request=opening.request,
    )


def request_of(channel: PaymentChannel, record: PayRecord) -> dict[str, str]:
    pairs = parse_qsl(
        channel.freeze(record, START).request, keep_blank_values=True, strict_parsing=True
    )
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


class TestFreezing:
    def test_an_opening_names_who_is_paid(self, channel: PaymentChannel) -> None:
        opening = channel.freeze(a_pay_record(), START)

        assert opening.trade_type is TradeType.ALI_WAP
        assert (opening.app_id, opening.merchant_id) == (APP_ID, SELLER_ID)

    def test_the_request_is_signed_by_our_app(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        assert peer.merchant_signed(request_of(channel, a_pay_record()))

    def test_the_request_says_what_is_paid(self, channel: PaymentChannel) -> None:
        fields = request_of(channel, a_pay_record())

        assert fields["method"] == "alipay.trade.wap.pay"
        assert fields["charset"] == "utf-8"
        assert fields["notify_url"] == "https://pay.example/orders/receivenotify"
        assert fields["return_url"] == "https://pay.example/orders/alipayreturn"
        assert json.loads(fields["biz_content"]) == {
            "subject": "Java 编程思想",
            "out_trade_no": PAY_NO,
            "total_amount": "9.90",
            "product_code": "QUICK_WAP_WAY",
            "time_expire": "2026-03-01 12:30:00",
        }

    def test_times_are_beijing_time_wherever_the_machine_is(
        self, channel: PaymentChannel, in_new_york: None
    ) -> None:
        fields = request_of(channel, a_pay_record())

        assert fields["timestamp"] == "2026-03-01 12:00:00"
        assert json.loads(fields["biz_content"])["time_expire"] == "2026-03-01 12:30:00"

    @pytest.mark.parametrize(
        ("fen", "yuan"), [(1, "0.01"), (30, "0.30"), (2000, "20.00"), (12_345_678, "123456.78")]
    )
    def test_the_amount_is_text_with_two_decimals(
        self, channel: PaymentChannel, fen: int, yuan: str
    ) -> None:
        content = request_of(channel, a_pay_record(amount_fen=Fen(fen)))["biz_content"]

        assert f'"total_amount":"{yuan}"' in content

    @pytest.mark.parametrize(
        ("title", "subject"),
        [
            ("C/C++ 入门 = 基础 & 提高", "C／C++ 入门 ＝ 基础 ＆ 提高"),
            ("第一行\n第二行\t\x00\u2028完", "第一行 第二行 完"),
            ("坏\ud800字", "坏 字"),
            ("长" * 300, "长" * 256),
            (" \n ", "订单"),
        ],
    )
    def test_the_subject_has_nothing_that_alipay_refuses(
        self, channel: PaymentChannel, peer: AlipayPeer, title: str, subject: str
    ) -> None:
        fields = request_of(channel, a_pay_record(subject=title))

        assert json.loads(fields["biz_content"])["subject"] == subject
        assert peer.merchant_signed(fields)

    def test_a_quit_url_is_sent_when_there_is_one(self) -> None:
        channel = an_alipay_channel(quit_url="https://h5.example/")

        content = json.loads(request_of(channel, a_pay_record())["biz_content"])

        assert content["quit_url"] == "https://h5.example/"

    def test_a_key_that_is_none_is_named_but_not_shown(self) -> None:
        with pytest.raises(SettingsError, match="alipay_app_private_key") as caught:
            an_alipay_channel(app_private_key="MIIEverysecret")

        assert "MIIEverysecret" not in str(caught.value)


class TestPresenting:
    def test_a_frozen_attempt_is_presented_alike_each_time(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        record = frozen(channel, a_pay_record(subject="空 格+加号%20"))

        form = channel.present(record)

        assert (
            form == channel.present(record) == an_alipay_channel(clock=FakeClock()).present(record)
        )
        assert form.action == "https://openapi.example/gateway.do?charset=utf-8"
        assert urlencode(form.fields) == record.request
        assert peer.merchant_signed(dict(form.fields))

    def test_an_attempt_that_was_never_frozen_cannot_be_presented(
        self, channel: PaymentChannel
    ) -> None:
        with pytest.raises(ValueError, match="never frozen"):
            channel.present(a_pay_record())


class TestNotify:
    def test_a_payment_is_read(self, channel: PaymentChannel, peer: AlipayPeer) -> None:
        notify = channel.parse_notify({}, peer.notify())

        assert notify.pay_no == PAY_NO
        assert notify.notify_id == "2026030100222120105031021421880567"
        assert notify.verdict == Paid(
            channel_trade_no="2026030122001431021421880567",
            amount_fen=Fen(990),
            paid_at=PAID_AT,
        )

    def test_the_time_of_payment_is_beijing_time_wherever_the_machine_is(
        self, channel: PaymentChannel, peer: AlipayPeer, in_new_york: None
    ) -> None:
        verdict = channel.parse_notify({}, peer.notify()).verdict

        assert isinstance(verdict, Paid)
        assert verdict.paid_at == PAID_AT

    @pytest.mark.parametrize(
        "text", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "2019-12-31 00:00:00"]
    )
    def test_a_time_that_cannot_be_true_is_unreadable(
        self, channel: PaymentChannel, peer: AlipayPeer, text: str
    ) -> None:
        with pytest.raises(NotifyUnusable):
            channel.parse_notify({}, peer.notify(gmt_payment=text))

    @pytest.mark.parametrize(
        ("changes", "refunded"),
        [
            ({"trade_status": "TRADE_FINISHED"}, 0),
            ({"refund_fee": ""}, 0),
            ({"refund_fee": "0.00", "gmt_refund": "2026-03-01 12:05:00.320"}, 0),
            ({"refund_fee": "4.5", "gmt_refund": "2026-03-01 12:05:00.320"}, 450),
            ({"trade_status": "TRADE_CLOSED", "refund_fee": "9.90"}, 990),
            ({"trade_status": "TRADE_CLOSED"}, 990),
            ({"trade_status": "TRADE_CLOSED", "refund_fee": "4.50"}, 990),
        ],
    )
    def test_money_that_went_back_is_told(
        self, channel: PaymentChannel, peer: AlipayPeer, changes: dict[str, str], refunded: int
    ) -> None:
        verdict = channel.parse_notify({}, peer.notify(**changes)).verdict

        assert verdict == Paid(
            channel_trade_no="2026030122001431021421880567",
            amount_fen=Fen(990),
            paid_at=PAID_AT,
            refunded_fen=Fen(refunded),
        )

    @pytest.mark.parametrize(
        "changes", [{"gmt_refund": "2026-03-01 12:05:00.320"}, {"refund_fee": "9.90"}]
    )
    def test_a_closed_trade_with_a_refund_was_paid(
        self, channel: PaymentChannel, peer: AlipayPeer, changes: dict[str, str]
    ) -> None:
        body = peer.notify(trade_status="TRADE_CLOSED", without=("gmt_payment",), **changes)

        verdict = channel.parse_notify({}, body).verdict

        assert isinstance(verdict, Paid)
        assert verdict.refunded_fen == Fen(990)
        assert PAID_AT < verdict.paid_at <= PAID_AT + timedelta(minutes=5)

    def test_a_closed_trade_without_any_payment_is_closed_unpaid(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        body = peer.notify(
            trade_status="TRADE_CLOSED",
            without=("gmt_payment",),
            gmt_close="2026-03-01 12:30:00",
        )

        assert channel.parse_notify({}, body).verdict == ClosedUnpaid()

    def test_a_trade_that_waits_for_its_payer_is_still_open(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        body = peer.notify(trade_status="WAIT_BUYER_PAY", without=("gmt_payment",))

        assert channel.parse_notify({}, body).verdict == StillOpen()

    def test_a_status_that_nobody_knows_is_no_verdict(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        verdict = channel.parse_notify({}, peer.notify(trade_status="TRADE_PENDING")).verdict

        assert isinstance(verdict, Unknown)
        assert "TRADE_PENDING" in verdict.reason

    @pytest.mark.parametrize(("text", "fen"), [("0.1", 10), ("0.10", 10), ("20", 2000)])
    def test_an_amount_counts_by_its_value_and_verifies_by_its_spelling(
        self, channel: PaymentChannel, peer: AlipayPeer, text: str, fen: int
    ) -> None:
        verdict = channel.parse_notify({}, peer.notify(total_amount=text)).verdict

        assert isinstance(verdict, Paid)
        assert verdict.amount_fen == Fen(fen)

    def test_blank_values_belong_to_the_signed_text(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        assert b"body=&" in peer.notify(body="")

        assert channel.parse_notify({}, peer.notify(body="")).pay_no == PAY_NO

    def test_reading_twice_reads_the_same(self, channel: PaymentChannel, peer: AlipayPeer) -> None:
        body = peer.notify()

        assert channel.parse_notify({}, body) == channel.parse_notify({}, body)

    @pytest.mark.parametrize(
        "name", ["trade_status", "trade_no", "out_trade_no", "total_amount", "notify_id"]
    )
    @pytest.mark.parametrize("status", ["TRADE_SUCCESS", "WAIT_BUYER_PAY", "TRADE_PENDING"])
    def test_a_required_field_that_is_missing_or_blank_makes_it_unusable(
        self, channel: PaymentChannel, peer: AlipayPeer, name: str, status: str
    ) -> None:
        changes = {"trade_status": status}

        for body in (
            peer.notify(without=(name,), **changes),
            peer.notify(**{**changes, name: ""}),
        ):
            with pytest.raises(NotifyUnusable, match=name):
                channel.parse_notify({}, body)

    @pytest.mark.parametrize("status", ["TRADE_SUCCESS", "TRADE_FINISHED"])
    def test_a_payment_without_its_time_is_unusable(
        self, channel: PaymentChannel, peer: AlipayPeer, status: str
    ) -> None:
        with pytest.raises(NotifyUnusable, match="gmt_payment"):
            channel.parse_notify({}, peer.notify(trade_status=status, without=("gmt_payment",)))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("total_amount", "9.900"),
            ("total_amount", "-9.90"),
            ("total_amount", "9,90"),
            ("total_amount", "NaN"),
            ("refund_fee", "much"),
            ("refund_fee", "9.91"),
            ("gmt_payment", "01/03/2026"),
        ],
    )
    def test_a_field_that_cannot_be_read_makes_it_unusable(
        self, channel: PaymentChannel, peer: AlipayPeer, name: str, value: str
    ) -> None:
        with pytest.raises(NotifyUnusable, match=name):
            channel.parse_notify({}, peer.notify(**{name: value}))


class TestRefusedNotify:
    @pytest.mark.parametrize(
        "name", ["total_amount", "out_trade_no", "trade_status", "app_id", "subject", "body"]
    )
    def test_a_field_that_was_changed_after_signing(
        self, channel: PaymentChannel, peer: AlipayPeer, name: str
    ) -> None:
        fields = peer.notify_fields()
        body = urlencode({**fields, name: fields[name] + "1"}).encode()

        with pytest.raises(NotifyRejected, match="signature"):
            channel.parse_notify({}, body)

    @pytest.mark.parametrize(
        "changed", [{"sign": ""}, {"sign": "=="}, {"sign": "签名"}, {"sign": "AAAA"}]
    )
    def test_a_signature_that_is_none(
        self, channel: PaymentChannel, peer: AlipayPeer, changed: dict[str, str]
    ) -> None:
        body = urlencode({**peer.notify_fields(), **changed}).encode()

        with pytest.raises(NotifyRejected, match="signature"):
            channel.parse_notify({}, body)

    def test_no_signature_at_all(self, channel: PaymentChannel, peer: AlipayPeer) -> None:
        fields = peer.notify_fields()
        del fields["sign"]

        with pytest.raises(NotifyRejected, match="signature"):
            channel.parse_notify({}, urlencode(fields).encode())

    def test_a_signature_by_another_key(self, channel: PaymentChannel) -> None:
        with pytest.raises(NotifyRejected, match="signature"):
            channel.parse_notify({}, AlipayPeer().notify())

    def test_our_own_signature_is_not_alipays(self, peer: AlipayPeer) -> None:
        confused = an_alipay_channel(alipay_public_key=public_pem(peer.app_key))

        with pytest.raises(NotifyRejected, match="signature"):
            confused.parse_notify({}, peer.notify())

    @pytest.mark.parametrize("sign_type", ["RSA", "rsa2", "HMAC", "", None])
    def test_another_sign_type(
        self, channel: PaymentChannel, peer: AlipayPeer, sign_type: str | None
    ) -> None:
        fields = peer.notify_fields()
        del fields["sign_type"]
        if sign_type is not None:
            fields["sign_type"] = sign_type

        with pytest.raises(NotifyRejected, match="sign_type"):
            channel.parse_notify({}, urlencode(fields).encode())

    @pytest.mark.parametrize("name", ["app_id", "seller_id"])
    def test_a_good_signature_for_somebody_else(
        self, channel: PaymentChannel, peer: AlipayPeer, name: str
    ) -> None:
        for body in (
            peer.notify(**{name: "2088999999999999"}),
            peer.notify(**{name: ""}),
            peer.notify(without=(name,)),
        ):
            with pytest.raises(NotifyRejected, match=name):
                channel.parse_notify({}, body)

    def test_a_signed_browser_return_that_is_posted_as_a_notify(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        with pytest.raises(NotifyRejected, match="browser return"):
            channel.parse_notify({}, urlencode(peer.return_query()).encode())

    @pytest.mark.parametrize("charset", ["GBK", "gb2312", "utf-16", ""])
    def test_another_charset(self, channel: PaymentChannel, peer: AlipayPeer, charset: str) -> None:
        with pytest.raises(NotifyRejected, match="charset"):
            channel.parse_notify({}, peer.notify(charset=charset))

    @pytest.mark.parametrize("name", ["total_amount", "sign", "app_id"])
    def test_a_name_that_comes_twice(
        self, channel: PaymentChannel, peer: AlipayPeer, name: str
    ) -> None:
        body = peer.notify()
        again = urlencode({name: dict(parse_qsl(body.decode()))[name]}).encode()

        with pytest.raises(NotifyRejected, match="twice"):
            channel.parse_notify({}, body + b"&" + again)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"trade_status",
            b"a=1&&b=2",
            b"a=%zz",
            b"a=%E4%BD",
            b"a=%",
            "标题=课程".encode("gbk"),
            b"subject=" + "课程".encode("gbk"),
            b'{"trade_status":"TRADE_SUCCESS"}',
            b"\x00\xff",
            b"&".join(b"f%d=1" % number for number in range(1000)),
        ],
    )
    def test_a_body_that_is_no_form_in_utf8(self, channel: PaymentChannel, body: bytes) -> None:
        with pytest.raises(NotifyRejected):
            channel.parse_notify({}, body)

    def test_a_broken_escape_is_refused_even_when_it_was_signed_as_text(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        body = peer.notify(subject="100%ok").replace(b"100%25ok", b"100%ok")

        with pytest.raises(NotifyRejected, match="escape"):
            channel.parse_notify({}, body)


class TestReturn:
    @pytest.mark.parametrize("with_sign_type", [False, True])
    def test_a_signed_return_names_its_attempt(
        self, channel: PaymentChannel, peer: AlipayPeer, with_sign_type: bool
    ) -> None:
        query = peer.return_query(with_sign_type=with_sign_type)
        before = dict(query)

        assert channel.parse_return(query).pay_no == PayNo(PAY_NO)
        assert query == before

    @pytest.mark.parametrize("with_sign_type", [False, True])
    @pytest.mark.parametrize("name", ["out_trade_no", "total_amount", "sign", "timestamp"])
    def test_a_return_that_was_changed_is_refused(
        self, channel: PaymentChannel, peer: AlipayPeer, name: str, with_sign_type: bool
    ) -> None:
        query = peer.return_query(with_sign_type=with_sign_type)

        with pytest.raises(NotifyRejected, match="signature"):
            channel.parse_return({**query, name: "1" + query[name]})

    def test_a_return_with_one_more_parameter_is_refused(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        with pytest.raises(NotifyRejected, match="signature"):
            channel.parse_return({**peer.return_query(), "to": "https://evil.example"})

    @pytest.mark.parametrize("name", ["app_id", "seller_id"])
    def test_a_return_for_somebody_else_is_refused(
        self, channel: PaymentChannel, peer: AlipayPeer, name: str
    ) -> None:
        with pytest.raises(NotifyRejected, match=name):
            channel.parse_return(peer.return_query(**{name: "2088999999999999"}))

    @pytest.mark.parametrize("query", [{}, {"sign_type": "RSA2"}, {"out_trade_no": "1"}])
    def test_an_unsigned_return_is_refused(
        self, channel: PaymentChannel, query: dict[str, str]
    ) -> None:
        with pytest.raises(NotifyRejected):
            channel.parse_return(query)

    def test_a_return_that_names_no_attempt_is_refused(
        self, channel: PaymentChannel, peer: AlipayPeer
    ) -> None:
        with pytest.raises(NotifyRejected, match="out_trade_no"):
            channel.parse_return(peer.return_query(out_trade_no=""))


_IMPORTED_AFTER_LOGGING_WAS_SET_UP = """
import logging, logging.handlers, sys
kept = logging.StreamHandler(sys.stdout)
file = logging.FileHandler(sys.argv[1], mode="w")
memory = logging.handlers.MemoryHandler(100, target=kept)
ours = logging.getLogger("ours")
ours.setLevel(logging.INFO)
for handler in (kept, file, memory):
    ours.addHandler(handler)
before = list(logging._handlerList)
import chalicelib.orders.alipay
assert "alipay" in sys.modules
assert memory.target is kept, "a handler was closed"
assert logging._handlerList[: len(before)] == before, "the handlers were forgotten"
ours.info("still heard")
assert open(sys.argv[1]).read() == "still heard\\n"
sdk = logging.getLogger("python-alipay-sdk")
assert sdk.handlers == [] and sdk.level == logging.NOTSET, "the SDK prints by itself"
assert logging.getLogger().handlers == []
"""


def test_importing_the_channel_leaves_logging_as_it_was(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED_AFTER_LOGGING_WAS_SET_UP, str(tmp_path / "log")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    # once at once, once when the memory handler is flushed at the end
    assert done.stdout == "still heard\n" * 2
