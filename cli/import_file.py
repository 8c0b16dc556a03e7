"""One import from end to end: announces the file, sends it, waits for its batch, reports the result."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import click

from cli import unfinished_uploads
from cli.api import Api, Json, upload_path
from cli.command_errors import ApiProblem, Failure, Interrupted, WrongUse
from cli.output import show_json
from cli.part_transfers import PartSending
from cli.progress_bars import Progress, progress
from cli.reports import DONE, FAILED, ending, exit_code, line, refusal, remarks, retry_offer
from cli.transfers import Sending
from cli.waiting import not_received, retryable, wait_for_batch, wait_for_upload, with_file_facts
from cli.words import command

GLANCE_SECONDS: Final = 2.0
"""How long --no-wait still waits for the id of the batch."""


@dataclass(frozen=True)
class Wish:
    """A file to import. `options` are the API's, under its names; None means the default."""

    path: Path
    options: Json
    timeout_seconds: float
    wait: bool


def import_file(api: Api, wish: Wish, *, as_json: bool) -> int:
    """Import the file and report the result; returns the exit code. Raises Failure."""
    with _opened(wish.path) as file, progress(wish.path.name, as_json=as_json) as bars:
        upload, batch = _import(api, wish, file, bars)
    if as_json:
        show_json({**upload, **(batch or {})})
    else:
        offer = retry_offer(retryable(api, batch)) if batch else []
        click.echo("\n".join([*_report(upload, batch), *offer]))
    if upload["state"] == "refused":
        return FAILED
    return exit_code(batch) if batch else DONE


def _import(api: Api, wish: Wish, file: BinaryIO, bars: Progress) -> tuple[Json, Json | None]:
    """The upload and, if the command waited for it, the batch."""
    size = os.fstat(file.fileno()).st_size
    announcement = _announcement(wish, size)
    key = unfinished_uploads.key_of(api.url, wish.path, announcement)
    try:
        link = _continued(api, key) or api.post(upload_path(), announcement)
    except ApiProblem as problem:
        return _refused_at_once(problem), None
    upload_id: str = link["uploadId"]
    in_parts = "parts" in link
    if in_parts:
        unfinished_uploads.keep(key, upload_id)
    with _sending(api, link, file, size) as sending:
        with _interruptible(_how_to_go_on(wish) if in_parts else _start_again(wish)):
            bars.sent(0, size)
            sending.send(lambda done: bars.sent(done, size))
        with _interruptible(_goes_on(upload_id)):
            sending.finish()
            unfinished_uploads.forget(key)
            bars.waiting()
            upload = wait_for_upload(api, upload_id, wish.timeout_seconds if wish.wait else GLANCE_SECONDS)
    if upload["state"] == "waiting" and wish.wait:
        raise not_received(upload_id, wish.timeout_seconds)
    if upload["state"] != "accepted" or not wish.wait:
        return upload, None
    batch_id = upload["batchId"]
    with _interruptible(_goes_on(batch_id)):
        return upload, with_file_facts(api, wait_for_batch(api, batch_id, bars))


def _continued(api: Api, key: str) -> Json | None:
    """The parts that an interrupted upload of the same file still lacks; None if no upload can be continued."""
    upload_id = unfinished_uploads.find(key)
    if upload_id is None:
        return None
    try:
        return api.post(upload_path(upload_id, "/parts"), {})
    except ApiProblem as problem:
        if problem.status not in (404, 409):
            raise
        unfinished_uploads.forget(key)
        return None


@contextmanager
def _sending(api: Api, link: Json, file: BinaryIO, size: int) -> Iterator[Sending | PartSending]:
    """The transfer that the links are for. Raises Failure if a link must not be used."""
    if "parts" not in link:
        api.checked_link(link["url"])
        with Sending(link, file, size) as sending:
            yield sending
        return

    def checked(links: Json) -> Json:
        for url in (links["completeUrl"], *(part["url"] for part in links["parts"])):
            api.checked_link(url)
        return links

    yield PartSending(checked(link), lambda: checked(api.post(upload_path(link["uploadId"], "/parts"), {})), file, size)


def _start_again(wish: Wish) -> str:
    return f"{wish.path.name} was not sent completely, so nothing of it is imported; start again."


def _how_to_go_on(wish: Wish) -> str:
    return f"{wish.path.name} was not sent completely; to send the rest, run the same command within two days."


def _goes_on(some_id: str) -> str:
    return f"the import continues; watch it with: {command('kintell', 'status', some_id, '--watch')}"


def _announcement(wish: Wish, size: int) -> Json:
    # JSON can't hold a name that is not UTF-8.
    name = os.fsencode(wish.path.name).decode(errors="replace")
    options = {option: value for option, value in wish.options.items() if value not in (None, False)}
    return {"fileName": name, "sizeBytes": size, **options}


def _refused_at_once(problem: ApiProblem) -> Json:
    """The refusal of a file that is not even sent. Raises the problem if it is not a refusal."""
    if problem.code in ("invalid_request", "invalid_option"):
        raise WrongUse(str(problem)) from problem
    if problem.status != 422:
        raise problem
    return {"state": "refused", "refusal": {"code": problem.code, "message": str(problem)}}


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading. Raises Failure, WrongUse."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WrongUse(f"{path} is not a file; give a CSV file.")
        file = path.open("rb")
    except FileNotFoundError as failed:
        raise WrongUse(f"There is no file {path}; check the name and the folder.") from failed
    except OSError as failed:
        raise Failure(f"{path} can't be read ({failed.strerror}).") from failed
    with file:
        yield file


@contextmanager
def _interruptible(then: str) -> Iterator[None]:
    """Ctrl-C here ends the command with a sentence about what happens to the import."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise Interrupted(f"Stopped: {then}") from stopped


def _report(upload: Json, batch: Json | None) -> list[str]:
    if upload["state"] == "refused":
        return refusal(upload["refusal"])
    if batch is not None:
        return [*remarks(batch), *ending(batch)]
    batch_id = upload.get("batchId")
    lines = [line("Upload ID", upload["uploadId"])]
    if batch_id:
        lines.append(line("Batch ID", batch_id))
    return [*lines, line("Watch", command("kintell", "status", batch_id or upload["uploadId"], "--watch"))]
