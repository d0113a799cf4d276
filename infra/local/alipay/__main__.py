"""``python -m infra.local.alipay``: the Alipay simulator as a process."""

from __future__ import annotations

import argparse
from pathlib import Path

from infra.local.alipay.app import create_server
from infra.local.alipay.notify import REAL_DELAYS_SECONDS
from infra.local.alipay.platform import Merchant, Platform
from infra.local.alipay.signature import KeyFileError, Keys
from infra.local.services.web_server import serve_until_told_to_stop


def _delays(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part.strip())


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.alipay", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--keys", type=Path, required=True, help="folder of the PEM files")
    parser.add_argument("--app-id", required=True)
    parser.add_argument("--seller-id", required=True)
    parser.add_argument(
        "--notify-delays",
        type=_delays,
        default=REAL_DELAYS_SECONDS,
        metavar="SECONDS,…",
        help="waits between the attempts of one notification (the platform's own: %(default)s)",
    )
    parser.add_argument(
        "--notify-scale",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="what those waits are multiplied by: 0.001 makes 4 minutes a quarter of a second",
    )
    options = parser.parse_args()
    try:
        keys = Keys.from_folder(options.keys)
    except KeyFileError as error:
        parser.error(str(error))
    platform = Platform(
        Merchant(options.app_id, options.seller_id),
        keys,
        notify_delays_seconds=options.notify_delays,
        notify_scale=options.notify_scale,
    )
    serve_until_told_to_stop(create_server(platform, options.port), "Alipay simulator")


if __name__ == "__main__":
    main()
