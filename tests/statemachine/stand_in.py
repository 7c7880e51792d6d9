#!/usr/bin/env python3
"""The `bootstrap` of a stand-in function: answers as its script says and keeps what it was asked.

The folder in SCRIPTS holds `<function>.json`, a list of answers, and gets `<function>.asked.jsonl`. An answer is
`{"when": {…}, "times": n, "output": …}` or `{…, "error": name, "message": text}`; the first one whose `when` is part of
the input and that was not used up yet holds. With `"after": s` it takes that many seconds.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import urllib.request
from pathlib import Path
from typing import Any

RUNTIME = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
NAME = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
SCRIPT = Path(os.environ["SCRIPTS"]) / f"{NAME}.json"
ASKED = Path(os.environ["SCRIPTS"]) / f"{NAME}.asked.jsonl"


def answer_to(question: dict[str, Any]) -> dict[str, Any]:
    """Find the answer and count it, alone among the processes of this function."""
    with ASKED.open("a+") as asked:
        fcntl.flock(asked, fcntl.LOCK_EX)
        asked.write(json.dumps(question) + "\n")
        answers: list[dict[str, Any]] = json.loads(SCRIPT.read_text())
        for answer in answers:
            if answer.get("when", {}).items() <= question.items() and answer.get("times", 1) > 0:
                if "times" in answer:
                    answer["times"] -= 1
                    SCRIPT.write_text(json.dumps(answers))
                return answer
    return {"error": "NoAnswer", "message": f"the script of {NAME} has no answer to {question}"}


def post(path: str, content: object) -> None:
    """Tell the runtime interface."""
    request = urllib.request.Request(f"{RUNTIME}/{path}", data=json.dumps(content).encode(), method="POST")
    urllib.request.urlopen(request).close()


while True:
    with urllib.request.urlopen(f"{RUNTIME}/next") as invocation:
        request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        answer = answer_to(json.loads(invocation.read()))
    time.sleep(answer.get("after", 0))
    if "error" in answer:
        error = {"errorType": answer["error"], "errorMessage": answer["message"]}
        post(f"{request_id}/error", error)
    else:
        post(f"{request_id}/response", answer["output"])
