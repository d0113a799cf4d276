"""The one merchant that the platform serves, and what it registered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Merchant:
    """A direct merchant (直连商户) with one official account (公众号)."""

    app_id: str
    mch_id: str
    certificate_serial: str
    """The serial number of the merchant's API certificate, named in every request."""
    oauth_domain: str = "127.0.0.1"
    """网页授权域名: where OAuth may send a browser with its code. This host alone."""
    h5_domain: str = "127.0.0.1"
    """H5支付域名: where an H5 payment may come from. This host and those below it."""
    name: str = "学成在线（测试商户）"

    def may_get_codes(self, host: str | None) -> bool:
        """Whether OAuth may redirect to ``host``."""
        return host == self.oauth_domain

    def may_send_payers(self, host: str | None) -> bool:
        """Whether an H5 payment may come from, and go back to, ``host``."""
        return host is not None and (host == self.h5_domain or host.endswith("." + self.h5_domain))
