"""The registry of programmes: one line for each, in the order in which they are tried."""

from ingestion.errors import RefusalCode, Refused
from ingestion.records.kintell_users import KINTELL_USERS, PERSON
from ingestion.records.language_ukraine import LANGUAGE_UKRAINE
from ingestion.records.mentors_ukraine import MENTORS_UKRAINE
from ingestion.records.programme import Programme
from ingestion.records.record_type import Column, Field, Kind, RecordType
from ingestion.records.session import SESSION

__all__ = [
    "PERSON",
    "PROGRAMMES",
    "SESSION",
    "Column",
    "Field",
    "Kind",
    "Programme",
    "RecordType",
    "get_programme",
    "known_headers",
]

PROGRAMMES = {
    programme.program_type: programme
    for programme in (
        MENTORS_UKRAINE,
        LANGUAGE_UKRAINE,
        KINTELL_USERS,
    )
}


def known_headers() -> frozenset[str]:
    """Return the names that columns of any programme may have."""
    columns = (column for programme in PROGRAMMES.values() for column in programme.columns)
    return frozenset(name for column in columns for name in (column.name, *column.aliases))


def get_programme(program_type: str) -> Programme:
    """Return the programme of this exact program_type; raises Refused if there is none. `uploads` reads aliases."""
    if program_type not in PROGRAMMES:
        raise Refused(
            RefusalCode.UNKNOWN_PROGRAM,
            f'There is no programme "{program_type}"; name one of {", ".join(PROGRAMMES)}.',
        )
    return PROGRAMMES[program_type]
