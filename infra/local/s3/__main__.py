"""``python -m infra.local.s3``: the gate as a process.

Region, bucket and prefix are those of our settings; its key is that of the environment,
``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``.
"""

from __future__ import annotations

import argparse
import os

from chalicelib.settings import Settings
from infra.local.s3.app import Gate, access_key, create_server
from infra.local.s3.permission import Permission
from infra.local.services.web_server import serve_until_told_to_stop


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.s3", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--engine", required=True, metavar="URL", help="where objects are stored")
    options = parser.parse_args()
    try:
        key = access_key(os.environ)
    except KeyError as missing:
        parser.error(f"{missing.args[0]} is not set; with other credentials use S3_ENDPOINT_URL")
    settings = Settings.from_env(os.environ)
    permission = Permission(settings.require("materials_bucket"), settings.materials_prefix)
    gate = Gate(key, settings.aws_region, permission)
    serve_until_told_to_stop(create_server(gate, options.engine, options.port), "S3 gate")


if __name__ == "__main__":
    main()
