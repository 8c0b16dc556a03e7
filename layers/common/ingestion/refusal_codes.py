"""Why an upload was not turned into a batch; part of the catalogue."""

from ingestion.catalogue import CatalogueCode, Text


class RefusalCode(CatalogueCode):
    """The codes of refusals, fixed by the contract and shown by the API."""

    ALREADY_IMPORTED = (
        "already_imported",
        Text("This file has been imported before", "Denne filen er importert før"),
        Text(
            "Nothing was changed. If rows were rejected then, fix them in the error file of that import and upload it. "
            "To import the same file again all the same, choose “again” under More options and say why.",
            "Ingenting ble endret. Ble noen rader avvist den gangen, kan du rette dem i feilfilen til den importen og "
            "laste den opp. Vil du likevel importere den samme filen på nytt, velger du det under Flere valg og oppgir "
            "hvorfor.",
        ),
    )
    EMPTY_FILE = (
        "empty_file",
        Text("The file is empty", "Filen er tom"),
        Text(
            "Export it again from Kintell, and open it before you upload it.",
            "Eksporter den på nytt fra Kintell, og åpne den før du laster den opp.",
        ),
    )
    NOT_CSV = (
        "not_csv",
        Text("The file is not a CSV file", "Filen er ikke en CSV-fil"),
        Text(
            "Open the file in Excel and choose Save as, then CSV UTF-8. A web page or a PDF can't be saved that way: "
            "export the file from Kintell again.",
            "Åpne filen i Excel, velg Lagre som og deretter CSV UTF-8. En nettside eller en PDF kan ikke lagres slik: "
            "eksporter filen fra Kintell på nytt.",
        ),
    )
    UNDECODABLE = (
        "undecodable",
        Text("The file's characters can't be read", "Tegnene i filen kan ikke leses"),
        Text(
            "In Excel choose Save as, then CSV UTF-8.",
            "I Excel: velg Lagre som, og så CSV UTF-8.",
        ),
    )
    MISSING_COLUMNS = (
        "missing_columns",
        Text("The file lacks columns", "Filen mangler kolonner"),
        Text(
            "Rename the columns that are written differently, or export the file again with all columns.",
            "Endre navnet på kolonner som er skrevet annerledes, eller eksporter filen på nytt med alle kolonner.",
        ),
    )
    HEADER_NOT_FIRST = (
        "header_not_first",
        Text("There are rows above the header", "Det står rader over overskriftsraden"),
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
            "Rett overskriftsraden og last opp filen på nytt.",
        ),
    )
    UNKNOWN_PROGRAM = (
        "unknown_program",
        Text("The programme is not clear", "Det går ikke fram hvilket program filen hører til"),
        Text(
            "Choose the programme when you upload the file, or name the file like mentors-ukraine-2024-11.csv.",
            "Velg programmet når du laster opp filen, eller gi filen et navn som mentors-ukraine-2024-11.csv.",
        ),
    )
    OTHER_PROGRAM = (
        "other_program",
        Text("The file belongs to another programme", "Filen hører til et annet program"),
        Text(
            "Upload the file for the programme that its columns belong to.",
            "Last opp filen for programmet som kolonnene hører til.",
        ),
    )
    UNKNOWN_PROGRAM_INSTANCE = (
        "unknown_program_instance",
        Text("The programme instance is not clear", "Det går ikke fram hvilken programrunde filen hører til"),
        Text(
            "Name the instance when you upload the file, such as language-ukraine-2024-11.",
            "Oppgi programrunden når du laster opp filen, for eksempel language-ukraine-2024-11.",
        ),
    )
    TOO_LARGE = (
        "too_large",
        Text("The file is too large", "Filen er for stor"),
        Text(
            "Split it into several files, each with the header row. It may have at most {most_columns} columns.",
            "Del den i flere filer, hver med overskriftsraden. Filen kan ha høyst {most_columns} kolonner.",
        ),
    )
    NO_SUCH_PARENT_BATCH = (
        "no_such_parent_batch",
        Text("The import that it should correct does not exist", "Importen den skulle rette, finnes ikke"),
        Text(
            "Open the import that the file corrects, and upload the file from there.",
            "Åpne importen som filen retter, og last opp filen derfra.",
        ),
    )
    INVALID_OPTION = (
        "invalid_option",
        Text("An option is not valid", "Et valg er ugyldig"),
        Text(
            "Upload the file again and correct what is under More options.",
            "Last opp filen på nytt og rett det som står under Flere valg.",
        ),
    )
