"""The error codes of rows, as they appear in the error file and in `errorSummary`; part of the catalogue."""

from enum import StrEnum
from typing import Any, Final, Self

from ingestion.catalogue import CatalogueCode, Text


class Category(StrEnum):
    """The kinds of faults that a summary distinguishes."""

    VALIDATION = "validation"
    USER_NOT_FOUND = "user_not_found"
    DUPLICATE = "duplicate"
    DB_ERROR = "db_error"


_KNOWN_FIRST: Final = Text(
    "Import the roster with this person first, or correct the address.",
    "Importer personlisten med denne personen først, eller rett adressen.",
)

_CATEGORIES: Final = {
    "E00": Category.VALIDATION,
    "E01": Category.VALIDATION,
    "E02": Category.USER_NOT_FOUND,
    "E03": Category.DUPLICATE,
    "E04": Category.DB_ERROR,
}
"""The category of a code, by its first characters."""

WHOLE_ROW = "row"
"""The `field` of a fault that affects the whole row."""


class FaultCode(CatalogueCode):
    """The codes in `_error_code`, fixed by the contract.

    `errorSummary` shows `category` beside the code.
    """

    category: Category

    def __new__(cls, code: str, *entry: Any) -> Self:
        """Make a member of a code and its texts."""
        member = cls.with_texts(code, *entry)
        member.category = _CATEGORIES[code[:3]]
        return member

    INVALID_EMAIL = (
        "E001",
        Text("Not an email address", "Ikke en e-postadresse"),
        Text("Write one address, such as name@example.org.", "Skriv én adresse, for eksempel navn@example.org."),
    )
    REQUIRED_MISSING = (
        "E002",
        Text("A required value is missing", "En påkrevd verdi mangler"),
        Text("Fill in the cell.", "Fyll ut cellen."),
    )
    INVALID_DATE = (
        "E003",
        Text("Not a date, or an ambiguous one", "Ikke en dato, eller en tvetydig dato"),
        Text(
            "Write 2024-11-13, or 2024-11-13T14:00 with a time. 03/04/2024 could be either of two days. "
            "A session may be scheduled at most {oldest_years} years ago.",
            "Skriv 2024-11-13, eller 2024-11-13T14:00 med klokkeslett. 03/04/2024 kan bety to ulike dager. "
            "En økt kan være planlagt høyst {oldest_years} år tilbake i tid.",
        ),
    )
    INVALID_DURATION = (
        "E004",
        Text("Not a duration in minutes", "Ikke en varighet i minutter"),
        Text(
            "Write a whole number of minutes from 1 to {longest_session}.",
            "Skriv et helt antall minutter fra 1 til {longest_session}.",
        ),
    )
    INVALID_LEVEL = (
        "E005",
        Text("Not a language level", "Ikke et språknivå"),
        Text("Write {levels}.", "Skriv {levels}."),
    )
    INVALID_RATING = (
        "E006",
        Text("Not a rating on this file's scale", "Ikke en vurdering på filens skala"),
        Text(
            "Use one scale, 1 to 5 or 0 to 1, for the whole file.",
            "Bruk samme skala, 1 til 5 eller 0 til 1, i hele filen.",
        ),
    )
    COMPLETED_BEFORE_SCHEDULED = (
        "E007",
        Text("Completed before it was scheduled", "Fullført før den var planlagt"),
        Text("Correct one of the two times.", "Rett ett av de to tidspunktene."),
    )
    TEXT_TOO_LONG = (
        "E008",
        Text("The text is too long", "Teksten er for lang"),
        Text(
            "Shorten it; the error file gives the limit. Feedback may have at most {longest_feedback} characters.",
            "Kort den ned; grensen står i feilfilen. En tilbakemelding kan ha høyst {longest_feedback} tegn.",
        ),
    )
    METADATA_NOT_JSON = (
        "E009",
        Text("The metadata is not JSON", "Metadataene er ikke gyldig JSON"),
        Text("Correct the JSON, or clear the cell.", "Rett opp JSON-en, eller tøm cellen."),
    )
    WRONG_FIELD_COUNT = (
        "E010",
        Text("The row has too many or too few fields", "Raden har for mange eller for få felter"),
        Text(
            "In the error file, the row was cut or padded to fit the columns; what did not fit is in _error_message. "
            "Move the values to the cells where they belong.",
            "I feilfilen er raden kuttet eller fylt ut så den passer til kolonnene; det som ikke fikk plass, står i "
            "_error_message. Flytt verdiene til cellene de hører hjemme i.",
        ),
    )
    UNREADABLE = (
        "E011",
        Text("The row can't be read", "Raden kan ikke leses"),
        Text(
            "Look for a quotation mark that is never closed, or for characters that can't be displayed.",
            "Se etter et anførselstegn som aldri lukkes, eller tegn som ikke kan vises.",
        ),
    )
    OTHER_PROGRAMME = (
        "E012",
        Text("The row belongs to another programme", "Raden hører til et annet program"),
        Text(
            "Upload the error file for the other programme to import its rows.",
            "Last opp feilfilen for det andre programmet for å importere radene som hører til det.",
        ),
    )
    DAMAGED_BY_SPREADSHEET = (
        "E013",
        Text("A spreadsheet has damaged the cell", "Et regneark har ødelagt cellen"),
        Text(
            "Copy the cell from the original export, or export the file from Kintell again.",
            "Kopier cellen fra den opprinnelige eksporten, eller eksporter filen fra Kintell på nytt.",
        ),
    )
    PARTICIPANT_NOT_FOUND = (
        "E020",
        Text("The participant is not known", "Deltakeren er ikke kjent"),
        _KNOWN_FIRST,
    )
    VOLUNTEER_NOT_FOUND = (
        "E021",
        Text("The mentor or volunteer is not known", "Mentoren eller den frivillige er ikke kjent"),
        _KNOWN_FIRST,
    )
    # Part of the contract, but unused until people can be erased.
    PERSON_ERASED = (
        "E022",
        Text("The person has been erased", "Personen er slettet"),
        Text(
            "The person asked to be erased and may not be added again without being asked. Leave the row out.",
            "Personen har bedt om å bli slettet og kan ikke legges inn igjen uten å bli spurt. Utelat raden.",
        ),
    )
    ID_CONFLICT = (
        "E030",
        Text("The session id belongs to a session of other people", "Økt-ID-en hører til en økt mellom andre personer"),
        Text("Correct the id or the two addresses.", "Rett ID-en eller de to adressene."),
    )
    DATABASE_REFUSED = (
        "E040",
        Text("The database refused the row", "Databasen avviste raden"),
        Text("Ask the engineers; the row is in the error file.", "Spør utviklerne; raden står i feilfilen."),
    )


DEPENDS_ON_OTHERS: Final = frozenset(
    {FaultCode.PARTICIPANT_NOT_FOUND, FaultCode.VOLUNTEER_NOT_FOUND, FaultCode.ID_CONFLICT}
)
"""Faults that depend on other data than the row: the same row may be accepted later."""
