"""What ministack 1.5.33 gets wrong for this system, mended inside its process.

Each patch is a function that says why; ``tests/e2e/test_ministack_patches.py`` shows for each what happens without it,
and fails when it is no longer needed.
"""

import contextvars
import inspect
import json
import mmap
import random
import textwrap
import threading
from collections.abc import Callable
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, s3, stepfunctions
from ministack.services.cloudformation import provisioners

from local.processes import AT_ONCE

Answer = tuple[int, dict[str, str], Any]


class OutOfDate(Exception):
    """The text that a patch replaces isn't in ministack any more."""


def replaced(source: str, old: str, new: str) -> str:
    if source.count(old) != 1:
        raise OutOfDate(old)
    return source.replace(old, new)


def rewrite(function: Callable[..., Any], old: str, new: str) -> None:
    """Replaces a piece of a module's function by another and compiles it again in its module."""
    module = inspect.getmodule(function)
    if module is None:
        raise OutOfDate(function.__name__)
    source = replaced(textwrap.dedent(inspect.getsource(function)), old, new)
    exec(compile(source, f"{module.__file__}:patched", "exec"), vars(module))  # noqa: S102


# Functions ----------------------------------------------------------------------------------------------------------

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
    with a mark, which also keeps a line from turning up in the log of the next invocation."""
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


# The state machine --------------------------------------------------------------------------------------------------


def executions_start_at_once() -> None:
    """Every execution began with 150 ms of sleep: a third of what a small file takes."""
    rewrite(stepfunctions._run_execution, "time.sleep(0.15)", "pass")


def starting_twice_is_one_start() -> None:
    """The same name and input, while the execution runs, answers with that execution; it was refused."""
    start = stepfunctions._start_execution

    def start_or_find(data: dict[str, Any]) -> Any:
        machine = stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", ""))
        if machine and data.get("name"):
            arn = f"{machine.replace(':stateMachine:', ':execution:')}:{data['name']}"
            running = stepfunctions._executions.get(arn)
            if running and running["status"] == "RUNNING" and running["input"] == data.get("input", "{}"):
                return stepfunctions.json_response({"executionArn": arn, "startDate": running["startDate"]})
        return start(data)

    stepfunctions._start_execution = start_or_find


def retries_keep_their_limit_and_jitter() -> None:
    """MaxDelaySeconds and JitterStrategy were ignored."""
    find = stepfunctions._find_matching_retrier

    def find_and_weigh(retriers: Any, error: str, counts: dict[int, int]) -> tuple[dict[str, Any] | None, int]:
        retrier, index = find(retriers, error, counts)
        if retrier is None:
            return None, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    stepfunctions._find_matching_retrier = find_and_weigh


def an_aborted_execution_stays_aborted() -> None:
    """A task that failed after its execution was stopped turned ABORTED into FAILED, and said so a second time."""
    rewrite(
        stepfunctions._fail_execution,
        'execution["status"] = "FAILED"',
        'if execution["status"] != "RUNNING":\n        return\n    execution["status"] = "FAILED"',
    )


def definitions_may_be_yaml() -> None:
    """CloudFormation takes a state machine's definition file in YAML; ministack in JSON only."""
    import yaml

    define = provisioners._sfn_definition

    def define_as_json(properties: dict[str, Any]) -> str:
        definition: str = define(properties)
        return definition if definition.lstrip().startswith("{") else json.dumps(yaml.safe_load(definition))

    provisioners._sfn_definition = define_as_json


# S3 -----------------------------------------------------------------------------------------------------------------

SMALLEST_PART_BYTES = 5 * 1024 * 1024

_mapped_bodies: contextvars.ContextVar[bool] = contextvars.ContextVar("mapped_bodies", default=False)


