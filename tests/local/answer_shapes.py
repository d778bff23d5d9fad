"""What any answer of a platform looks like, whatever was asked."""

from __future__ import annotations

SHAPES = [
    {"error_code", "error_msg"},
    {"error", "error_description"},
    {"error", "id"},
    {"error"},
    {"code", "message", "requestId"},
    {"log_id", "error_code", "error_msg"},
]
NO_FAULT = {200, 400, 401, 403, 404, 405, 408, 409, 413, 421, 429, 431}
MEDIA_TYPES = {
    "application/json",
    "text/event-stream",
    "image/png",
    "text/html",
    "text/javascript",
    "text/css",
}


def check(answer):
    """Assert that an answer is one that the platform gives, and no fault of its own."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert answer.status in NO_FAULT, answer
    assert b"Traceback" not in answer.body
    assert kind in MEDIA_TYPES
    if kind != "application/json" or not answer.body:
        return
    content = answer.content
    assert content.get("error_code") not in (336000, 500000), answer
    if answer.status != 200:
        assert content.keys() - {"id"} in SHAPES or content.keys() in SHAPES
