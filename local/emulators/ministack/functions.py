"""Lambda: patches for functions, their errors and their processes in ministack 1.5.33."""

import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.emulators.ministack.patch_text import replaced, rewrite
from local.processes import AT_ONCE

RAISED = "__raised__"


def errors_keep_their_names() -> None:
    """Without this, every Python error arrives as Runtime.HandlerError, so that Retry and Catch by name never match;
    and its process ends, so that the next attempt pays for a cold start."""
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
            # Lambda's answer whenever a process is killed or exits, for example when it runs out of memory.
            message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
            return {**result, "body": {"errorMessage": message, "errorType": "Runtime.ExitError"}}
        return result

    lambda_svc._execute_function_warm = execute_and_name_errors


def functions_wait_for_a_process() -> None:
    """Without this, each of a hundred simultaneous events gets its own process, and each process a database connection:
    the laptop freezes, and the database refuses. On AWS, events queue if a function has no room; here all calls do."""
    rooms: dict[str, threading.Semaphore] = {}
    execute = lambda_svc._execute_function_warm

    def execute_when_there_is_room(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        name = (func.get("config") or func).get("FunctionName", "")
        with rooms.setdefault(name, threading.Semaphore(AT_ONCE)):
            result: dict[str, Any] = execute(func, event, request_id)
            return result

    lambda_svc._execute_function_warm = execute_when_there_is_room


def answers_go_to_their_destination() -> None:
    """What a function that was invoked asynchronously answers went nowhere; only failures had a destination."""
    rewrite(
        lambda_svc.invoke_async_with_retry,
        'if not last_result.get("error"):\n                return\n',
        'if not last_result.get("error"):\n                _hand_on(eic, config, event, last_result)\n'
        "                return\n",
    )

    def hand_on(invoked: dict[str, Any], config: dict[str, Any], event: Any, result: dict[str, Any]) -> None:
        """As https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html shapes it."""
        target = ((invoked.get("DestinationConfig") or {}).get("OnSuccess") or {}).get("Destination")
        if target:
            record, _config, _name = lambda_svc._get_func_record_for_ref(target)
            context = {"functionArn": config.get("FunctionArn"), "condition": "Success", "approximateInvokeCount": 1}
            answer = {"requestContext": context, "requestPayload": event, "responsePayload": result.get("body")}
            lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(record, _config), answer)

    vars(lambda_svc)["_hand_on"] = hand_on


def is_of_a_process(body: dict[str, Any]) -> bool:
    """Whether an error that no function raised comes from its process, not from its start or a timeout."""
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
    """Without this, a busy function outlives ministack. PR_SET_PDEATHSIG won't do: the thread that starts a function's
    process ends long before the process."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = END_WITH_PARENT + lambda_runtime._PYTHON_WORKER_SCRIPT


def quiet_functions_answer_at_once() -> None:
    """Without this, the answer of a function that logs nothing is 50 ms late, in case a line follows, and 500 rows take
    0.19 s in place of 0.11 s. With it, the process ends each invocation's log with a mark, which also keeps late lines
    out of the next invocation's log."""
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
    """Without this, ``"body": null``, which Powertools answers for a redirect, breaks the HTTP API."""
    shape = lambda_svc.lambda_execute_result_to_api_proxy_response

    def shape_with_body(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        answer, problem = shape(result)
        return ({**answer, "body": ""} if answer and answer.get("body") is None else answer), problem

    lambda_svc.lambda_execute_result_to_api_proxy_response = shape_with_body
