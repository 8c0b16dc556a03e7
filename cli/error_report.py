"""A batch's rejected rows: what is wrong with them, by fault, and the error file."""

import codecs
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import click

from cli.api import Api, Json, backfill_path
from cli.command_errors import Failure, WrongUse
from cli.output import is_terminal, show_json
from cli.transfers import download
from cli.waiting import get_batch
from cli.words import clean, command, counted, file_argument, visible

STDOUT: Final = Path("-")
WHOLE_ROW: Final = "row"
TABLES: Final = (".csv", ".xlsx")

_SUFFIX: Final = re.compile(r"\.(?:(?:csv|txt|tsv)(?:\.gz)?|xlsx)$", re.IGNORECASE)
_ERRORS: Final = re.compile(r"[\s_-]errors$", re.IGNORECASE)


def fetch_errors(api: Api, batch_id: str, target: Path | None, *, overwrite: bool, as_json: bool) -> None:
    """Show the faults and save the file to *target*: a file, a folder or None, the current one. Raises Failure."""
    to_stdout = target == STDOUT
    if target is not None and not to_stdout:
        _may_write(target, overwrite=overwrite)
    batch = get_batch(api, batch_id)
    if not to_stdout:
        # Checked before requesting the link, since each link counts as a download.
        _may_write(_place(target, name_of_errors(batch["fileName"])), overwrite=overwrite)
    link = api.get(backfill_path(batch_id, "/errors"), **_form(target))
    if to_stdout:
        click.echo("\n".join(faults_of(batch, link["rows"])), err=True)
        download(api.checked_link(link["url"]), _Shown() if is_terminal() else sys.stdout.buffer)
        sys.stdout.flush()
        return
    file = _place(target, link["fileName"])
    if not as_json:
        click.echo("\n".join(faults_of(batch, link["rows"])))
    _may_write(file, overwrite=overwrite)
    with _written(file, overwrite=overwrite) as out:
        download(api.checked_link(link["url"]), out)
    if as_json:
        about = {"batchId": batch["batchId"], "fileName": link["fileName"], "rows": link["rows"]}
        show_json({**about, "savedTo": str(file), "faults": batch["errorSummary"]})
        return
    click.echo(f"Saved to {clean(file)}")
    again = command("kintell", "import", file_argument(file), "--parent", batch_id)
    click.echo(f"Fix the rows, then run: {again}")


def _form(target: Path | None) -> Json:
    """The form to ask for: a workbook for a file named so."""
    return {"format": "xlsx"} if target is not None and target.suffix.lower() == ".xlsx" and not target.is_dir() else {}


class _Shown:
    """Writes the file to a terminal, making its control characters harmless."""

    def __init__(self) -> None:
        # The second one keeps the two characters of a line ending together.
        self._decoder = io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder("utf-8-sig")("replace"), translate=False
        )

    def write(self, block: bytes) -> None:
        """Write a block of the file."""
        click.echo(visible(self._decoder.decode(block)), nl=False)


def faults_of(batch: Json, rows: int) -> list[str]:
    """The faults, most frequent first."""
    summary = sorted(batch["errorSummary"], key=lambda fault: (-fault["count"], fault["code"], fault["field"]))
    width = max((len(str(fault["count"])) for fault in summary), default=1)
    head = f"{counted(rows, 'row')} of {clean(batch['fileName'])} rejected"
    return [f"{head}:" if summary else f"{head}.", *(line for fault in summary for line in _fault(fault, width))]


def _fault(fault: Json, width: int) -> list[str]:
    """What is wrong and, below it, what to do about it, in the API's words."""
    code, field = fault["code"], fault["field"]
    about = clean(fault.get("title") or fault["category"])
    where = code if field in (None, "", WHOLE_ROW) else f"{code}, {field}"
    advice = fault.get("advice")
    return [
        f"  {fault['count']:>{width}} × {about} ({clean(where)})",
        *([f"{'':{width + 5}}{clean(advice)}"] if advice else []),
    ]


def name_of_errors(file_name: str) -> str:
    """The name that the API gives to the error file of a file."""
    return f"{_ERRORS.sub('', _SUFFIX.sub('', file_name))}-errors.csv"


def _place(target: Path | None, file_name: str) -> Path:
    """The API's name, made safe: always a table in this folder, never a hidden file or one that a program reads."""
    name = clean(file_name.replace("\\", "/").rpartition("/")[2]).strip(" .") or "errors"
    folder = target if target is not None and target.is_dir() else Path()
    if target is not None and not target.is_dir():
        return target
    return folder / (name if name.lower().endswith(TABLES) else f"{name}.csv")


def _may_write(file: Path, *, overwrite: bool) -> None:
    if file.is_dir() or _is_device(file):
        return
    if file.exists() and not overwrite:
        raise WrongUse(f"{file} already exists; add --overwrite, or name another file with -o.")
    if not file.parent.is_dir():
        raise WrongUse(f"There is no folder {file.parent}; create it first.")


def _is_device(file: Path) -> bool:
    return file.exists() and not file.is_file()


@contextmanager
def _written(file: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Write the file so that it appears only when complete, readable only by its owner: it holds personal data."""
    if _is_device(file):
        with file.open("wb") as out:
            yield out
        return
    try:
        number, name = tempfile.mkstemp(dir=file.parent, prefix=".kintell-")
        unfinished = Path(name)
        try:
            with os.fdopen(number, "wb") as out:
                yield out
            if not overwrite:
                file.open("xb").close()  # fails if somebody has created it meanwhile
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as failed:
        raise Failure(f"{file} can't be written ({failed.strerror}); choose another place with -o.") from failed
