"""Shows the status of a batch, once or until it has ended; the id of its upload works too."""

import click

from cli.api import Api, Json, upload_path
from cli.command_errors import ApiProblem, Interrupted
from cli.output import show_json
from cli.progress_bars import progress
from cli.reports import DONE, ENDED, FAILED, ending, exit_code, line, refusal, status
from cli.waiting import get_batch, wait_for_batch, wait_for_upload, with_file_facts
from cli.words import command


def show_status(api: Api, batch_id: str, *, watch: bool, as_json: bool) -> int:
    """Show the status; returns the exit code. Raises Failure."""
    try:
        found = _find(api, batch_id, watch=watch)
        if watch and found.get("status", ENDED[0]) not in ENDED:
            with progress(found["fileName"], as_json=as_json) as bars:
                found = wait_for_batch(api, found["batchId"], bars)
    except KeyboardInterrupt as stopped:
        again = command("kintell", "status", batch_id, *(["--watch"] if watch else []))
        raise Interrupted(f"Stopped: the import continues; check again with: {again}") from stopped
    if "status" in found:
        found = with_file_facts(api, found)
    if as_json:
        show_json(found)
    else:
        click.echo("\n".join(_report(found)))
    if found.get("state") == "refused":
        return FAILED
    return exit_code(found) if "status" in found else DONE


def _find(api: Api, some_id: str, *, watch: bool) -> Json:
    """The batch with this id or from this upload; the upload if it has no batch. Raises ApiProblem, Unreachable."""
    try:
        return get_batch(api, some_id)
    except ApiProblem as problem:
        if problem.code != "no_such_batch":
            raise
        no_batch = problem
    try:
        upload = api.get(upload_path(some_id))
    except ApiProblem as problem:
        raise (no_batch if problem.code == "no_such_upload" else problem) from None
    if watch and upload["state"] == "waiting":
        upload = wait_for_upload(api, some_id, float("inf"))
    return get_batch(api, upload["batchId"]) if upload["state"] == "accepted" else upload


def _report(found: Json) -> list[str]:
    if "status" in found:
        return [*status(found), *ending(found)]
    if found["state"] == "refused":
        return [line("Upload ID", found["uploadId"]), *refusal(found["refusal"])]
    watch = command("kintell", "status", found["uploadId"], "--watch")
    return [line("Upload ID", found["uploadId"]), line("Status", "waiting for the file"), line("Watch", watch)]
