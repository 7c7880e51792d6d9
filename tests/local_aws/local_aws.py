"""Start and stop a local AWS of one's own: for tests, the demo, and whoever wants to look around.

::

    with LocalAws.start() as aws:
        subprocess.run(["cdk", "deploy"], env=os.environ | aws.environment())

Needs the standard library only. The interpreter of MiniStack's virtual environment is
``.local/ministack/bin/python``; the environment variable ``MINISTACK_PYTHON`` names another one.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS."""

    endpoint: str
    """The URL that serves every AWS API."""
    pid: int
    """The launcher's process id."""
    account_id: str
    """The account that is served."""

    @classmethod
    @contextmanager
    def start(
        cls,
        *,
        auth: bool = True,
        account_id: str = ACCOUNT_ID,
        port: int = 0,
        log_level: str = "ERROR",
    ) -> Iterator[LocalAws]:
        """Run a local AWS for as long as the ``with`` block lasts.

        ``auth`` enforces IAM policies on everyone but the test credentials of :meth:`environment`.
        Raises :class:`RuntimeError` if it does not come up.
        """
        with tempfile.TemporaryDirectory(prefix="local-aws-") as state:
            process = subprocess.Popen(
                [
                    python_of_ministack(),
                    str(_HERE / "launcher.py"),
                    f"--port={port}",
                    f"--state-dir={state}",
                    f"--account-id={account_id}",
                    f"--log-level={log_level}",
                    "--auth" if auth else "--no-auth",
                    "--exit-with-stdin",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl-C is for the program that started this one, which then ends it.
                start_new_session=True,
            )
            try:
                yield cls._await_ready(process, account_id)
            finally:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @classmethod
    def _await_ready(cls, process: subprocess.Popen[bytes], account_id: str) -> LocalAws:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"the local AWS ended with code {process.wait()} before it was ready; "
                "its log on standard error says why"
            )
        ready = json.loads(line)
        return cls(endpoint=ready["endpoint"], pid=ready["pid"], account_id=account_id)

    def environment(self) -> dict[str, str]:
        """What an AWS SDK or tool needs in its environment to talk to this local AWS.

        Add it to ``os.environ``. The credentials are those of the deploying administrator, whom no
        policy restricts.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_S3_CONTROL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DEFAULT_ACCOUNT": self.account_id,
            "CDK_DEFAULT_REGION": REGION,
        }

    def clear(self) -> None:
        """Forget everything: an account as new as just after the start."""
        request = urllib.request.Request(f"{self.endpoint}/_ministack/reset", method="POST")
        with urllib.request.urlopen(request, timeout=60):
            pass

    def shorten_waits(self, factor: float) -> None:
        """Let state machines wait only this part of what they would between retries and in Wait states."""
        self._set("config", {"stepfunctions._SFN_WAIT_SCALE": factor})

    def make_inactive(self, functions: list[str], *, wakes_after_seconds: float) -> None:
        """Make functions inactive, as Lambda does when they were idle for weeks: their next invocation fails."""
        self._set("lambda/inactive", {"functions": functions, "wakesAfterSeconds": wakes_after_seconds})

    def send_event_of_aws(self, source: str, detail_type: str, detail: dict[str, Any]) -> None:
        """Send an event as a service of AWS does, for instance what CloudTrail recorded of a call."""
        self._set("events/of-aws", {"source": source, "detailType": detail_type, "detail": detail})

    def _set(self, what: str, value: dict[str, Any]) -> None:
        url = f"{self.endpoint}/_ministack/{what}"
        request = urllib.request.Request(url, data=json.dumps(value).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=60):
            pass

    def queue_messages(self) -> Any:
        """Every message of every queue, as MiniStack shows them, without receiving any."""
        url = f"{self.endpoint}/_ministack/sqs/messages"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)


def python_of_ministack() -> str:
    """Find the interpreter of MiniStack's virtual environment."""
    named = os.environ.get("MINISTACK_PYTHON")
    python = Path(named) if named else _ROOT / ".local" / "ministack" / "bin" / "python"
    if not python.is_file():
        raise RuntimeError(
            f"there is no Python interpreter at {python}: run `make setup`, "
            "or name one in MINISTACK_PYTHON that has tests/local_aws/requirements.txt installed"
        )
    return str(python)
