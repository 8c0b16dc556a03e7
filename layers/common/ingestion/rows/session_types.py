"""The `session_type` column of combined exports, which names the programme of each row."""

import re

from ingestion.faults import Fault, FaultCode
from ingestion.records import PROGRAMMES, Kind, Programme
from ingestion.records.programme import plain
from ingestion.values.marks import shown
from ingestion.values.spreadsheets import bare

_LONGEST = 255


def read(text: str) -> str | None:
    """Return the program_type that the cell names: empty for an empty cell, None if it names no session programme."""
    value = bare(text)
    if not value:
        return ""
    name = plain(value[:_LONGEST])
    programmes = [programme for programme in PROGRAMMES.values() if programme.kind is Kind.SESSIONS]
    for programme in programmes:
        if name in programme.names or name == programme.session_type:
            return programme.program_type
    told = {programme.program_type for programme in programmes if _names_type(name, programme)}
    return told.pop() if len(told) == 1 else None


def _names_type(name: str, programme: Programme) -> bool:
    """Whether a word is the programme's session type or has its stem: `mentoring` and `mentor`, `languages`."""
    stem = (programme.session_type or programme.program_type).removesuffix("ship")
    return any(word.startswith(stem) for word in re.split(r"[\W_]+", name))


def other_programme(text: str, program_type: str, programme: Programme) -> Fault:
    """Return the fault of a row of *program_type* in a file of *programme*."""
    value = bare(text)
    message = (
        f"session_type: {shown(value)} is a session of {PROGRAMMES[program_type].name}, but this file belongs to "
        f"{programme.name}; to import the row, upload the error file for {program_type}"
    )
    return Fault(FaultCode.OTHER_PROGRAMME, "session_type", message, text)
