"""The warnings of a batch: codes for what was tolerated in a file, and how often."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ingestion.catalogue import CatalogueCode, Text


class WarningCode(CatalogueCode):
    """The codes of warnings."""

    # Found while the file is indexed.
    LOST_CHARACTERS = (
        "lost_characters",
        Text("Characters were lost before the upload (?????)", "Tegn gikk tapt før filen ble lastet opp (?????)"),
        Text("Export the file again as CSV UTF-8.", "Eksporter filen på nytt som CSV UTF-8."),
    )
    PREAMBLE_ROWS = (
        "preamble_rows",
        Text("Lines above the header row were left out", "Linjer over overskriftsraden ble utelatt"),
        Text("Check that none of them was a row.", "Sjekk at ingen av dem var en rad."),
    )
    REPEATED_HEADERS = (
        "repeated_headers",
        Text(
            "The header row is repeated further down; the rows below it were read by the repeated header",
            "Overskriftsraden er gjentatt lenger ned; radene under ble lest etter den",
        ),
        Text(
            "Nothing, if the file was put together from several files.",
            "Ingenting, hvis filen er satt sammen av flere filer.",
        ),
    )
    REPEATED_COLUMNS = (
        "repeated_columns",
        Text(
            "Columns have the same name but different values; the first one counts",
            "Kolonner har samme navn, men ulike verdier; den første gjelder",
        ),
        Text("Remove the column that is wrong.", "Fjern kolonnen som er feil."),
    )
    FOOTER_ROWS = (
        "footer_rows",
        Text("Total lines at the end were left out", "Summeringslinjer på slutten ble utelatt"),
        Text("Check that none of them was a row.", "Sjekk at ingen av dem var en rad."),
    )
    FOOTER_COUNT_DIFFERS = (
        "footer_count_differs",
        Text(
            "The last line gives a different number of rows than were found",
            "Den siste linjen oppgir et annet antall rader enn det som ble funnet",
        ),
        Text("Check that the export is complete.", "Sjekk at eksporten er fullstendig."),
    )
    END_OF_FILE_MARKS = (
        "end_of_file_marks",
        Text("End-of-file marks were left out", "Sluttmerker i filen ble utelatt"),
        Text("Nothing; they contain no data.", "Ingenting; de inneholder ingen data."),
    )
    ENCODED_TWICE = (
        "encoded_twice",
        Text(
            "Texts seem to have been encoded twice before the upload (MÃ¸te)",
            "Tekster ser ut til å ha blitt kodet to ganger før filen ble lastet opp (MÃ¸te)",
        ),
        Text("Export the file again as CSV UTF-8.", "Eksporter filen på nytt som CSV UTF-8."),
    )
    ENCODING_UNSURE = (
        "encoding_unsure",
        Text(
            "The encoding is likely but not certain; check names with special letters",
            "Tegnkodingen er sannsynlig, men ikke sikker; sjekk navn med spesielle bokstaver",
        ),
        Text(
            "If a name is wrong, export the file as CSV UTF-8.",
            "Hvis et navn er feil, eksporterer du filen som CSV UTF-8.",
        ),
    )
    CORRECTED_ROWS_GONE = (
        "corrected_rows_gone",
        Text(
            "Rows of a corrected file could not be compared with the rejected rows, which have been deleted",
            "Rader i en rettet fil kunne ikke sammenlignes med de avviste radene, som er slettet",
        ),
        Text(
            "Check the rows. Rejected rows are kept for {error_file_time}.",
            "Sjekk radene. Avviste rader beholdes i {error_file_time}.",
        ),
    )
    OTHER_SHEETS = (
        "other_sheets",
        Text(
            "Other sheets of the workbook have columns that can be imported too; they were left out",
            "Andre ark i arbeidsboken har også kolonner som kan importeres; de ble utelatt",
        ),
        Text(
            "Upload each of them as a workbook of its own if it has rows that you need.",
            "Last opp hvert av dem som en egen arbeidsbok hvis det har rader du trenger.",
        ),
    )
    # Found by comparing the rows with those of earlier files.
    SAME_ROWS = (
        "same_rows",
        Text(
            "The file has the same rows as an earlier import, saved again",
            "Filen har de samme radene som en tidligere import, lagret på nytt",
        ),
        Text(
            "If you meant to import another file, check which one you chose.",
            "Hvis du ville importere en annen fil, sjekker du hvilken du valgte.",
        ),
    )
    MOSTLY_IMPORTED = (
        "mostly_imported",
        Text(
            "Most rows are the same as in an earlier import of another file",
            "De fleste radene er de samme som i en tidligere import av en annen fil",
        ),
        Text(
            "Check that you chose the right file: it may be that of another month under a new name.",
            "Sjekk at du valgte riktig fil: den kan være en annen måneds fil med nytt navn.",
        ),
    )
    # Found in the rows.
    CELLS_EMPTIED = (
        "cells_emptied",
        Text(
            "Cells with N/A, -, NULL or the like were read as empty",
            "Celler med N/A, -, NULL og lignende ble lest som tomme",
        ),
        Text("Nothing, if they mean that there is no value.", "Ingenting, hvis de betyr at det ikke finnes en verdi."),
    )
    IDS_DAMAGED = (
        "ids_damaged",
        Text("Ids were damaged by a spreadsheet", "Id-er er ødelagt av et regneark"),
        Text(
            "Export the file again, and import it without saving it in a spreadsheet.",
            "Eksporter filen på nytt, og importer den uten å lagre den i et regneark.",
        ),
    )
    LOOKALIKE_LETTERS = (
        "lookalike_letters",
        Text(
            "Levels in Cyrillic letters were read as the Latin letters that look the same",
            "Nivåer med kyrilliske bokstaver ble lest som de latinske bokstavene de ligner på",
        ),
        Text("Nothing; use Latin letters next time.", "Ingenting; bruk latinske bokstaver neste gang."),
    )
    RATING_SCALE_ASSUMED = (
        "rating_scale_assumed",
        Text(
            "No rating shows whether the scale is 0–1 or 1–5; 1–5 was assumed",
            "Ingen vurdering viser om skalaen er 0–1 eller 1–5; den ble antatt å være 1–5",
        ),
        Text(
            "If the scale is 0–1, ask for help before you use the figures.",
            "Hvis skalaen er 0–1, ber du om hjelp før du bruker tallene.",
        ),
    )
    ROLES_UNCLEAR = (
        "roles_unclear",
        Text(
            "People with an unclear role were added as participants",
            "Personer med uklar rolle ble registrert som deltakere",
        ),
        Text("Check their roles in Kintell.", "Sjekk rollene deres i Kintell."),
    )
    SESSION_TYPES_UNKNOWN = (
        "session_types_unknown",
        Text(
            "Rows have a session_type that names no programme; they were imported into this one",
            "Rader har en session_type som ikke er et program; de ble importert til dette programmet",
        ),
        Text("Check that they belong to this programme.", "Sjekk at de hører til dette programmet."),
    )
    SHORT_ROWS_FILLED = (
        "short_rows_filled",
        Text(
            "Rows lacked cells at the end; these were read as empty",
            "Rader manglet celler på slutten; de ble lest som tomme",
        ),
        Text("Check that no row was cut off.", "Sjekk at ingen rad er kuttet."),
    )


OF_ROWS: Final = (
    WarningCode.CELLS_EMPTIED,
    WarningCode.IDS_DAMAGED,
    WarningCode.LOOKALIKE_LETTERS,
    WarningCode.RATING_SCALE_ASSUMED,
    WarningCode.ROLES_UNCLEAR,
    WarningCode.SESSION_TYPES_UNKNOWN,
    WarningCode.SHORT_ROWS_FILLED,
)
"""The warnings that the import counts, chunk by chunk; intake finds those about the file."""


OF_EARLIER_FILES: Final = (WarningCode.SAME_ROWS, WarningCode.MOSTLY_IMPORTED)
"""The warnings that name an earlier batch; found before anything is published."""


class FileWarning(BaseModel):
    """Something odd about a file that did not prevent the import; `count` says how often."""

    model_config = ConfigDict(frozen=True)

    code: str
    count: int


def warnings_of(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the warnings with a count above zero, ordered by code, as they are stored."""
    return [{"code": str(code), "count": count} for code, count in sorted(counts.items()) if count]
