"""The nine steps on the running stack, whole; and each of them broken once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from chalicelib.dynamo import Dynamo
from chalicelib.resources.store import DynamoResourcesStore
from chalicelib.settings import Settings
from infra.local.catalogue import SAMPLE, import_sample
from infra.local.purchase.nine_steps import Purchase
from infra.local.purchase.steps import Step, walk
from infra.local.purchase.way_to_pay import WayToPay
from infra.local.services.objects import Objects
from infra.local.stack import Stack
from tests.e2e.school import A_MATERIAL, School, do

_SOON = 4.0

WAYS: dict[str, Callable[[School], WayToPay]] = {
    "Alipay": School.by_alipay,
    "WeChat Pay": School.by_wechat,
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, school: School) -> WayToPay:
    return WAYS[request.param](school)


def test_a_student_buys_a_course(school: School, way: WayToPay) -> None:
    said: list[str] = []
    purchase = school.purchase(way)

    assert walk(purchase.steps(), said.append), said
    assert [line[:3] for line in said] == [f"✓ {n}" for n in range(1, 10)]
    for number, an_id in (
        (1, purchase.record_id),
        (2, purchase.order_id),
        (2, purchase.pay_no),
    ):
        assert an_id in said[number - 1]


def test_a_payment_without_any_notify_is_found_by_asking(school: School, way: WayToPay) -> None:
    """Every notification is lost; the payer asks for the result, and the course opens."""
    purchase = school.purchase(way)
    school.fault(way, on="notify", do="drop")

    do(*(step for step in purchase.steps() if step.number not in (5, 6)))


Break = Callable[[School, WayToPay], None]


def _kill(part: str) -> Break:
    return lambda school, _: school.kill(part)


def _fault_of_notify(deed: str) -> Break:
    return lambda school, way: school.fault(way, on="notify", do=deed) and None


BREAKS: dict[tuple[str, int], tuple[int, Break]] = {
    # (the platform, the step that must fail): (before which step something breaks, what breaks)
    ("Alipay", 3): (3, _kill("alipay")),
    ("Alipay", 5): (4, _fault_of_notify("drop")),
    ("Alipay", 6): (4, _fault_of_notify("corrupt_signature")),
    ("WeChat Pay", 3): (3, _kill("wechat")),
    ("WeChat Pay", 5): (4, _fault_of_notify("drop")),
    ("WeChat Pay", 6): (4, _fault_of_notify("corrupt_signature")),
    # the others know no platform
    ("WeChat Pay", 7): (7, _kill("api")),
    ("WeChat Pay", 8): (4, _kill("stream_pump")),
    ("WeChat Pay", 9): (1, _kill("scheduler")),
}


@pytest.mark.parametrize(("platform", "number"), BREAKS)
def test_a_step_that_does_not_happen_is_named(school: School, platform: str, number: int) -> None:
    before, break_it = BREAKS[platform, number]
    way = WAYS[platform](school)
    purchase = school.purchase(way, patience_seconds=_SOON)

    _stops_at(number, purchase, before, lambda: break_it(school, way))


def _other_content(school: School) -> None:
    """S3 has something else than what was imported, until the next import."""
    settings, engine = Settings.from_env(school.stack.env), school.stack.part("objects")
    material = DynamoResourcesStore(Dynamo(settings)).material(A_MATERIAL.material_id)
    assert material is not None
    assert isinstance(engine, Objects)
    school.mends(lambda: import_sample(school.stack.env))
    path = f"/{settings.materials_bucket}/{material.file.key}"
    httpx.put(engine.endpoint_url + path, content=b"another").raise_for_status()


def test_a_course_that_goes_offline_cannot_be_ordered_or_chosen(school: School) -> None:
    chosen, late = (school.purchase(school.by_wechat()) for _ in range(2))
    with _offline_later(school.stack) as take_offline:
        _stops_at(2, chosen, 2, take_offline)
        _stops_at(1, late, 1, lambda: None)


@pytest.mark.parametrize(
    ("break_it", "complaint"),
    [
        (lambda school: school.kill("s3"), "no download"),
        (_other_content, "the SHA-256 of what came"),
    ],
    ids=["S3 is down", "the file is another one"],
)
def test_a_material_that_is_not_downloaded_is_noticed(
    school: School, break_it: Callable[[School], None], complaint: str
) -> None:
    purchase = school.purchase(school.by_wechat(), goods=A_MATERIAL)

    said = _stops_at(9, purchase, 4, lambda: break_it(school))
    assert complaint in said


@pytest.mark.parametrize(
    "unwilling",
    [
        lambda school: school.by_alipay(pay_password="000000"),
        lambda school: school.by_wechat(cancels=True),
    ],
    ids=WAYS,
)
def test_a_payer_who_does_not_pay_is_noticed(
    school: School, unwilling: Callable[[School], WayToPay]
) -> None:
    purchase = school.purchase(unwilling(school))

    _stops_at(4, purchase, 4, lambda: None)
    assert purchase.way.trade(purchase.pay_no).state == purchase.way.open_state


def _stops_at(number: int, purchase: Purchase, before: int, action: Callable[[], None]) -> str:
    said: list[str] = []
    assert not walk(_broken(purchase.steps(), before, action), said.append), said
    assert f"step {number} did not happen" in said[-1], said
    assert len(said) == number
    return said[-1]


def _broken(steps: tuple[Step, ...], before: int, action: Callable[[], None]) -> tuple[Step, ...]:
    def with_break(step: Step) -> Step:
        def broken_before() -> str:
            action()
            return step.do()

        return replace(step, do=broken_before)

    return tuple(with_break(step) if step.number == before else step for step in steps)


@contextmanager
def _offline_later(stack: Stack) -> Iterator[Callable[[], None]]:
    catalogue = json.loads(SAMPLE.read_text("utf-8"))
    for course in catalogue["courses"]:
        course["status"] = "203003"
    file = Path(stack.env["SECRETS_DIR"]).parent / "offline.json"
    file.write_text(json.dumps(catalogue), "utf-8")
    try:
        yield lambda: import_sample(stack.env, file) and None
    finally:
        import_sample(stack.env)
