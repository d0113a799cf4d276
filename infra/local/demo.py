"""``make demo``: start the local stack, buy two courses and a study material, and stop everything.

One course is paid by Alipay, the other by WeChat Pay, which then pays back; the material is paid by
Alipay and downloaded: each step with its time and the ids that it met.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from infra.local.catalogue import import_sample
from infra.local.purchase.alipay_way import AlipayWay
from infra.local.purchase.course import Course
from infra.local.purchase.goods import Goods
from infra.local.purchase.listener import Listener
from infra.local.purchase.nine_steps import Purchase, Shopper
from infra.local.purchase.person import Person
from infra.local.purchase.refund import Refund
from infra.local.purchase.steps import Step, walk
from infra.local.purchase.study_material import StudyMaterial
from infra.local.purchase.way_to_pay import WayToPay
from infra.local.purchase.wechat_way import WeChatWay
from infra.local.stack import Stack

_FOLDER = Path(".local/demo")
_COURSE_BY_ALIPAY, _COURSE_BY_WECHAT = "1002", "1003"
_MATERIAL = "2001"
_OPERATOR = "9001"
# Refunds go out once a minute; nobody watches a demo for that long.
_QUICK = {"SCHEDULE_PERIOD_SECONDS": "4", "DRAIN_WINDOW_SECONDS": "4"}

_Say = Callable[[str], None]


def main(arguments: Sequence[str] = ()) -> int:
    """The exit code: 0 only when all purchases, the refund and the download happened."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where data and logs go")
    parser.add_argument("--course", default=_COURSE_BY_ALIPAY, help="the course to buy by Alipay")
    parser.add_argument("--material", default=_MATERIAL, help="the study material to buy")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        with Stack(options.folder, _QUICK) as stack:
            print(import_sample(stack.env))
            happened = _show(stack, Course(options.course), StudyMaterial(options.material), print)
    except RuntimeError as error:
        print(f"✗ the local stack did not start: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    all_of_it = "Two courses bought, one of them given back; a study material bought and downloaded"
    end = all_of_it if happened else "Not all of it happened"
    print(f"\n{end} ({time.monotonic() - started:.0f} s).")
    return 0 if happened else 1


def _show(stack: Stack, course: Course, material: StudyMaterial, say: _Say) -> bool:
    with ExitStack() as held:
        listener = held.enter_context(Listener(stack.env["RABBITMQ_URL"]))
        student = _a_new_student()

        def purchase(way: WayToPay, goods: Goods) -> Purchase:
            return held.enter_context(
                Purchase(
                    api_url=stack.api_url,
                    identity_url=stack.identity_url,
                    goods=goods,
                    way=way,
                    listener=listener,
                    shopper=Shopper(user_id=student),
                )
            )

        by_alipay = purchase(AlipayWay(stack.alipay_url), course)
        by_wechat = purchase(WeChatWay(stack.wechat_url), Course(_COURSE_BY_WECHAT))
        of_material = purchase(AlipayWay(stack.alipay_url), material)
        operator = held.enter_context(
            Person(
                api_url=stack.api_url,
                identity_url=stack.identity_url,
                user_id=_OPERATOR,
                roles=(stack.env.get("REFUND_ROLE", "refund-operator"),),
            )
        )
        refund = Refund(by_wechat, operator, idempotency_key=f"demo-{student}")
        return (
            _chapter("A course, paid by Alipay", by_alipay.steps(), say)
            and _chapter("A course, paid inside WeChat", by_wechat.steps(), say)
            and _chapter("The second one is given back", refund.steps(), say)
            and _chapter("A study material, paid by Alipay", of_material.steps(), say)
        )


def _chapter(title: str, steps: tuple[Step, ...], say: _Say) -> bool:
    say(f"\n{title}")
    return walk(steps, say)


def _a_new_student() -> str:
    """The database may be one that remembers, and an owned course cannot be bought again."""
    return str(int(time.time()))


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
