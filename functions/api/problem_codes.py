"""The problem codes of the HTTP API, each with its HTTP status; part of the catalogue of codes."""

from http import HTTPStatus
from typing import Any, Final, Self

from ingestion.catalogue import CatalogueCode, Text

_LIST: Final = Text("Look for it in the list.", "Finn den i listen.")


class ProblemCode(CatalogueCode):
    """Codes that only the API uses; a faulty upload request has the code that would refuse the file."""

    answered_with: HTTPStatus

    def __new__(cls, code: str, *entry: Any) -> Self:
        """The code, its status and its texts."""
        status, title, advice = entry
        member = cls.with_texts(code, title, advice)
        member.answered_with = status
        return member

    NOT_JSON = (
        "not_json",
        HTTPStatus.BAD_REQUEST,
        Text("The body is not JSON", "Innholdet er ikke JSON"),
        Text("Send a JSON object.", "Send et JSON-objekt."),
    )
    UNAUTHENTICATED = (
        "unauthenticated",
        HTTPStatus.UNAUTHORIZED,
        Text("You are not signed in", "Du er ikke logget inn"),
        Text("Sign in and try again.", "Logg inn og prøv igjen."),
    )
    FORBIDDEN = (
        "forbidden",
        HTTPStatus.FORBIDDEN,
        Text("You do not have the right that this requires", "Du mangler rettigheten som kreves"),
        Text(
            "Ask whoever runs the system to give you the right.",
            "Be den som drifter systemet, om å gi deg rettigheten.",
        ),
    )
    NO_SUCH_ROUTE = (
        "no_such_route",
        HTTPStatus.NOT_FOUND,
        Text("There is no page at this address", "Det finnes ingen side på denne adressen"),
        Text("Check the address; /docs lists the API's addresses.", "Sjekk adressen; /docs viser adressene i API-et."),
    )
    NO_SUCH_BATCH = (
        "no_such_batch",
        HTTPStatus.NOT_FOUND,
        Text("There is no such import", "Det finnes ingen slik import"),
        _LIST,
    )
    NO_SUCH_UPLOAD = (
        "no_such_upload",
        HTTPStatus.NOT_FOUND,
        Text("There is no such file", "Det finnes ingen slik fil"),
        _LIST,
    )
    NO_SUCH_SESSION = (
        "no_such_session",
        HTTPStatus.NOT_FOUND,
        Text("There is no such session", "Det finnes ingen slik økt"),
        Text("Check its id and its programme.", "Sjekk id-en og programmet."),
    )
    NOT_VERIFIED = (
        "not_verified",
        HTTPStatus.NOT_FOUND,
        Text("The batch has not been compared with its file", "Importen er ikke sammenlignet med filen sin"),
        Text("Have it compared first.", "Få den sammenlignet først."),
    )
    NO_SUCH_PROGRAM_INSTANCE = (
        "no_such_program_instance",
        HTTPStatus.NOT_FOUND,
        Text("There is no such programme instance", "Det finnes ingen slik programrunde"),
        _LIST,
    )
    NO_ERRORS = (
        "no_errors",
        HTTPStatus.NOT_FOUND,
        Text("This import has no error file", "Denne importen har ingen feilfil"),
        Text(
            "Either no row was rejected, or the import has not finished yet.",
            "Enten ble ingen rader avvist, eller så er ikke importen ferdig ennå.",
        ),
    )
    NO_SUCH_ROW = (
        "no_such_row",
        HTTPStatus.NOT_FOUND,
        Text("The file has no such row", "Filen har ingen slik rad"),
        Text(
            "Rows are counted from 1, without the header and without blank ones.",
            "Rader telles fra 1, uten overskriften og uten tomme rader.",
        ),
    )
    METHOD_NOT_ALLOWED = (
        "method_not_allowed",
        HTTPStatus.METHOD_NOT_ALLOWED,
        Text("The address does not support this method", "Adressen støtter ikke denne metoden"),
        Text("Use a method from the Allow header.", "Bruk en av metodene i Allow-hodet."),
    )
    ERROR_FILE_EXPIRED = (
        "error_file_expired",
        HTTPStatus.GONE,
        Text(
            "The error file was deleted: error files are kept for {error_file_time}",
            "Feilfilen er slettet: feilfiler lagres i {error_file_time}",
        ),
        Text(
            "Import the original file again to get a new one.",
            "Importer den opprinnelige filen på nytt for å få en ny.",
        ),
    )
    ORIGINAL_GONE = (
        "original_gone",
        HTTPStatus.GONE,
        Text("The file has been deleted", "Filen er slettet"),
        Text(
            "What was imported from it stays; the file itself can't be read again.",
            "Det som ble importert fra den, beholdes; selve filen kan ikke leses på nytt.",
        ),
    )
    ORIGINAL_IN_COLD_STORAGE = (
        "original_in_cold_storage",
        HTTPStatus.CONFLICT,
        Text("The file is in cold storage", "Filen ligger på kaldlager"),
        Text("Ask whoever runs the system to restore it.", "Be den som drifter systemet, om å hente den fram."),
    )
    TOO_MUCH_TO_READ = (
        "too_much_to_read",
        HTTPStatus.CONFLICT,
        Text("There is more to read than one request may", "Det er mer å lese enn én forespørsel får lese"),
        Text(
            "Download the file and look there, or ask an engineer.", "Last ned filen og se der, eller spør en utvikler."
        ),
    )
    TOO_MANY_ROWS = (
        "too_many_rows",
        HTTPStatus.CONFLICT,
        Text("The error file is too large for a workbook", "Feilfilen er for stor til å lages som en arbeidsbok"),
        Text("Download it as CSV.", "Last den ned som CSV."),
    )
    ALREADY_ENDED = (
        "already_ended",
        HTTPStatus.CONFLICT,
        Text("The import has already ended", "Importen er allerede ferdig"),
        Text("Only an import that is under way can be cancelled.", "Bare en import som pågår, kan avbrytes."),
    )
    NOT_A_DRY_RUN = (
        "not_a_dry_run",
        HTTPStatus.CONFLICT,
        Text("This is not a dry run", "Dette er ikke en prøvekjøring"),
        Text(
            "Only what a dry run has planned can be imported from here.",
            "Bare planen fra en prøvekjøring kan importeres.",
        ),
    )
    NOTHING_TO_COMMIT = (
        "nothing_to_commit",
        HTTPStatus.CONFLICT,
        Text("The dry run has no rows to import", "Prøvekjøringen har ingen rader å importere"),
        Text(
            "Fix the rows in the error file and upload it.",
            "Rett radene i feilfilen og last den opp.",
        ),
    )
    PLAN_EXPIRED = (
        "plan_expired",
        HTTPStatus.GONE,
        Text(
            "The plan was deleted: plans are kept for {error_file_time}",
            "Planen er slettet: planer lagres i {error_file_time}",
        ),
        Text("Run the file as a dry run again.", "Prøvekjør filen på nytt."),
    )
    NOT_UNDOABLE = (
        "not_undoable",
        HTTPStatus.CONFLICT,
        Text("The import can't be undone", "Importen kan ikke angres"),
        Text(
            "Only a completed import of less than {archive_time} ago can be undone. What later imports have changed "
            "can be undone after they are.",
            "Bare en fullført import som er yngre enn {archive_time}, kan angres. Det som senere importer har endret, "
            "kan angres etter at de er angret.",
        ),
    )
    NO_UNDO = (
        "no_undo",
        HTTPStatus.NOT_FOUND,
        Text("Nobody has asked to undo this import", "Ingen har bedt om å angre denne importen"),
        Text("Its page offers to undo it.", "Siden til importen lar deg angre den."),
    )
    RETRY_UNDER_WAY = (
        "retry_under_way",
        HTTPStatus.CONFLICT,
        Text("The rows are being retried with other dates", "Radene prøves på nytt med andre datoer"),
        Text(
            "Wait until that import has ended, then retry the rows that are still open.",
            "Vent til den importen er ferdig, og prøv deretter radene som gjenstår.",
        ),
    )
    NOTHING_TO_RETRY = (
        "nothing_to_retry",
        HTTPStatus.CONFLICT,
        Text("No rejected row would pass now", "Ingen avviste rader ville blitt godtatt nå"),
        Text(
            "Import the missing people first, or correct the rows.",
            "Importer personene som mangler først, eller rett radene.",
        ),
    )
    UPLOAD_NOT_RESUMABLE = (
        "upload_not_resumable",
        HTTPStatus.CONFLICT,
        Text("The upload can't be continued", "Opplastingen kan ikke fortsette"),
        Text(
            "Check its state. If the file has not arrived, upload it again.",
            "Sjekk tilstanden. Hvis filen ikke er kommet fram, last den opp på nytt.",
        ),
    )
    REQUEST_IN_FLIGHT = (
        "request_in_flight",
        HTTPStatus.CONFLICT,
        Text("The same request is still being answered", "Den samme forespørselen behandles fortsatt"),
        Text("Try again in a moment, with the same key.", "Prøv igjen om litt, med den samme nøkkelen."),
    )
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency_key_reused",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Text("The key belongs to another request", "Nøkkelen tilhører en annen forespørsel"),
        Text("Send a new key with each new request.", "Send en ny nøkkel med hver ny forespørsel."),
    )
    BODY_TOO_LARGE = (
        "body_too_large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        Text("The body is too large", "Innholdet er for stort"),
        Text("Create an upload and send the file to its link.", "Opprett en opplasting og send filen til lenken."),
    )
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported_media_type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        Text("The body is not declared as JSON", "Innholdet er ikke angitt som JSON"),
        Text("Send Content-Type: application/json.", "Send Content-Type: application/json."),
    )
    INVALID_REQUEST = (
        "invalid_request",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Text("Something in the address or the form is not valid", "Noe i adressen eller skjemaet er ugyldig"),
        Text("Correct it and try again.", "Rett det og prøv igjen."),
    )
    INVALID_CURSOR = (
        "invalid_cursor",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        Text("The address of the page has been changed", "Adressen til siden er endret"),
        Text("Start at the first page.", "Begynn på den første siden."),
    )
    INTERNAL_ERROR = (
        "internal_error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        Text("Something went wrong on our side, and it has been logged", "Noe gikk galt hos oss, og feilen er logget"),
        Text(
            "Try again in a moment; the engineers can find the cause in the log.",
            "Prøv igjen om litt; utviklerne kan finne årsaken i loggen.",
        ),
    )
    DATABASE_UNAVAILABLE = (
        "database_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        Text("The database is not responding", "Databasen svarer ikke"),
        Text("Nothing is lost. Try again in a moment.", "Ingenting har gått tapt. Prøv igjen om litt."),
    )
