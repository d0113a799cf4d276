"""``python -m infra.ops`` about platforms and refunds, against the simulators."""

from __future__ import annotations

import httpx
import pytest

from infra.ops.__main__ import main
from tests.integration.api import in_wechat
from tests.integration.api.client import assert_notify_taken
from tests.integration.api.shop import Shop


def test_a_sound_deployment_passes_the_check_and_moves_nothing(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    before = shop.tables.snapshot()
    assert main(["channels", "check"]) == 0

    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("{")]
    assert [line[0] for line in lines] == ["✓"] * 6
    assert sum("ALIPAY" in line for line in lines) == sum("WECHAT" in line for line in lines) == 3
    assert shop.tables.snapshot() == before


def test_a_platform_that_refuses_us_fails_the_check(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib import wiring

    monkeypatch.setattr(wiring.alipay(), "_app_id", "2021009999999999")
    monkeypatch.setattr(wiring.alipay()._gateway._sdk, "_appid", "2021009999999999")
    assert main(["channels", "check"]) == 1
    assert "✗ ALIPAY  query a payment" in capsys.readouterr().out


def test_one_attempt_is_shown_as_both_sides_have_it(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    purchase = in_wechat.opened(shop)
    before = shop.tables.snapshot()
    assert main(["channels", "look", purchase.pay_no]) == 0

    told = capsys.readouterr().out
    assert f"attempt {purchase.pay_no}: UNPAID" in told
    assert "WECHAT says: StillOpen()" in told
    assert shop.tables.snapshot() == before


def test_the_notifications_of_an_attempt_are_shown(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    purchase = shop.paid()
    fields = shop.notify_fields(purchase, total_amount="0.01")
    shop.send_notify({**fields, "total_amount": "0.02"})
    capsys.readouterr()
    assert main(["channels", "look", purchase.pay_no]) == 0

    told = capsys.readouterr().out
    assert told.count("notify ") == 1, "the refused one is not the attempt's"
    assert ": Settled" in told
    assert "phase none, claimed until -" in told


def test_an_attempt_that_nobody_has_is_said_to_be_none(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["channels", "look", "1"]) == 0
    assert capsys.readouterr().out == "no attempt 1\n"


def test_what_is_owed_is_listed(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    purchase = shop.opened()
    assert_notify_taken(shop.notify(purchase, total_amount="0.01"))
    capsys.readouterr()
    assert main(["refunds", "list"]) == 0

    told = capsys.readouterr().out
    assert f"{purchase.pay_no}_wrong_amount owed ¥0.01" in told
    assert "refunds are not finished" in told


def test_a_refund_that_the_platform_does_not_know_changes_nothing(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    purchase = in_wechat.opened(shop)
    assert in_wechat.notify(shop, in_wechat.trade_of(purchase)).status == 204
    before = shop.tables.snapshot()
    assert main(["refunds", "found", purchase.pay_no, "nothing", "100"]) == 1
    assert "RefundNotThere" in capsys.readouterr().out
    assert shop.tables.snapshot() == before


def test_a_portal_refund_is_found_by_its_number_and_counted_once(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    purchase = in_wechat.opened(shop)
    pay = {"openid": in_wechat.JSAPI.openid}
    trade = f"{shop.wechat_url}/_control/trades/{purchase.pay_no}"
    paid = httpx.post(f"{trade}/pay", json=pay, trust_env=False).raise_for_status().json()
    told = in_wechat.trade_of(purchase, transaction_id=paid["transaction_id"])
    assert in_wechat.notify(shop, told).status == 204
    httpx.post(f"{trade}/refund", json={"refund": 100}, trust_env=False).raise_for_status()
    (refund,) = httpx.get(trade, trust_env=False).json()["refunds"]

    command = ["refunds", "found", purchase.pay_no, refund["out_refund_no"], "100"]
    assert main(command) == 0
    assert main(command) == 0
    (row,) = [r for r in shop.refunds_of(purchase) if r["kind"]["S"] == "external"]
    assert (row["status"]["S"], row["amount_fen"]["N"]) == ("done", "100")
