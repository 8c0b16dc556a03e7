"""Finds the batch whose rejected rows a file brings back: the uploader or the file's `_error_batch` names it."""

from collections.abc import Iterator
from uuid import UUID

from ingestion.csv_file.file_pass import ScannedFile
from ingestion.database.connection import Connection
from ingestion.database.tables import batches
from ingestion.database.tables.batches import Parent
from ingestion.errors import RefusalCode, Refused
from ingestion.rows.columns import ColumnPlan, error_columns, original_indexes
from ingestion.rows.formulas import restore
from ingestion.rows.shown_dates import is_left_alone, may_be_either
from ingestion.source import Source
from ingestion.uploads.upload_options import UploadOptions
from ingestion.values import dates

_MOST_IDS = 100


def named_parent(options: UploadOptions, db: Connection) -> Parent | None:
    """The batch that the uploader names. Raises Refused(NO_SUCH_PARENT_BATCH)."""
    if options.parent_batch is None:
        return None
    parent = batches.find_parent(db, options.parent_batch)
    if parent is None:
        raise Refused(
            RefusalCode.NO_SUCH_PARENT_BATCH,
            f"There is no batch {options.parent_batch}; name the batch whose error file this corrects, or none.",
        )
    return parent


def find_parent(named: Parent | None, source: Source, scanned: ScannedFile, db: Connection) -> Parent | None:
    """The batch that the rows name, or else the uploader.

    Raises Refused if they name two, unless the one that the rows name corrects the other. Compared with the rejects of
    the wrong batch, rows that were cut or padded to fit would come in as new.
    """
    of_rows = _parent_of_rows(source, scanned, db)
    if named and of_rows and not batches.is_in_line(db, of_rows.id, named.id):
        raise Refused(
            RefusalCode.NO_SUCH_PARENT_BATCH,
            f"The file has rows from the error file of batch {of_rows.id}, but corrects batch {named.id} according to "
            f"its uploader; name batch {of_rows.id}, or none.",
        )
    return of_rows or named


def _parent_of_rows(source: Source, scanned: ScannedFile, db: Connection) -> Parent | None:
    """The batch that the rows of a returned error file name. Raises Refused if they name several.

    Ids that belong to no batch are ignored, such as those that a spreadsheet made by counting up from a real one. Not
    all of them are looked up or kept: a file may have as many as it has rows.
    """
    found, looked_up = None, set[UUID]()
    for batch_id in _named_by_rows(source, scanned):
        if batch_id in looked_up:
            continue
        if len(looked_up) == _MOST_IDS:
            break
        looked_up.add(batch_id)
        parent = batches.find_parent(db, batch_id)
        if parent and found:
            raise Refused(
                RefusalCode.NO_SUCH_PARENT_BATCH,
                "The file has rows from the error files of several batches; upload one file for each batch.",
            )
        found = found or parent
    return found


def lock_parent(parent: Parent | None, db: Connection) -> Parent | None:
    """The parent as it is now: until the transaction ends, nothing is deleted that its correction is held against.

    Raises Refused if it has not ended: it has no rejects yet to hold anything against, nor a rating scale.
    """
    found = batches.find_parent(db, parent.id, lock=True) if parent else None
    if found and not found.has_ended:
        raise Refused(
            RefusalCode.NO_SUCH_PARENT_BATCH,
            f"Batch {found.id}, whose rows this file corrects, is being imported; upload the file again once it has "
            "ended.",
        )
    return found


def refuse_parent_of_other_programme(parent: Parent, programme: str, header: tuple[str, ...]) -> None:
    """Raise Refused unless the file has its parent's programme, or is an error file whose rows had another one."""
    is_error_file = len(original_indexes(header)) < len(header)
    if parent.program_type != programme and not is_error_file:
        raise Refused(
            RefusalCode.NO_SUCH_PARENT_BATCH,
            f"Batch {parent.id} belongs to {parent.program_type}, this file to {programme}; name a batch of the same "
            "programme, or none.",
        )


def find_slashed(source: Source, scanned: ScannedFile, plan: ColumnPlan) -> tuple[int, ...]:
    """The columns of a corrected file that hold dates with slashes: there, somebody typed every date with dots.

    A spreadsheet shows all dates of a column in the same format.
    """
    indexes = [plan.indexes.get(column.name) for column in plan.programme.columns if column.rule is dates.date]
    open_columns = {index for index in indexes if index is not None}
    found: set[int] = set()
    for span in scanned.chunks:
        for block in source.blocks(span):
            for index in open_columns - found:
                if any(is_left_alone(text) for text in {cells[index] for cells in block.rows.cells}):
                    found.add(index)
    return tuple(sorted(found))


def find_typed(source: Source, scanned: ScannedFile, plan: ColumnPlan) -> tuple[int, ...]:
    """Which columns of a workbook have dates that a spreadsheet may have made of the texts that were handed out.

    Where one still has a date with slashes that could be typed, nothing has: there, somebody typed every date.
    """
    open_columns = set(scanned.format.typed) & {
        index for column in plan.programme.columns if (index := plan.indexes.get(column.name)) is not None
    }
    for span in scanned.chunks if open_columns else ():
        for block in source.blocks(span):
            open_columns -= {
                index for index in open_columns if any(may_be_either(cells[index]) for cells in block.rows.cells)
            }
    return tuple(sorted(open_columns))


def inherited(options: UploadOptions, parent: Parent | None) -> UploadOptions:
    """The options; the date options default to those of the parent batch."""
    if parent is None:
        return options
    return options.model_copy(
        update={
            "date_order": options.date_order or parent.date_order,
            "time_zone": options.time_zone or parent.time_zone,
        }
    )


def _named_by_rows(source: Source, scanned: ScannedFile) -> Iterator[UUID]:
    """The batches that the rows name, in file order, each once in a block."""
    at = error_columns(scanned.format.header).get("_error_batch")
    if at is None:
        return
    for span in scanned.chunks:
        for block in source.blocks(span):
            for text in dict.fromkeys(cells[at] for cells in block.rows.cells):
                if batch_id := _id(restore(text).strip()):
                    yield batch_id


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
