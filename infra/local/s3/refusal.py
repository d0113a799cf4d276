"""S3's own errors: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""

from __future__ import annotations

import uuid
from xml.etree import ElementTree

from flask import Response


class Refusal(Exception):
    """An error that S3 would answer with; ``details`` are elements that this error alone has."""

    def __init__(self, status: int, code: str, message: str, **details: str) -> None:
        self.status = status
        self.code = code
        self._message = message
        self._details = details
        super().__init__(f"{code}: {message}")

    def answer(self) -> Response:
        """It as HTTP."""
        error = ElementTree.Element("Error")
        elements = {
            "Code": self.code,
            "Message": self._message,
            **self._details,
            "RequestId": uuid.uuid4().hex[:16].upper(),
        }
        for name, text in elements.items():
            # X-Amz-Expires is no name in Python.
            ElementTree.SubElement(error, name.replace("_", "-")).text = text
        body = ElementTree.tostring(error, encoding="UTF-8", xml_declaration=True)
        return Response(body, self.status, content_type="application/xml")


def denied(message: str = "Access Denied", **details: str) -> Refusal:
    """403; it does not say whether there is anything."""
    return Refusal(403, "AccessDenied", message, **details)
