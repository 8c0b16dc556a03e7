"""A batch: its states and the transitions between them, the outcomes of its rows, and their faults."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, NonNegativeInt
from typing_extensions import TypedDict

from ingestion.catalogue import CatalogueCode, Text
from ingestion.faults import Fault, FaultCode


class BatchStatus(StrEnum):
    """The state of a batch."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    ARCHIVED = "archived"
    UNDOING = "undoing"
    UNDONE = "undone"


NEXT: Final[dict[BatchStatus, frozenset[BatchStatus]]] = {
    BatchStatus.PENDING: frozenset({BatchStatus.RUNNING, BatchStatus.FAILED}),
    BatchStatus.RUNNING: frozenset({BatchStatus.COMPLETED, BatchStatus.FAILED}),
    BatchStatus.COMPLETED: frozenset({BatchStatus.ARCHIVED, BatchStatus.UNDOING}),
    # A batch whose import an error stopped may be started again.
    BatchStatus.FAILED: frozenset({BatchStatus.RUNNING}),
    BatchStatus.ARCHIVED: frozenset(),
    # An undo that fails before it has changed anything leaves the batch as it was.
    BatchStatus.UNDOING: frozenset({BatchStatus.UNDONE, BatchStatus.COMPLETED}),
    # Rows that a later batch had changed can be undone once that batch is.
    BatchStatus.UNDONE: frozenset({BatchStatus.UNDOING}),
}


AT_WORK: Final = (BatchStatus.PENDING, BatchStatus.RUNNING)
"""The states in which an import goes on."""


class Tally(BaseModel):
    """The outcomes of a chunk's or a batch's rows, counted."""

    model_config = ConfigDict(frozen=True)

    total: NonNegativeInt = 0
    inserted: NonNegativeInt = 0
    updated: NonNegativeInt = 0
    unchanged: NonNegativeInt = 0
    unpublished: NonNegativeInt = 0
    rejected: NonNegativeInt = 0

    @property
    def success(self) -> int:
        """Rows that this batch stored as sessions or people."""
        return self.inserted + self.updated

    @property
    def skipped(self) -> int:
        """Rows that were already stored with the same content, and valid rows of a batch that published nothing."""
        return self.unchanged + self.unpublished

    @property
    def errors(self) -> int:
        """Rows that were rejected."""
        return self.rejected

    @property
    def balances(self) -> bool:
        """Whether every row has exactly one outcome, as it must in a batch and in each chunk."""
        return self.total == self.success + self.skipped + self.errors

    @property
    def outcome(self) -> BatchStatus:
        """A batch fails only when it had rows and every one was rejected."""
        nothing_usable = self.total > 0 and self.rejected == self.total
        return BatchStatus.FAILED if nothing_usable else BatchStatus.COMPLETED

    @property
    def error_percent(self) -> float:
        """Rejected rows as a percentage of all; 0 for a file without rows."""
        return 100 * self.rejected / self.total if self.total else 0.0

    def is_over(self, max_error_percent: float) -> bool:
        """Whether more rows were rejected than the limit allows; the limit itself is allowed."""
        return 100 * self.rejected > max_error_percent * self.total

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            total=self.total + other.total,
            inserted=self.inserted + other.inserted,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            unpublished=self.unpublished + other.unpublished,
            rejected=self.rejected + other.rejected,
        )


class FailureCode(CatalogueCode):
    """Why a batch failed, for programs; part of the catalogue."""

    EVERY_ROW_REJECTED = (
        "every_row_rejected",
        Text("Every row was rejected", "Alle rader ble avvist"),
        Text(
            "Fix the rows in the error file and upload it.",
            "Rett radene i feilfilen og last den opp.",
        ),
    )
    TOO_MANY_ERRORS = (
        "too_many_errors",
        Text("More rows were rejected than the limit allows", "Flere rader ble avvist enn grensen tillater"),
        Text(
            "Nothing was imported. Fix the rows in the original file and import it again, or allow more rejected rows.",
            "Ingenting ble importert. Rett radene i den opprinnelige filen og importer den på nytt, eller tillat flere "
            "avviste rader.",
        ),
    )
    CANCELLED = (
        "cancelled",
        Text("The import was cancelled", "Importen ble avbrutt"),
        Text(
            "Nothing of it was imported. Upload the file again to import it.",
            "Ingenting av den ble importert. Last opp filen på nytt for å importere den.",
        ),
    )
    IMPORT_BROKE = (
        "import_broke",
        Text("An error stopped the import", "En feil stoppet importen"),
        Text(
            "Nothing was imported. Import the file again; if an error stops it again, ask the engineers.",
            "Ingenting ble importert. Importer filen på nytt. Hvis den stopper igjen, spør du utviklerne.",
        ),
    )


class Failure(NamedTuple):
    """Why a batch failed: a code for programs, a sentence for people."""

    code: FailureCode
    sentence: str

    @property
    def reason(self) -> str:
        """Both, as they are stored and as the API shows them."""
        return f"{self.code}: {self.sentence}"

    @staticmethod
    def sentence_of(reason: str, code: str | None) -> str:
        """The sentence of a stored reason."""
        return reason.removeprefix(f"{code}: ")


class FaultCount(TypedDict):
    """One line of `errorSummary`; contains no personal data."""

    code: str
    category: str
    field: str
    count: int


class FaultCounts:
    """How often each fault occurred, by code and field."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[FaultCode, str]] = Counter()

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> Self:
        """Count these faults."""
        counts = cls()
        counts.add(faults)
        return counts

    @classmethod
    def from_summary(cls, summary: Iterable[FaultCount]) -> Self:
        """Read what `as_summary` returned."""
        counts = cls()
        for line in summary:
            counts._counts[FaultCode(line["code"]), line["field"]] += line["count"]
        return counts

    def add(self, faults: Iterable[Fault]) -> None:
        """Count more faults."""
        self._counts.update((fault.code, fault.field) for fault in faults)

    def merge(self, other: "FaultCounts") -> None:
        """Add the counts of another chunk."""
        self._counts.update(other._counts)

    def as_summary(self) -> list[FaultCount]:
        """Return the counts, most frequent first, then by code and field."""
        ordered = sorted(self._counts.items(), key=lambda entry: (-entry[1], *entry[0]))
        return [
            FaultCount(code=code.value, category=code.category.value, field=field, count=count)
            for (code, field), count in ordered
        ]
