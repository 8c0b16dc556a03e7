"""Read the header line of a file for its programme: which cell of a row holds which column."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ingestion.csv_file.header_names import looks_like_a_row, nearest_names, read_instead
from ingestion.errors import RefusalCode, Refused
from ingestion.records.programme import Programme, header_name
from ingestion.records.record_type import Column, Kind
from ingestion.records.session import INSTANCE_REF, SESSION_TYPE
from ingestion.rows.formulas import restore
from ingestion.values.dates import NOTHING_DECLARED, Declared

ERROR_COLUMNS: Final = ("_error_row", "_error_line", "_error_code", "_error_message", "_error_batch")
_RENAMED: Final = re.compile(r"(?:x?_)?error_(?:row|line|code|message|batch)")
"""As R and its packages write the names of our columns: X_error_row, error_row."""
_LEAST_RENAMED: Final = 3
"""So many together are ours: other files have an error_code of their own."""
_ADD: Final = "Add what is missing and upload the file again."


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """The columns of one file. Indexes count a row's cells from 0."""

    programme: Programme
    headers: tuple[str, ...]
    """The header cells as the file has them."""
    indexes: dict[str, int]
    """The cell of each column of the programme that the file has, by canonical name."""
    unknown_headers: tuple[str, ...]
    """As written, in file order: headers that the programme does not know, and repeats of those that it knows."""
    schema_version: str
    instance_ref_index: int | None
    """The cell that names the programme instance, if a column does."""
    session_type_index: int | None
    """The cell that names the programme of the row, if a column does."""
    original_indexes: tuple[int, ...]
    """All cells but those of the `_error_*` columns."""
    is_error_file: bool
    """Whether this is a returned error file, whose cells are neutralised."""
    declared: Declared = NOTHING_DECLARED
    """What the uploader declared about dates."""

    @property
    def nearest_names(self) -> dict[str, str]:
        """The columns that unknown headers may mean, without those that the file has."""
        return nearest_names(self.unknown_headers, self.programme.free_names(self.indexes))

    def error_column(self, name: str) -> int | None:
        """Return the index of one of the `_error_*` columns, if the file has it."""
        return error_columns(self.headers).get(name)


def plan_columns(
    headers: Sequence[str], programme: Programme, declared: Declared = NOTHING_DECLARED, *, corrects: bool = False
) -> ColumnPlan:
    """Read the header line; raises Refused(MISSING_COLUMNS), which names the required columns that it lacks.

    *corrects* says that this is a returned error file, even if its `_error_*` columns have gone.
    """
    originals = original_indexes(headers)
    is_error_file = corrects or len(originals) < len(headers)
    names = _names(headers, is_error_file=is_error_file)
    indexes = _indexes(names, programme)
    has_instances = programme.kind is Kind.SESSIONS
    instance_ref_index = _first(INSTANCE_REF, names) if has_instances else None
    session_type_index = _first(SESSION_TYPE, names) if has_instances else None
    known = {*indexes.values(), instance_ref_index, session_type_index}
    if has_instances:
        known |= {_first((name,), names) for name in INSTANCE_REF}
    unknown = tuple(headers[index] for index in originals if index not in known and names[index])
    _check_required(programme, indexes, unknown)
    return ColumnPlan(
        programme=programme,
        headers=tuple(headers),
        indexes=indexes,
        unknown_headers=unknown,
        schema_version=programme.schema_version(frozenset(indexes)),
        instance_ref_index=instance_ref_index,
        session_type_index=session_type_index,
        original_indexes=originals,
        is_error_file=is_error_file,
        declared=declared,
    )


def original_indexes(headers: Sequence[str]) -> tuple[int, ...]:
    """Return the indexes of all columns but our `_error_*` columns."""
    return tuple(index for index, name in enumerate(_our_names(headers)) if name is None)


def error_columns(headers: Sequence[str]) -> dict[str, int]:
    """Return the indexes of our `_error_*` columns by name, also where a program has renamed them."""
    return {name: index for index, name in reversed(list(enumerate(_our_names(headers)))) if name}


def _our_names(headers: Sequence[str]) -> list[str | None]:
    names = list(map(header_name, headers))
    renamed = [f"_error_{name.rpartition('_')[2]}" if _RENAMED.fullmatch(name) else None for name in names]
    is_ours = len(set(filter(None, renamed))) >= _LEAST_RENAMED
    return [
        name if name in ERROR_COLUMNS else other if is_ours else None
        for name, other in zip(names, renamed, strict=True)
    ]


def places_in_error_file(headers: Sequence[str], programme: Programme, *, corrects: bool) -> dict[str, int]:
    """Return the index of each of the programme's columns in the error file of a file with these headers."""
    originals = original_indexes(headers)
    names = _names(headers, is_error_file=corrects or len(originals) < len(headers))
    return {name: originals.index(index) for name, index in _indexes(names, programme).items()}


def _names(headers: Sequence[str], *, is_error_file: bool) -> dict[int, str]:
    originals = original_indexes(headers)
    return {index: header_name(restore(headers[index]) if is_error_file else headers[index]) for index in originals}


def _indexes(names: dict[int, str], programme: Programme) -> dict[str, int]:
    return {column.name: index for column in programme.columns if (index := _find(column, names)) is not None}


def _find(column: Column, names: dict[int, str]) -> int | None:
    """Find a column by its own name, else by an alias; the first of repeats counts."""
    return _first((column.name, *column.aliases), names)


def _first(wanted: Sequence[str], names: dict[int, str]) -> int | None:
    return next((index for name in wanted for index, found in names.items() if found == name), None)


def _check_required(programme: Programme, indexes: dict[str, int], unknown: Sequence[str]) -> None:
    missing = [column for column in programme.columns if column.required and column.name not in indexes]
    if not missing:
        return
    named = ", ".join(" or ".join((column.name, *column.aliases)) for column in missing)
    if indexes:
        what = f"The header line lacks the required {'columns' if len(missing) > 1 else 'column'} {named}."
    else:
        what = (
            f"The first line has none of the columns of {programme.name}; the header line must have at least {named}."
        )
    if not unknown or looks_like_a_row(unknown):
        raise Refused(RefusalCode.MISSING_COLUMNS, f"{what} {_ADD}")
    free = programme.free_names(indexes)
    advice = _advice(missing, set(nearest_names(unknown, free).values()))
    raise Refused(RefusalCode.MISSING_COLUMNS, f"{what} {read_instead(unknown, free)} {advice}")


def _advice(missing: Sequence[Column], nearest: set[str]) -> str:
    """Say what to do about missing columns: rename the headers that seem to mean them, or add them."""
    to_rename = [column for column in missing if not nearest.isdisjoint((column.name, *column.aliases))]
    if not to_rename:
        return _ADD
    add = ", add what is missing," if len(to_rename) < len(missing) else ""
    return f"Rename each of these headers to the nearest name if it means the same{add} and upload the file again."
