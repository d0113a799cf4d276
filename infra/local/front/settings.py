"""``/h5/config.json``: what the H5 has to know of this deployment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from infra.local.services.identity.client import H5_CLIENT_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontSettings:
    """``folder`` holds the H5; tokens are of ``issuer``, given to ``client_id``.

    ``bridge`` is the script that stands in for WeChat's own object; empty where the simulator does
    not run. ``bar`` shows the switch on every page, also to browsers that never used it.
    """

    folder: Path
    issuer: str = ""
    audience: str = ""
    client_id: str = H5_CLIENT_ID
    bridge: str = ""
    bar: bool = False

    def config_json(self) -> bytes:
        """The document, as the H5 reads it."""
        return msgspec.json.encode(
            {
                "issuer": self.issuer,
                "clientId": self.client_id,
                "scope": "openid profile",
                "audience": self.audience,
            }
        )
