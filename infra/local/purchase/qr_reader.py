"""Reads a QR code back, as a phone's camera would."""

from __future__ import annotations

import base64
import io

import png
import zxingcpp

_PNG_DATA_URI = "data:image/png;base64,"


def read_qr(data_uri: str) -> str:
    """The text of the one QR code in a PNG data URI.

    Raises
    ------
    ValueError
        It is not a PNG data URI, or does not hold exactly one readable QR code.
    """
    if not data_uri.startswith(_PNG_DATA_URI):
        raise ValueError(f"not a PNG data URI: {data_uri[:40]!r}")
    picture = base64.b64decode(data_uri.removeprefix(_PNG_DATA_URI), validate=True)
    width, height, rows, _ = png.Reader(file=io.BytesIO(picture)).asRGBA8()
    # one byte a pixel is all that the decoder wants
    grey = b"".join(bytes(row[::4]) for row in rows)
    found = zxingcpp.read_barcodes(memoryview(grey).cast("B", (height, width)))
    if len(found) != 1:
        raise ValueError(f"{len(found)} codes in the picture")
    return str(found[0].text)
