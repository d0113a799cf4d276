"""``python -m infra.local.wechat``: the WeChat simulator as a process."""

from __future__ import annotations

import argparse
from pathlib import Path

from infra.local.services.web_server import serve_until_told_to_stop
from infra.local.wechat.app import create_server
from infra.local.wechat.merchant import Merchant
from infra.local.wechat.notify import REAL_DELAYS_SECONDS
from infra.local.wechat.platform import Platform
from infra.local.wechat.refund_outcomes import Outcome
from infra.local.wechat.signature import KeyFileError, Keys


def _delays(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part.strip())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local.wechat", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--keys", type=Path, required=True, help="folder of the key files")
    parser.add_argument("--app-id", required=True)
    parser.add_argument("--mch-id", required=True)
    parser.add_argument("--merchant-serial", required=True, help="of the merchant's certificate")
    parser.add_argument("--public-key-id", required=True, metavar="PUB_KEY_ID_…")
    parser.add_argument("--oauth-domain", default="127.0.0.1", help="网页授权域名")
    parser.add_argument("--h5-domain", default="127.0.0.1", help="H5支付域名")
    parser.add_argument(
        "--notify-delays",
        type=_delays,
        default=REAL_DELAYS_SECONDS,
        metavar="SECONDS,…",
        help="waits between the attempts of one notification (the platform's own: %(default)s)",
    )
    parser.add_argument(
        "--notify-scale", type=float, default=1.0, help="these waits are multiplied by it"
    )
    parser.add_argument(
        "--refund-delay", type=float, default=0.0, metavar="SECONDS", help="how long a refund takes"
    )
    return parser


def main() -> None:
    """Serve until SIGTERM."""
    parser = _parser()
    options = parser.parse_args()
    try:
        keys = Keys.from_folder(options.keys, options.public_key_id)
    except KeyFileError as error:
        parser.error(str(error))
    platform = Platform(
        Merchant(
            app_id=options.app_id,
            mch_id=options.mch_id,
            certificate_serial=options.merchant_serial,
            oauth_domain=options.oauth_domain,
            h5_domain=options.h5_domain,
        ),
        keys,
        notify_delays_seconds=tuple(d * options.notify_scale for d in options.notify_delays),
        usual_refund=Outcome(after_seconds=options.refund_delay),
    )
    serve_until_told_to_stop(create_server(platform, options.port), "WeChat simulator")


if __name__ == "__main__":
    main()
