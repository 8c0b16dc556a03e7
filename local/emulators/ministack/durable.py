"""Makes running executions and waiting events durable, as they are on AWS.

ministack keeps both in memory. So the emulator also keeps each in a file until it is done, and the next start submits
what is left: an execution from its beginning under its name, an event a second time. AWS may do both too.
"""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

Json = dict[str, Any]


class Outstanding:
    """The folder of unfinished work, one file each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, work: Json) -> Path:
        text = json.dumps(work)
        name = f"{time.time_ns()}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
        unfinished = self.folder / f"{name}.new"
        unfinished.write_text(text)
        return unfinished.rename(self.folder / name)

    def files(self) -> list[Path]:
        """The files of all unfinished work, oldest first."""
        return sorted(self.folder.glob("*.json"))


def remember_in(outstanding: Outstanding) -> None:
    """In the emulator's process, keep every execution and every asynchronous invocation until it is done."""
    from ministack.services import lambda_svc, stepfunctions

    from local.emulators.ministack.patch_text import rewrite

    run = stepfunctions._run_execution

    def run_remembered(arn: str) -> None:
        execution = stepfunctions._executions[arn]
        file = outstanding.add({name: execution[name] for name in ("stateMachineArn", "name", "input")})
        run(arn)
        file.unlink(missing_ok=True)

    def remembered(function: Json, event: Any, invoke: Callable[[], None]) -> Callable[[], None]:
        config = function.get("config") or function
        file = outstanding.add({"functionName": config["FunctionName"], "event": event})

        def invoke_remembered() -> None:
            invoke()
            file.unlink(missing_ok=True)

        return invoke_remembered

    stepfunctions._run_execution = run_remembered
    lambda_svc._remembered = remembered
    rewrite(lambda_svc.invoke_async_with_retry, "args=(_run,)", "args=(_remembered(func, event, _run),)")


def submit_again(files: list[Path], client: Callable[[str], Any]) -> int:
    """Start what an earlier emulator left unfinished; returns how much. Drops what is no longer deployed."""
    submitted = 0
    for file in files:
        work = json.loads(file.read_text())
        file.unlink()
        try:
            if "functionName" in work:
                payload = json.dumps(work["event"])
                client("lambda").invoke(FunctionName=work["functionName"], InvocationType="Event", Payload=payload)
            else:
                client("stepfunctions").start_execution(**work)
        except ClientError:
            continue
        submitted += 1
    return submitted
