"""The columns of each list, in the order in which a pipe gets all of them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cli.api import Json
from cli.output import Column, field, is_terminal
from cli.words import clean, local_time


def _time(name: str) -> Callable[[Json], str]:
    """A time: with its offset in a pipe, without it and to the minute on a terminal, whose reader knows the zone."""

    def value(item: Json) -> str:
        text = local_time(item[name])
        return text[:16] if is_terminal() else text

    return value


BATCHES: Final = [
    Column("Batch", field("batchId")),
    Column("Created", _time("createdAt"), rank=3),
    Column("Status", field("status"), rank=1),
    Column("File", field("fileName"), rank=2, may_be_cut=True),
    Column("Programme", field("programType"), rank=8, may_be_cut=True),
    Column("Instance", field("programInstance"), rank=9, may_be_cut=True),
    Column("Rows", field("totalRows"), rank=4, is_number=True),
    Column("Success", field("successRows"), rank=6, is_number=True),
    Column("Skipped", field("skippedRows"), rank=7, is_number=True),
    Column("Errors", field("errorRows"), rank=5, is_number=True),
]

_RECORD: Final = Path(__file__).with_name("record_columns.json")
"""Written by `make reference`, from the declaration of a session."""


def of_records(items: list[Json]) -> list[Column]:
    """Columns for sessions, as far as the answer has them, then any other fields of the record under their names."""
    record = json.loads(_RECORD.read_text(encoding="utf-8"))
    listed = _of_sessions({name: _of_field(name, **about) for name, about in record["columns"].items()})
    answered = list(items[0]) if items else list(listed)
    known = [column for name, column in listed.items() if name in answered]
    # The programme is the same in all rows.
    others = [name for name in answered if name not in {*listed, *record["leftOut"], "programType"}]
    return known + [Column(_heading(name), field(name), rank=11, may_be_cut=True) for name in others]


def _of_sessions(fields: dict[str, Column]) -> dict[str, Column]:
    """The fields of a session among what frames them: first the row, then the session by its two ids."""
    (key, column), *others = fields.items()
    return {
        "rowNumber": Column("Row", field("rowNumber"), is_number=True),
        "outcome": Column("Outcome", field("outcome"), rank=1),
        key: column,
        "id": Column("Id", field("id"), rank=6, is_number=True),
        **dict(others),
        "programInstance": Column("Instance", field("programInstance"), rank=10, may_be_cut=True),
    }


def _of_field(name: str, **about: Any) -> Column:
    return Column(
        about["header"],
        _time(name) if about["isTime"] else field(name),
        rank=about["rank"],
        is_number=about["isNumber"],
        may_be_cut=about["mayBeCut"],
    )


def _heading(name: str) -> str:
    """`issuedBy` as a heading: Issued by."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def of_batches(_items: list[Json]) -> list[Column]:
    """The same for all."""
    return BATCHES


def of_audit(_items: list[Json]) -> list[Column]:
    """The same for all."""
    return AUDIT


def _details(entry: Json) -> str:
    return ", ".join(f"{name}={clean(value)}" for name, value in entry["details"].items())


def _who(entry: Json) -> str:
    """With what it is, if it is nobody: people may be called anything. Lines of earlier releases don't say."""
    name, kind = clean(entry["actor"]), entry.get("actorKind", "person")
    return name if kind == "person" else f"{name} ({kind})"


AUDIT: Final = [
    Column("At", _time("at")),
    Column("Who", _who, rank=2, may_be_cut=True),
    Column("What", field("action"), rank=1),
    Column("Resource", field("resourceType"), rank=4),
    Column("Resource id", field("resourceId"), rank=5),
    Column("Details", _details, rank=3, may_be_cut=True),
]


def totals(summary: Json) -> dict[str, Any]:
    """The lines of a summary."""
    return {
        "Batches": f"{summary['batches']} ({summary['failedBatches']} failed)",
        "Rows": summary["totalRows"],
        "Success": f"{summary['successRows']} ({summary['insertedRows']} new, {summary['updatedRows']} updated)",
        "Skipped": summary["skippedRows"],
        "Errors": f"{summary['errorRows']} ({summary.get('openRows', summary['errorRows'])} still open)",
        "Unfinished": summary["unfinishedBatches"],
        "Dry runs": summary["dryRuns"],
    }
