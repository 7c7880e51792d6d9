"""Serve the local AWS: MiniStack on loopback, with the corrections of this folder.

Run by the interpreter of MiniStack's own virtual environment::

    .local/ministack/bin/python tests/local_aws/launcher.py --port 0 --state-dir DIR

One JSON line on standard output says that the service is ready, and where::

    {"endpoint": "http://127.0.0.1:40123", "pid": 4711}

SIGTERM and SIGINT end it, and so does the end of standard input under
``--exit-with-stdin``; the processes of the Lambda functions end with it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
REGION = "us-east-1"

# What a function's process may inherit from the shell that started the local AWS. Anything else
# (credentials and profiles above all) would make a function behave here as it does not on AWS.
INHERITED = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def main() -> int:
    """Start, serve until told to stop, end the functions' processes."""
    options = parse_arguments()
    listener = socket.create_server((HOST, options.port), backlog=1024)
    endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
    use_clean_environment(options, endpoint)

    # MiniStack reads its environment while it is imported: nothing of it is imported before.
    from corrections import apply_corrections

    apply_corrections()
    serve(listener, endpoint, exit_with_stdin=options.exit_with_stdin)
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="port on loopback; 0 takes a free one")
    parser.add_argument("--state-dir", type=Path, required=True, help="private folder of this copy")
    parser.add_argument("--account-id", default="123456789012", help="the account that is served")
    parser.add_argument(
        "--auth",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="enforce IAM policies on everyone but the deploying test credentials",
    )
    parser.add_argument(
        "--exit-with-stdin",
        action="store_true",
        help="end when standard input is closed",
    )
    parser.add_argument("--log-level", default="WARNING", help="level of the log on standard error")
    options = parser.parse_args()
    if not re.fullmatch(r"\d{12}", options.account_id):
        parser.error(f"--account-id {options.account_id!r} is not an account id of 12 digits")
    return options


def use_clean_environment(options: argparse.Namespace, endpoint: str) -> None:
    """Replace the environment by what MiniStack and the functions' processes need.

    Everything that MiniStack writes goes below ``state-dir``, so that copies side by side do not
    meet.
    """
    state = options.state_dir.resolve()
    temporary = state / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment.update(
        {
            "AUTH": "true" if options.auth else "false",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL_S3_CONTROL": endpoint,
            "BIND_HOST": HOST,
            # No container engine: a copy would remove the containers of another.
            "DOCKER_HOST": f"unix://{state}/no-docker.sock",
            "GATEWAY_PORT": endpoint.rpartition(":")[2],
            "HOME": str(state),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": options.log_level.upper(),
            "MINISTACK_ACCOUNT_ID": options.account_id,
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": REGION,
            "S3_DATA_DIR": str(state / "s3"),
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(state / "state"),
            "TMPDIR": str(temporary),
        }
    )
    os.environ.clear()
    os.environ.update(environment)


def serve(listener: socket.socket, endpoint: str, *, exit_with_stdin: bool) -> None:
    """Serve requests until a signal, or the end of standard input."""
    application = import_module("ministack.app").app
    hypercorn_serve = import_module("hypercorn.asyncio").serve
    config = import_module("hypercorn.config").Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.loglevel = os.environ["LOG_LEVEL"]
    # Requests in flight when the copy ends are of no interest to anyone.
    config.graceful_timeout = 0.5
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if exit_with_stdin:
            threading.Thread(target=_await_end_of_input, args=(loop, stop), daemon=True).start()
        await hypercorn_serve(announce(application, endpoint), config, shutdown_trigger=stop.wait)

    try:
        asyncio.run(run())
    finally:
        # Worker threads may be in the middle of an invocation, and waiting for them would keep the
        # copy alive as long as the slowest function's timeout.
        _end_functions()
        sys.stdout.flush()
        os._exit(0)


def announce(application: Application, endpoint: str) -> Application:
    """Print the ready line once the application has started."""

    async def announcing(scope: Message, receive: Receive, send: Send) -> None:
        async def observed(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                print(json.dumps({"endpoint": endpoint, "pid": os.getpid()}), flush=True)

        await application(scope, receive, observed if scope["type"] == "lifespan" else send)

    return announcing


def _await_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    loop.call_soon_threadsafe(stop.set)


def _end_functions() -> None:
    """End the processes of the Lambda functions, which are this process's only children.

    Children belong to the thread that made them, and to another one once it has ended: the second look finds those.
    """
    for _ in range(2):
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def _children() -> list[int]:
    found = []
    for thread in Path("/proc/self/task").glob("*/children"):
        # A thread may end between the listing and the reading.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in thread.read_text().split()]
    return found


if __name__ == "__main__":
    sys.exit(main())
