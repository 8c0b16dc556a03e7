"""The reasons for which an upload is refused; part of the catalogue."""

from ingestion.catalogue import CatalogueCode, Text


class RefusalCode(CatalogueCode):
    """The codes of refusals, fixed by the contract and shown by the API."""

    ALREADY_IMPORTED = (
        "already_imported",
        Text("This file has been imported before", "Denne filen er importert før"),
        Text(
            "Nothing was changed. If rows were rejected in that import, fix them in its error file and upload that. "
            "To import the same file again anyway, choose to import it again under More options and give a reason.",
            "Ingenting ble endret. Ble noen rader avvist i den importen, kan du rette dem i feilfilen og laste opp "
            "den. Vil du importere den samme filen på nytt likevel, velger du det under Flere valg og oppgir "
            "hvorfor.",
        ),
    )
    EMPTY_FILE = (
        "empty_file",
        Text("The file is empty", "Filen er tom"),
        Text(
            "Export it from Kintell again, and check that it has rows before you upload it.",
            "Eksporter den fra Kintell på nytt, og se etter at den har rader før du laster den opp.",
        ),
    )
    NOT_CSV = (
        "not_csv",
        Text("The file is not a CSV file", "Filen er ikke en CSV-fil"),
        Text(
            "Open the file in Excel and choose Save as, then CSV UTF-8. A web page or a PDF can't be saved that way; "
            "export the file from Kintell again instead.",
            "Åpne filen i Excel, velg Lagre som og deretter CSV UTF-8. En nettside eller en PDF kan ikke lagres slik; "
            "eksporter filen fra Kintell på nytt i stedet.",
        ),
    )
    UNDECODABLE = (
        "undecodable",
        Text("The file's characters can't be read", "Tegnene i filen kan ikke leses"),
        Text(
            "Open the file in Excel and choose Save as, then CSV UTF-8.",
            "Åpne filen i Excel, velg Lagre som og deretter CSV UTF-8.",
        ),
    )
    MISSING_COLUMNS = (
        "missing_columns",
        Text("The file lacks required columns", "Filen mangler påkrevde kolonner"),
        Text(
            "Rename columns that have a different name, or export the file again with all columns.",
            "Endre navnet på kolonner som heter noe annet, eller eksporter filen på nytt med alle kolonner.",
        ),
    )
    HEADER_NOT_FIRST = (
        "header_not_first",
        Text("There are rows above the header row", "Det står rader over overskriftsraden"),
        Text(
            "Move the header row to the top of the file and upload it again.",
            "Flytt overskriftsraden øverst i filen og last den opp på nytt.",
        ),
    )
    BROKEN_HEADER = (
        "broken_header",
        Text("The header row is broken", "Overskriftsraden er ødelagt"),
        Text(
            "Correct the header row and upload the file again.",
            "Rett opp overskriftsraden og last opp filen på nytt.",
        ),
    )
    UNKNOWN_PROGRAM = (
        "unknown_program",
        Text("The programme is not clear", "Det går ikke fram hvilket program filen hører til"),
        Text(
            "Choose the programme when you upload the file, or name the file like mentors-ukraine-2024-11.csv.",
            "Velg program når du laster opp filen, eller gi filen et navn som mentors-ukraine-2024-11.csv.",
        ),
    )
    OTHER_PROGRAM = (
        "other_program",
        Text("The file belongs to another programme", "Filen hører til et annet program"),
        Text(
            "Upload the file to the programme that its columns belong to.",
            "Last opp filen for programmet som kolonnene hører til.",
        ),
    )
    UNKNOWN_PROGRAM_INSTANCE = (
        "unknown_program_instance",
        Text("The programme instance is not clear", "Det går ikke fram hvilken programrunde filen hører til"),
        Text(
            "Name the instance, such as language-ukraine-2024-11, when you upload the file.",
            "Oppgi programrunden når du laster opp filen, for eksempel language-ukraine-2024-11.",
        ),
    )
    TOO_LARGE = (
        "too_large",
        Text("The file is too large", "Filen er for stor"),
        Text(
            "Split it into several files, each with the header row. A file may have at most {most_columns} columns.",
            "Del den i flere filer, hver med overskriftsraden. En fil kan ha høyst {most_columns} kolonner.",
        ),
    )
    NO_SUCH_PARENT_BATCH = (
        "no_such_parent_batch",
        Text("The import that the file corrects does not exist", "Importen som filen retter, finnes ikke"),
        Text(
            "Open the import that the file corrects, and upload the file from there.",
            "Åpne importen som filen retter, og last opp filen derfra.",
        ),
    )
    INVALID_OPTION = (
        "invalid_option",
        Text("An option is not valid", "Et valg er ugyldig"),
        Text(
            "Correct the option under More options and upload the file again.",
            "Rett det som står under Flere valg, og last opp filen på nytt.",
        ),
    )
