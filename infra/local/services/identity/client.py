"""The one client of the provider: the H5, a public one that holds no secret (RFC 6749 §2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

H5_CLIENT_ID = "course-payments-h5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who asks for codes, and the address below which they may be sent.

    ``redirects_below`` ends with a slash, so that no other host or port begins like it; empty lets
    no code be sent anywhere.
    """

    client_id: str = H5_CLIENT_ID
    redirects_below: str = ""

    def may_be_sent_to(self, redirect_uri: str) -> bool:
        """Whether a code may go there. An absolute address without a fragment: RFC 6749 §3.1.2."""
        below = self.redirects_below
        if not below.endswith("/") or not redirect_uri.startswith(below):
            return False
        odd = {character for character in redirect_uri if not "!" <= character <= "~"}
        if odd or "#" in redirect_uri or "\\" in redirect_uri:
            return False
        return ".." not in unquote(urlsplit(redirect_uri).path).split("/")

    @property
    def origin(self) -> str:
        """The origin whose scripts may read tokens; empty when there is none."""
        target = urlsplit(self.redirects_below)
        return f"{target.scheme}://{target.netloc}" if target.netloc else ""
