"""Identifies callers by AWS's Signature Version 4 in a header or a link: the account's root, or a role's session.

ministack treats any unknown key as root's and doesn't check root's signatures. Here a key must be known, and its
signature must be valid and cover the host, every x-amz header and the body.
"""

import datetime
import os
import re
from urllib.parse import parse_qs

from ministack.core import iam_evaluator, sigv4
from ministack.core.responses import get_account_id

from local.emulators.ministack.bodies import Body, Receive
from local.emulators.ministack.callers import Refused, Scope, header

Query = dict[str, list[str]]

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})"
)
LINK = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")
TOKEN = "X-Amz-Security-Token"  # noqa: S105
OF_LINKS = {name.lower(): name for name in (*LINK, TOKEN)}
UNSIGNED_BODIES = (sigv4.UNSIGNED_PAYLOAD, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
LONGEST_LINK_SECONDS = 7 * 24 * 3600
CLOCK_SECONDS = 900
# ministack treats these keys, and a missing one, as root's, whatever root's key is.
STAND_INS = re.compile(r"test|\d{12}")


def query_of(scope: Scope) -> Query:
    """The parameters of the address."""
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def has_link(query: Query) -> bool:
    """Whether the address claims to be presigned."""
    return "X-Amz-Signature" in query


async def authenticated(scope: Scope, receive: Receive) -> Body:
    """The body of a request with a valid signature. Raises Refused if the signature is missing or wrong."""
    query = query_of(scope)
    check_parameters(query)
    authorization = header(scope, "authorization")
    if has_link(query) and authorization is None:
        return await by_link(scope, receive, query)
    if has_link(query) or authorization is None:
        raise Refused(403, "AccessDenied", "The request must be signed in exactly one way.")
    return await by_header(scope, receive, authorization)


def check_parameters(query: Query) -> None:
    """A link's parameters must be written once and as AWS writes them, so that every reader finds the same key."""
    names = {name for name in query if name.lower() in OF_LINKS}
    is_other = any(name != OF_LINKS[name.lower()] or len(query[name]) > 1 for name in names)
    if is_other or (names and not set(LINK) <= names) or "AWSAccessKeyId" in query:
        raise Refused(403, "AuthorizationQueryParametersError", "The address is not signed as AWS signs links.")


async def by_header(scope: Scope, receive: Receive, authorization: str) -> Body:
    """A request signed in its headers, as programs send it."""
    found = AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise Refused(403, "AccessDenied", "The request must be signed with AWS4-HMAC-SHA256.")
    credential, names, hexadecimal = found.groups()
    signature = signature_of(credential, names, hexadecimal, header(scope, "x-amz-date") or "")
    if failure := sigv4.request_time_failure(signature):
        raise Refused(403, *failure)
    check_signed_headers(scope, signature)
    body = await body_of(scope, receive, signature)
    check_signature(scope, signature, body, header(scope, TOKEN.lower()))
    return body


async def by_link(scope: Scope, receive: Receive, query: Query) -> Body:
    """A request with a presigned link. Links of S3 leave the body to whoever has the link."""
    one = {name: query[name][0] for name in LINK}
    if one["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256":
        raise Refused(403, "AuthorizationQueryParametersError", "Links must be signed with AWS4-HMAC-SHA256.")
    signature = signature_of(
        one["X-Amz-Credential"], one["X-Amz-SignedHeaders"], one["X-Amz-Signature"], one["X-Amz-Date"]
    )
    check_lifetime(signature, one["X-Amz-Expires"])
    check_signed_headers(scope, signature)
    body = Body(receive) if signature.service == "s3" else await Body.read(receive)
    check_signature(scope, signature, body, query.get(TOKEN, [None])[0], by_link=True)
    return body


def signature_of(credential: str, names: str, hexadecimal: str, date: str) -> sigv4.HeaderSignature:
    """The signature. Raises Refused if the credential is incomplete."""
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request" or not re.fullmatch(r"\d{8}T\d{6}Z", date, re.ASCII):
        raise Refused(403, "IncompleteSignature", "The credential or the date of the signature is not complete.")
    key, day, region, service, _ = parts
    return sigv4.HeaderSignature(key, day, region, service, names, hexadecimal, date)


def check_lifetime(signature: sigv4.HeaderSignature, seconds: str) -> None:
    """A link is valid from its date for the given seconds, at most a week."""
    try:
        signed_at = datetime.datetime.strptime(signature.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        lasts = int(seconds) if re.fullmatch(r"\d{1,6}", seconds, re.ASCII) else -1
    except ValueError:
        lasts = -1
    if not 0 < lasts <= LONGEST_LINK_SECONDS:
        raise Refused(403, "AuthorizationQueryParametersError", "The link's date or lifetime is not valid.")
    age = (datetime.datetime.now(datetime.UTC) - signed_at).total_seconds()
    if not -CLOCK_SECONDS <= age <= lasts:
        raise Refused(403, "AccessDenied", "Request has expired")


def check_signed_headers(scope: Scope, signature: sigv4.HeaderSignature) -> None:
    """The signature must cover the host and every header that AWS acts on."""
    needed = {name.decode("latin-1").lower() for name, _ in scope["headers"]}
    needed = {name for name in needed if name.startswith("x-amz-")} | {"host"}
    if unsigned := sorted(needed - set(signature.signed_headers.split(";"))):
        raise Refused(403, "AccessDenied", f"There were headers which were not signed: {', '.join(unsigned)}")


async def body_of(scope: Scope, receive: Receive, signature: sigv4.HeaderSignature) -> Body:
    """The body and its hash: S3's bodies are checked while they are read, those of other services are read first."""
    said = header(scope, "x-amz-content-sha256") or ""
    if signature.service != "s3" or said.startswith(SIGNED_CHUNKS):
        return await Body.read(receive)
    if said in UNSIGNED_BODIES:
        return Body(receive)
    if not re.fullmatch(r"[0-9a-f]{64}", said):
        raise Refused(403, "AccessDenied", "x-amz-content-sha256 must be the hash of the body.")
    return Body(receive, said)


def check_signature(
    scope: Scope, signature: sigv4.HeaderSignature, body: Body, token: str | None, *, by_link: bool = False
) -> None:
    """Raises Refused unless the key's secret gives the same signature."""
    headers = {name.decode("latin-1").lower(): "" for name, _ in scope["headers"]}
    for name, value in scope["headers"]:
        known = headers[key := name.decode("latin-1").lower()]
        headers[key] = f"{known},{sigv4.decode_header_value(value)}" if known else sigv4.decode_header_value(value)
    said = headers.get("x-amz-content-sha256", "")
    if signature.service != "s3" and said not in ("", body.sha256):
        raise Refused(403, "XAmzContentSHA256Mismatch", "x-amz-content-sha256 is not the hash of the body.")
    failure = sigv4.header_signature_failure(
        signature,
        secret_of(signature.access_key_id, token),
        scope["method"],
        scope["raw_path"].decode("ascii"),
        query_of(scope),
        headers,
        body.content,
        presigned=by_link,
    )
    if failure:
        raise Refused(403, *failure)


def secret_of(access_key_id: str, token: str | None) -> str:
    """The secret of root, or of a session or user that the emulator created. Raises Refused for any other key."""
    if access_key_id == os.environ["AWS_ACCESS_KEY_ID"] and token is None:
        return os.environ["AWS_SECRET_ACCESS_KEY"]
    if not STAND_INS.fullmatch(access_key_id) and access_key_id:
        found = iam_evaluator.resolve_credential(access_key_id, account_of(access_key_id), token or "")
        if isinstance(found, iam_evaluator.ResolvedCredential) and found.principal_type != "Root":
            return str(found.secret_access_key)
    raise Refused(403, "InvalidAccessKeyId", "The AWS access key is not known here, or its session has ended.")


def account_of(access_key_id: str) -> str:
    """The account of a key, if ministack knows several accounts; otherwise ours."""
    from ministack.core.responses import _account_from_sts_session

    try:
        known = _account_from_sts_session(access_key_id) or iam_evaluator.find_iam_access_key_account(access_key_id)
    except iam_evaluator.AmbiguousAccessKeyError:
        known = None
    return str(known or get_account_id())
