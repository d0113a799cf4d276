"""``python -m infra.local.services.identity``: serve the identity provider until SIGTERM."""

from __future__ import annotations

import argparse
from pathlib import Path

from infra.local.services.identity.app import create_app
from infra.local.services.identity.client import Client
from infra.local.services.identity.keys import KEY_FILE, KeyRing, read_key
from infra.local.services.web_server import WebServer, serve_until_told_to_stop


def main() -> None:
    """Run the command; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.services.identity")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--keys", type=Path, required=True, help=f"folder with {KEY_FILE}")
    parser.add_argument("--issuer", required=True, metavar="URL")
    parser.add_argument("--audience", required=True)
    parser.add_argument(
        "--redirects-below",
        default="",
        metavar="URL",
        help="where codes may be sent, with a slash at the end; nowhere by default",
    )
    options = parser.parse_args()
    try:
        keys = KeyRing(read_key(options.keys))
    except ValueError as error:
        parser.error(str(error))
    app = create_app(
        keys,
        issuer=options.issuer,
        audience=options.audience,
        client=Client(redirects_below=options.redirects_below),
    )
    serve_until_told_to_stop(WebServer(app, options.port), "identity provider")


if __name__ == "__main__":
    main()
