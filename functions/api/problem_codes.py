"""The codes of the HTTP API's own problems, each with the one status it is answered with; part of the catalogue."""

from http import HTTPStatus
from typing import Any, Final, Self

from ingestion.catalogue import CatalogueCode, Text

_LIST: Final = Text("Look for it in the list.", "Se etter den i listen.")


class ProblemCode(CatalogueCode):
    """The codes of this API's own; what is wrong with an upload has the code that would refuse it."""

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
        Text("You are not logged in", "Du er ikke logget inn"),
        Text("Log in and try again.", "Logg inn og prøv igjen."),
    )
    FORBIDDEN = (
        "forbidden",
        HTTPStatus.FORBIDDEN,
        Text("You do not have the right that this needs", "Du mangler rettigheten som trengs"),
        Text("Ask whoever runs the system for it.", "Be den som driver systemet, om å få den."),
    )
    NO_SUCH_ROUTE = (
        "no_such_route",
        HTTPStatus.NOT_FOUND,
        Text("There is no page at this address", "Det finnes ingen side på denne adressen"),
        Text("Check the address; /docs lists those of the API.", "Sjekk adressen; /docs viser adressene i API-et."),
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
        Text("No row was rejected, or it has not ended yet.", "Ingen rad ble avvist, eller den er ikke ferdig ennå."),
    )
    METHOD_NOT_ALLOWED = (
        "method_not_allowed",
        HTTPStatus.METHOD_NOT_ALLOWED,
        Text("The address does not take this method", "Adressen tar ikke denne metoden"),
        Text("Use one that the header Allow names.", "Bruk en av dem som står i hodet Allow."),
    )
    ERROR_FILE_EXPIRED = (
        "error_file_expired",
        HTTPStatus.GONE,
        Text(
            "The error file was deleted, as all are after {error_file_time}",
            "Feilfilen er slettet, som alle blir etter {error_file_time}",
        ),
        Text(
            "Import the original file again to get a new one.",
            "Importer den opprinnelige filen på nytt for å få en ny.",
        ),
    )
    ALREADY_ENDED = (
        "already_ended",
        HTTPStatus.CONFLICT,
        Text("The import has ended already", "Importen er allerede ferdig"),
        Text("Only an import that is under way can be cancelled.", "Bare en import som pågår, kan avbrytes."),
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
        Text("Send files by the link of an upload.", "Send filer med lenken til en opplasting."),
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
        Text("Begin at the first page.", "Begynn på den første siden."),
    )
    INTERNAL_ERROR = (
        "internal_error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        Text("The mistake is ours, and it has been logged", "Feilen er vår, og den er logget"),
        Text(
            "The engineers can find out what it was; try again in a moment.",
            "Utviklerne kan finne ut hva det var; prøv igjen om litt.",
        ),
    )
    DATABASE_UNAVAILABLE = (
        "database_unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        Text("The database does not answer", "Databasen svarer ikke"),
        Text("Nothing is lost. Try again in a moment.", "Ingenting er tapt. Prøv igjen om litt."),
    )
