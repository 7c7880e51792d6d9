"""S3 Control: a request that is refused is answered in the form of its other errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from patching import replaces

Response = tuple[int, dict[str, str], bytes]

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@replaces("app", "_handle_s3_control_request")
async def errors_are_wrapped(
    original: Callable[..., Awaitable[Response | None]], *arguments: Any, **named: Any
) -> Response | None:
    """S3 Control puts an error into an ``ErrorResponse``, as every service with this protocol but Amazon S3 does.

    https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html#operation-error-serialization
    """
    answer = await original(*arguments, **named)
    if answer and answer[2].startswith(_DECLARATION + b"<Error>"):
        status, headers, body = answer
        return (
            status,
            headers,
            _DECLARATION + b"<ErrorResponse>" + body.removeprefix(_DECLARATION) + b"</ErrorResponse>",
        )
    return answer
