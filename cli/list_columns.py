"""The columns of each list, in the order in which a pipe gets all of them."""

import re
from collections.abc import Callable
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

_SESSIONS: Final = {
    "rowNumber": Column("Row", field("rowNumber"), is_number=True),
    "outcome": Column("Outcome", field("outcome"), rank=1),
    "externalSessionId": Column("Session", field("externalSessionId"), rank=0, may_be_cut=True),
    "id": Column("Id", field("id"), rank=6, is_number=True),
    "participantEmail": Column("Participant", field("participantEmail"), rank=3, may_be_cut=True),
    "volunteerEmail": Column("Volunteer", field("volunteerEmail"), rank=4, may_be_cut=True),
    "scheduledAt": Column("Scheduled", _time("scheduledAt"), rank=2),
    "completedAt": Column("Completed", _time("completedAt"), rank=5),
    "durationMinutes": Column("Minutes", field("durationMinutes"), rank=7, is_number=True),
    "rating": Column("Rating", field("rating"), rank=8, is_number=True),
    "languageLevel": Column("Level", field("languageLevel"), rank=9),
    "programInstance": Column("Instance", field("programInstance"), rank=10, may_be_cut=True),
}
_NOT_LISTED: Final = ("programType", "feedbackText", "focusArea", "topics", "metadata")
"""Fields that are the same in all rows, or too long for a list."""


def of_records(items: list[Json]) -> list[Column]:
    """Columns for sessions, as far as the answer has them, then any other fields of the record under their names."""
    answered = list(items[0]) if items else list(_SESSIONS)
    known = [column for name, column in _SESSIONS.items() if name in answered]
    others = [name for name in answered if name not in _SESSIONS and name not in _NOT_LISTED]
    return known + [Column(_heading(name), field(name), rank=11, may_be_cut=True) for name in others]


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
        "Errors": summary["errorRows"],
        "Unfinished": summary["unfinishedBatches"],
        "Dry runs": summary["dryRuns"],
    }
