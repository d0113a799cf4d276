"""The bill of a day at Alipay: where it lies, and fetching it from there.

The address comes in a signed answer, but the file itself is not signed: who serves it is known by
the host name and its certificate.
"""

from __future__ import annotations

import io
import zipfile
from datetime import date
from urllib.parse import SplitResult, urlsplit

from chalicelib.deadline import Deadline
from chalicelib.errors import ChannelRefused, ChannelUnavailable
from chalicelib.orders.alipay.gateway import AlipayGateway

_METHOD = "alipay.data.dataservice.bill.downloadurl.query"
_NO_BILL = frozenset({"isp.bill_not_exist", "isv.bill_not_exist"})
_ALIPAYS = (".alipay.com", ".alipaydev.com")
_MOST_BYTES = 64 * 1024 * 1024


class AlipayBills:
    """Fetches bills."""

    def __init__(self, gateway: AlipayGateway, gateway_url: str) -> None:
        self._gateway = gateway
        self._gateway_address = urlsplit(gateway_url)

    def of(self, day: date, deadline: Deadline) -> bytes:
        """The zip of all trades and refunds of a Beijing day, as it comes: CSV in GBK.

        It is made by about 9:00 of the next day (https://opendocs.alipay.com/open/02ekfu), and
        its address is good for 30 seconds. Both questions have the channel's time-out each.

        Raises
        ------
        ChannelUnavailable
            No answer, another refusal, an address that is not Alipay's, or no whole zip.
        ChannelRefused
            There is no bill: not yet, or nothing happened on that day.
        """
        content = {"bill_type": "trade", "bill_date": day.isoformat()}
        answer = self._gateway.ask(_METHOD, content, deadline)
        if answer.sub_code.lower() in _NO_BILL:
            raise ChannelRefused(detail=answer.codes)
        if not answer.succeeded:
            raise ChannelUnavailable(detail=answer.codes)
        url = self._trusted(answer["bill_download_url"])
        bill = self._gateway.download(url, deadline, _MOST_BYTES)
        if not zipfile.is_zipfile(io.BytesIO(bill)):
            raise ChannelUnavailable(detail="the bill is no zip")
        return bill

    def _trusted(self, url: str) -> str:
        """``url``, over TLS unless the gateway itself serves it.

        Raises
        ------
        ChannelUnavailable
            It leads elsewhere.
        """
        try:
            address = urlsplit(url)
            port = address.port
        except ValueError:
            raise ChannelUnavailable(detail="the bill has no readable address") from None
        if _origin(address) == _origin(self._gateway_address):
            return url
        host = address.hostname or ""
        # the documentation itself shows addresses without TLS
        is_http = address.scheme in ("http", "https") and port in (None, 80, 443)
        if is_http and host.endswith(_ALIPAYS):
            return address._replace(scheme="https", netloc=host, fragment="").geturl()
        raise ChannelUnavailable(detail="the bill is not at Alipay")


def _origin(address: SplitResult) -> tuple[str, str]:
    return address.scheme, address.netloc