def ranges_are_cut_from_disk() -> None:
    """A range of a named object version was answered with 200 and the whole object; and a range of the current one by
    reading the whole object first: 70 ms for 162 MB."""
    get = s3._get_object
    map_bodies_on_demand()

    def get_range(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Answer:
        if "range" not in headers or (query and "partNumber" in query):
            return get(bucket, key, headers, query)  # type: ignore[no-any-return]
        without = {name: value for name, value in headers.items() if name not in ("range", "x-amz-checksum-mode")}
        asked = _mapped_bodies.set(True)
        try:
            status, answer_headers, body = get(bucket, key, without, query)
        finally:
            _mapped_bodies.reset(asked)
        if status != 200:
            return status, answer_headers, body
        limits = s3._parse_range(headers["range"], len(body))
        if limits is None:
            return get(bucket, key, headers, {})  # type: ignore[no-any-return]
        first, last = limits
        piece = body[first : last + 1]
        answer_headers["Content-Length"] = str(len(piece))
        answer_headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
        return 206, answer_headers, piece

    s3._get_object = get_range


def map_bodies_on_demand() -> None:
    """While a range is looked up, a body on disk is mapped rather than read."""
    read_body, version_body = s3._read_body, s3._version_body

    def mapped(path: str | None) -> Any:
        try:
            with open(path or "", "rb") as file:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # not on disk, or empty
            return None

    def read_or_map(bucket: str, key: str, obj: dict[str, Any]) -> Any:
        body = mapped(s3._object_disk_path(bucket, key)) if _mapped_bodies.get() and obj.get("body") is None else None
        return read_body(bucket, key, obj) if body is None else body

    def read_or_map_version(bucket: dict[str, Any], name: str, key: str, version: dict[str, Any]) -> Any:
        body = None
        if _mapped_bodies.get() and version.get("data") is None:
            body = mapped(s3._version_disk_path(name, key, version["version_id"]))
        return version_body(bucket, name, key, version) if body is None else body

    s3._read_body, s3._version_body = read_or_map, read_or_map_version


def events_name_the_uploader() -> None:
    """userIdentity was "EXAMPLE": who uploaded a file is what S3 says, so it must say it."""
    rewrite(
        s3._fire_s3_event,
        '"userIdentity": {"principalId": "EXAMPLE"}',
        '"userIdentity": {"principalId": _principal_id()}',
    )
    s3._principal_id = principal_id


def principal_id() -> str:
    """Of the request that is being served: "AWS:" and a role session's or user's id, as in S3; else the account's."""
    from ministack.core.iam_evaluator import caller_arn
    from ministack.core.responses import get_account_id

    name = caller_arn().split(":", 5)[-1]
    kind, _, rest = name.partition("/")
    if kind == "assumed-role":
        return f"AWS:{rest.replace('/', ':')}"
    return f"AWS:{rest}" if rest else get_account_id()


def small_parts_are_refused() -> None:
    """Every part of a multipart upload but the last must have 5 MiB at least; any size was taken."""
    complete = s3._complete_multipart_upload

    def complete_unless_small(
        bucket: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str] | None = None
    ) -> Answer:
        parts = s3._multipart_uploads.get(s3._qp(query, "uploadId"), {}).get("parts", {})
        named = sorted(int(each.text) for each in s3.fromstring(body).iter() if each.tag.endswith("PartNumber"))
        if any(parts[number]["size"] < SMALLEST_PART_BYTES for number in named[:-1] if number in parts):
            message = "Your proposed upload is smaller than the minimum allowed size"
            return s3._error("EntityTooSmall", message, 400, f"/{bucket}/{key}")  # type: ignore[no-any-return]
        return complete(bucket, key, body, query, headers)  # type: ignore[no-any-return]

    s3._complete_multipart_upload = complete_unless_small


def unsigned_headers_are_refused() -> None:
    """Whoever held a presigned upload could add x-amz-meta-force: true to it, which the signer never allowed."""
    verify = s3._verify_presigned_sigv4

    def verify_headers_too(method: str, path: str, headers: dict[str, str], query: dict[str, Any]) -> Answer | None:
        signed = s3._qp(query, "X-Amz-SignedHeaders", "").split(";")
        unsigned = [name for name in headers if name.startswith("x-amz-") and name not in signed]
        if s3._qp(query, "X-Amz-Signature", "") and unsigned:
            message = "There were headers present in the request which were not signed"
            return s3._error(  # type: ignore[no-any-return]
                "AccessDenied", message, 403, path, {"HeadersNotSigned": ", ".join(unsigned)}
            )
        return verify(method, path, headers, query)  # type: ignore[no-any-return]

    s3._verify_presigned_sigv4 = verify_headers_too


def restored_buckets_may_be_declared() -> None:
    """Objects outlive a restart, stacks don't: their bucket was there before the stack that declares it, which
    was refused. A bucket read from disk is the stack's that first names it."""
    restored = set(s3._buckets)
    conflict, create = provisioners.s3_bucket_name_conflict, provisioners._s3_create

    def conflict_unless_restored(name: str) -> str | None:
        return None if name in restored else conflict(name)

    def create_or_adopt(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        name = properties.get("BucketName")
        if name in restored:
            restored.discard(name)
            return provisioners._s3_update(name, {}, properties, stack)
        return create(logical_id, properties, stack)

    provisioners.s3_bucket_name_conflict = conflict_unless_restored
    provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]["create"] = create_or_adopt


PATCHES: tuple[Callable[[], None], ...] = (
    errors_keep_their_names,
    functions_wait_for_a_process,
    functions_end_with_their_parent,
    quiet_functions_answer_at_once,
    answers_may_have_no_body,
    executions_start_at_once,
    starting_twice_is_one_start,
    retries_keep_their_limit_and_jitter,
    an_aborted_execution_stays_aborted,
    definitions_may_be_yaml,
    ranges_are_cut_from_disk,
    events_name_the_uploader,
    small_parts_are_refused,
    unsigned_headers_are_refused,
    restored_buckets_may_be_declared,
)


def apply(without: frozenset[str] = frozenset()) -> None:
    """Mends ministack. *without* names patches to leave out: the tests look at what happens then."""
    for patch in PATCHES:
        if patch.__name__ not in without:
            patch()
