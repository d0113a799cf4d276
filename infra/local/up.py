"""``make up``: serve the local stack until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from infra.local.catalogue import import_sample
from infra.local.stack import FOLDER, Stack

_LOOK_SECONDS = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 after Ctrl-C or SIGTERM, 1 when a part did not start."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.up", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for keys, data and logs")
    folder: Path = parser.parse_args(arguments).folder
    print("starting the local stack", flush=True)
    up = False
    try:
        with Stack(folder) as stack:
            print(import_sample(stack.env))
            up = True
            print(_what_it_offers(stack, folder), flush=True)
            _watch(stack)
    except RuntimeError as error:
        print(f"the local stack did not start: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, SystemExit) as told:
        print("stopped", flush=True)
        if up:
            return 0
        return told.code if isinstance(told, SystemExit) and isinstance(told.code, int) else 130


def _what_it_offers(stack: Stack, folder: Path) -> str:
    lines = [
        "",
        f"  API       {stack.api_url}   docs/api.yaml lists the routes",
    ]
    if stack.identity_url:
        lines += [f"  tokens    {stack.identity_url}   log in as any student"]
    if stack.alipay_url:
        lines += [f"  Alipay    {stack.alipay_url}   the simulated platform"]
    if stack.wechat_url:
        lines += [f"  WeChat    {stack.wechat_url}   the simulated platform"]
    lines += [
        f"  logs      {folder}/logs/   one file per part",
        "",
        "Each start begins empty, with the sample catalogue. Ctrl-C stops it.",
    ]
    return "\n".join(lines)


def _watch(stack: Stack) -> NoReturn:
    told: set[str] = set()
    while True:
        time.sleep(_LOOK_SECONDS)
        ended = stack.ended()
        for name, ending in ended.items():
            if name not in told:
                log = stack.part(name).log_path
                print(f"{name} {ending}; its log is {log}", file=sys.stderr, flush=True)
        told = set(ended)


if __name__ == "__main__":
    sys.exit(main())
