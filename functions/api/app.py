"""The Lambda function that serves the HTTP API and the dashboard, called by API Gateway (payload 2.0)."""

import json
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from api import (
    access_log,
    batch_routes,
    browsers,
    correction_routes,
    error_file_routes,
    explanation_routes,
    idempotency,
    instance_routes,
    lineage_graph,
    overlap_routes,
    problems,
    retry_routes,
    route_rights,
    session_routes,
    session_search_routes,
    summary_routes,
    undo_routes,
    upload_routes,
    verification_routes,
)
from api.gateway_events import read_json, regular
from api.openapi import DescribedApi, serve_documents
from api.problems import Problem, ProblemCode
from dashboard.rendering import page_as_result, problem_page, wants_page
from dashboard.routes import ROUTERS
from ingestion.errors import NotStorable, Refused, Unavailable
from ingestion.sign_in.http_edge import guard, regular_texts
from ingestion.telemetry import logger

# Escaping would make a page of Cyrillic feedback three times as long, and Lambda limits an answer to 6 MB.
to_json: Final = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))

api = DescribedApi(enable_validation=True, debug=False, serializer=to_json, json_body_deserializer=read_json)
for part in (
    batch_routes,
    undo_routes,
    retry_routes,
    correction_routes,
    error_file_routes,
    upload_routes,
    session_routes,
    explanation_routes,
    verification_routes,
    overlap_routes,
    session_search_routes,
    lineage_graph,
    instance_routes,
    summary_routes,
):
    api.include_router(part.router)
for router in ROUTERS:
    api.include_router(router)
serve_documents(api)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer the request; every error becomes a problem."""
    try:
        request = browsers.with_cookie(regular(regular_texts(event)))
        browsers.must_come_from_here(request)
        result = _answer_to(request, context)
        access_log.note(event, request, result["statusCode"])
    except Problem as problem:
        result = problem.as_result()
    except Unavailable as unavailable:
        result = _as_result(event, problems.of_unavailable(unavailable))
    except Exception as error:
        result = problems.of_anything(error).as_result()
    # A redirect has no body, and API Gateway wants a string.
    result["body"] = result["body"] or ""
    return guard(result, event)


def _answer_to(request: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    try:
        route_rights.check(request, _routes())
    except Problem as problem:
        way_in = browsers.way_in(request) if problem.status == HTTPStatus.UNAUTHORIZED else None
        if way_in is not None:
            return {**problem.as_result(), "statusCode": 303 if "Location" in way_in else 401, "headers": way_in}
        if problem.status == HTTPStatus.FORBIDDEN:
            return _as_result(request, problem)
        raise
    if browsers.is_led_here(request) and route_rights.shows_rows(request, _routes()):
        return _led_to_its_page(request)
    return idempotency.once(request, lambda: api.resolve(request, context))


def _led_to_its_page(request: dict[str, Any]) -> dict[str, Any]:
    """Redirect to the page that shows the user what they are about to request, even after a detour via the issuer."""
    page = browsers.page_of(request)
    if page is None:
        raise Problem(ProblemCode.FORBIDDEN, "This request did not come from a page of this system.")
    return {"statusCode": HTTPStatus.SEE_OTHER.value, "headers": {"Location": page}, "body": ""}


def _as_result(event: dict[str, Any], problem: Problem) -> dict[str, Any]:
    """The answer when no route has run: a page for a browser that asked for one, otherwise JSON."""
    return page_as_result(problem_page(event, problem)) if wants_page(event) else problem.as_result()


def _routes() -> list[Route]:
    # The resolver has no public list of its routes.
    return [*api._static_routes, *api._dynamic_routes]


@api.not_found
def no_such_route(_not_found: NotFoundError) -> Response[str]:
    """Answer 404, or 405 where the path exists: Powertools calls this for an unknown method too."""
    path = api.current_event.path
    allowed = sorted({route.method for route in _routes() if route.rule.match(path)})
    if allowed:
        method = api.current_event.http_method
        detail = f"{unquote(path)} supports {' and '.join(allowed)}, not {method}."
        return Problem(ProblemCode.METHOD_NOT_ALLOWED, detail, allow=", ".join(allowed)).as_response()
    return _answer(Problem(ProblemCode.NO_SUCH_ROUTE, f"There is nothing at {unquote(path)}; see /docs."))


def _answer(problem: Problem) -> Response[str]:
    """A page for a browser that asked for one, otherwise JSON."""
    event = api.current_event.raw_event
    return problem_page(event, problem) if wants_page(event) else problem.as_response()


api.exception_handler(Problem)(_answer)
api.exception_handler(RequestValidationError)(lambda invalid: _answer(problems.of_validation(invalid)))
api.exception_handler(Refused)(lambda refused: _answer(problems.of_refused(refused)))
api.exception_handler(NotStorable)(lambda unfit: _answer(problems.of_not_storable(unfit)))
api.exception_handler(Unavailable)(lambda unavailable: _answer(problems.of_unavailable(unavailable)))
api.exception_handler(Exception)(lambda error: _answer(problems.of_anything(error)))
