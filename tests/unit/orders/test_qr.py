"""QR codes, read back by an independent decoder."""

from __future__ import annotations

import base64
import io
from datetime import timedelta

import png
import pytest
import zxingcpp

from chalicelib.orders.pages.links import LinkSigner, payment_url
from chalicelib.orders.pages.qr import qr_data_uri
from tests.builders import PAY_NO
from tests.fakes.clock import START, FakeClock


class Greyscale:
    """A picture as the decoder wants it: an array interface over bytes, without numpy."""

    def __init__(self, png_bytes: bytes) -> None:
        self.width, self.height, rows, details = png.Reader(bytes=png_bytes).read()
        assert details["greyscale"]
        assert details["bitdepth"] == 1
        self.pixels = bytes(255 * value for row in rows for value in row)

    @property
    def view(self) -> memoryview:
        return memoryview(self.pixels).cast("B", (self.height, self.width))


def png_of(uri: str) -> bytes:
    kind, _, text = uri.partition(",")
    assert kind == "data:image/png;base64"
    return base64.b64decode(text, validate=True)


def a_link() -> str:
    signer = LinkSigner({"2026": b"k" * 32}, FakeClock())
    sign = signer.sign("pay", PAY_NO, START + timedelta(minutes=30))
    return payment_url("https://pay.school.example/prod", PAY_NO, sign)


@pytest.mark.parametrize("text", [a_link(), "https://a.example/?课程=1&x=%20", "x"])
def test_a_decoder_reads_back_the_exact_text(text: str) -> None:
    (found,) = zxingcpp.read_barcodes(Greyscale(png_of(qr_data_uri(text))).view)

    assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert found.text == text
    assert found.ec_level == "M"


def test_the_code_has_its_quiet_zone() -> None:
    picture = Greyscale(png_of(qr_data_uri(a_link())))
    quiet = 4 * 8

    rows = [
        picture.pixels[start : start + picture.width]
        for start in range(0, len(picture.pixels), picture.width)
    ]

    assert all(set(row) == {255} for row in rows[:quiet] + rows[-quiet:])
    assert all(set(row[:quiet] + row[-quiet:]) == {255} for row in rows)
    assert set(rows[quiet]) == {0, 255}


def test_the_picture_is_small_enough_for_an_answer() -> None:
    assert len(qr_data_uri(a_link())) < 4096


def test_the_same_text_gives_the_same_picture() -> None:
    assert qr_data_uri("x") == qr_data_uri("x")


def test_the_picture_is_a_whole_png() -> None:
    raw = png_of(qr_data_uri("x"))

    chunks = [kind for kind, _ in png.Reader(file=io.BytesIO(raw)).chunks()]
    assert chunks[0] == b"IHDR"
    assert chunks[-1] == b"IEND"
