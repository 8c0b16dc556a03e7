"""What can go wrong with a file or a dependency, and whether trying again helps.

IngestionError
├── Refused        the file is at fault: never retried, recorded on its upload and shown to the uploader
├── BatchBroken    the import can't continue: the batch fails with this message as its reason
├── PlanStale      what a commit carries out has changed since it was planned: the batch fails
├── Cancelled      somebody cancelled the import: the batch fails, and nothing of it stays
├── Unavailable    a dependency is at fault or busy: the state machine retries
│   └── ProgrammeBusy   another batch of the programme is being merged: wait for it
├── StagingLost    the database restarted without its unlogged tables: stage the file again
└── NotStorable    the database can't store a value: never retried, reported to whoever sent it

The class names are a contract with statemachine/import_batch.asl.yaml; a test holds the two together.
A bad row is a value, not an error: see `faults.Reject`.
"""

from ingestion.refusal_codes import RefusalCode

__all__ = [
    "BatchBroken",
    "Cancelled",
    "IngestionError",
    "NotStorable",
    "PlanStale",
    "ProgrammeBusy",
    "RefusalCode",
    "Refused",
    "StagingLost",
    "Unavailable",
]


class IngestionError(Exception):
    """The base class of all errors that this system raises on purpose."""


class Refused(IngestionError):
    """The file is at fault; `message` says what the uploader can do."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BatchBroken(IngestionError):
    """The import can't continue, and trying again would not help."""


class PlanStale(IngestionError):
    """Rows of a commit are not as they were planned, and its user did not want them to be left out."""


class Cancelled(IngestionError):
    """Somebody cancelled the import; whatever was published of it is taken back."""


class Unavailable(IngestionError):
    """A dependency failed; trying again may help."""


class ProgrammeBusy(Unavailable):
    """Another batch of the same programme is being merged."""


class StagingLost(IngestionError):
    """The staged rows are gone, as after a crash of the database; staging the file again restores them."""


class NotStorable(IngestionError):
    """PostgreSQL can't store a value: half a surrogate pair, a NUL, a date out of range, an infinite number."""
