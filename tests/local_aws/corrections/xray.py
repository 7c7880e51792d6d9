"""X-Ray: segments are taken, and forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from patching import replaces

Response = tuple[int, dict[str, str], bytes]

ANSWERS = {
    "/TraceSegments": b'{"UnprocessedTraceSegments":[]}',
    "/TelemetryRecords": b"{}",
}


# The first of the handlers that MiniStack asks by path.
@replaces("app", "_handle_s3_control_request")
async def serve(
    original: Callable[..., Awaitable[Response | None]],
    path: str,
    method: str,
    *arguments: Any,
) -> Response | None:
    """PutTraceSegments and PutTelemetryRecords succeed; MiniStack has no X-Ray and answers 400.

    https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html
    """
    if method == "POST" and path in ANSWERS:
        return 200, {"Content-Type": "application/json"}, ANSWERS[path]
    return await original(path, method, *arguments)
