"""Lambda: what ministack 1.5.33 gets wrong of functions, their errors and their processes."""

import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.emulators.ministack.patch_text import replaced
from local.processes import AT_ONCE

RAISED = "__raised__"


def errors_keep_their_names() -> None:
    """Every Python error arrived as Runtime.HandlerError, so that Retry and Catch by name never matched; and its
    process was ended, so that the next try paid for a cold start."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = replaced(
        lambda_runtime._PYTHON_WORKER_SCRIPT,
        '_real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")',
        "traceback.print_exc()\n"
        f'            _real_stdout.write(json.dumps({{"status": "ok", "result": {{"{RAISED}": {{'
        '"errorMessage": str(e), "errorType": type(e).__name__, '
        '"stackTrace": traceback.format_tb(e.__traceback__)}}}) + "\\n")',
    )
    execute = lambda_svc._execute_function_warm

    def execute_and_name_errors(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result: dict[str, Any] = execute(func, event, request_id)
        body = result.get("body")
        if isinstance(body, dict) and set(body) == {RAISED}:
            return {**result, "body": {**body[RAISED], "requestId": request_id}, "error": True}
        if result.get("error") and isinstance(body, dict) and is_of_a_process(body):
            # What Lambda answers when a process is killed or exits, for want of memory say, whenever it does.
            message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
            return {**result, "body": {"errorMessage": message, "errorType": "Runtime.ExitError"}}
        return result

    lambda_svc._execute_function_warm = execute_and_name_errors


def functions_wait_for_a_process() -> None:
    """Each of a hundred events at once got a process of its own, and each process a database connection: the laptop
    stood still, and the database refused. On AWS events wait in a queue when a function has no room; here all wait."""
    rooms: dict[str, threading.Semaphore] = {}
    execute = lambda_svc._execute_function_warm

    def execute_when_there_is_room(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        name = (func.get("config") or func).get("FunctionName", "")
        with rooms.setdefault(name, threading.Semaphore(AT_ONCE)):
            result: dict[str, Any] = execute(func, event, request_id)
            return result

    lambda_svc._execute_function_warm = execute_when_there_is_room


def is_of_a_process(body: dict[str, Any]) -> bool:
    """Whether an error that no function raised is that of its process, and not of its start or its time."""
    kind, message = str(body.get("errorType")), str(body.get("errorMessage"))
    return (
        kind in ("Runtime.HandlerError", "RuntimeError", "BrokenPipeError", "OSError") and "init failed" not in message
    )


END_WITH_PARENT = """
def _end_with_parent():
    import os, select, threading, time
    parent = os.getppid()
    def wait():
        try:
            watched = select.poll()
            watched.register(os.pidfd_open(parent), select.POLLIN)
            watched.poll()
        except (AttributeError, OSError):
            while os.getppid() == parent:
                time.sleep(1)
        os._exit(1)
    threading.Thread(target=wait, daemon=True).start()

_end_with_parent()
"""


def functions_end_with_their_parent() -> None:
    """A function in the middle of its work outlived ministack. PR_SET_PDEATHSIG won't do: the thread that starts a
    function's process ends long before the process may."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = END_WITH_PARENT + lambda_runtime._PYTHON_WORKER_SCRIPT


def quiet_functions_answer_at_once() -> None:
    """A function that logs nothing was answered 50 ms late, in case it did. Its process now ends each invocation's log
    with a mark, which also keeps a line from turning up in the log of the next invocation. Without the patch 500 rows
    take 0.19 s in place of 0.11 s."""
    mark = "\\x00end of invocation"
    lambda_runtime._PYTHON_WORKER_SCRIPT = replaced(
        lambda_runtime._PYTHON_WORKER_SCRIPT,
        "        _real_stdout.flush()\n\nrun()",
        f'        sys.stderr.write("{mark}\\n")\n        sys.stderr.flush()\n        _real_stdout.flush()\n\nrun()',
    )

    def drain(self: Any, *_waits: float) -> str:
        lines: list[str] = []
        try:
            while (line := self._stderr_queue.get(timeout=0.25)) != "\x00end of invocation":
                lines.append(line)
        except lambda_runtime.queue.Empty:
            pass
        return "\n".join(lines)

    lambda_runtime.Worker._drain_stderr_bounded = drain


def answers_may_have_no_body() -> None:
    """A function that answers the HTTP API with ``"body": null``, as Powertools does for a redirection, broke it."""
    shape = lambda_svc.lambda_execute_result_to_api_proxy_response

    def shape_with_body(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        answer, problem = shape(result)
        return ({**answer, "body": ""} if answer and answer.get("body") is None else answer), problem

    lambda_svc.lambda_execute_result_to_api_proxy_response = shape_with_body
