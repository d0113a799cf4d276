"""``make demo``: start the local stack, buy one course, show each step, and stop everything."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from infra.local.catalogue import import_sample
from infra.local.purchase.listener import Listener
from infra.local.purchase.steps import Purchase, Shopper, walk
from infra.local.stack import Stack

_FOLDER = Path(".local/demo")


def main(arguments: Sequence[str] = ()) -> int:
    """The exit code: 0 only when all nine steps happened."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where data and logs go")
    parser.add_argument("--course", default=Shopper().course_id, help="the course to buy")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        with Stack(options.folder) as stack:
            happened = _buy(stack, Shopper(course_id=options.course, user_id=_a_new_student()))
    except RuntimeError as error:
        print(f"✗ the local stack did not start: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    seconds = time.monotonic() - started
    print(f"{'The course is open' if happened else 'The course is not open'} ({seconds:.0f} s).")
    return 0 if happened else 1


def _buy(stack: Stack, shopper: Shopper) -> bool:
    print(import_sample(stack.env))
    with (
        Listener(stack.env["RABBITMQ_URL"]) as listener,
        Purchase(
            api_url=stack.api_url,
            identity_url=stack.identity_url,
            alipay_url=stack.alipay_url,
            listener=listener,
            shopper=shopper,
        ) as purchase,
    ):
        return walk(purchase.steps(), print)


def _a_new_student() -> str:
    """The database may be one that remembers, and an owned course cannot be bought again."""
    return str(int(time.time()))


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
