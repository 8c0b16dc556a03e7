"""The roster of people and the role in which each joined: the only file whose rows are not sessions."""

import re
from typing import Final

from ingestion.faults import Fault, FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.records import rule_words
from ingestion.records.programme import Programme
from ingestion.records.record_type import Column, Field, Kind, Label, Part, RecordType, Type
from ingestion.values import cells, dates, emails, spreadsheets

VOLUNTEERS = frozenset({"advisor", "mentor", "tutor", "volunteer"})
PARTICIPANTS = frozenset({"learner", "mentee", "student"})

_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"(?:https?:|www\.|/?in/|[^\s/]*linkedin|(?:[\w-]+\.)+[a-z]{2,}(?:/|\Z))\S*", re.IGNORECASE)
_STRAY = re.compile(r'[",;|\t\r\n]')
_NO_LINK = frozenset({"", "no", "nei", "ні"})
_NO_ENDS: Final = ("verified", "pending", "approved", "rejected", "declined")
"""Of links: such a word is of the column behind them."""
_ADDRESS = re.compile(r"[^/]@\w")
_NO_LABEL = re.compile(r"[@/]|[0-9]{4}")
_LABELS = frozenset(
    {
        *(
            "",
            "-",
            "n/a",
            "null",
            "none",
            "yes",
            "no",
            "true",
            "false",
            "0",
            "1",
            "x",
            "ja",
            "nei",
            "так",
            "ні",
            "full",
        ),
        *("verified", "unverified", "not verified", "pending", "approved", "rejected", "declined", "in review", "new"),
        *("verifisert", "ikke verifisert", "venter", "ventende", "godkjent", "avvist", "ny", "sann", "usann"),
        *("active", "inactive", "granted", "denied", "revoked", "limited", "requested", "invited", "blocked"),
    }
)


def role(field: str, text: str) -> str | Fault:
    """Read the role: advisors, mentors, tutors and volunteers are volunteers; everybody else is a participant."""
    value = spreadsheets.bare(text)
    if spreadsheets.is_damaged(value) and not spreadsheets.is_nothing(value):
        return Fault(FaultCode.DAMAGED_BY_SPREADSHEET, field, spreadsheets.damaged(field, value), text)
    words = _words(text)
    return "volunteer" if words & VOLUNTEERS and not words & PARTICIPANTS else "participant"


def doubt_of_role(text: str) -> WarningCode | None:
    """Return a warning if the text names both roles, or neither."""
    words = _words(text)
    is_clear = words.isdisjoint(VOLUNTEERS) != words.isdisjoint(PARTICIPANTS)
    return None if is_clear else WarningCode.ROLES_UNCLEAR


def _is_like_link(text: str) -> bool:
    value = text.strip()
    if value.lower().endswith(_NO_ENDS) or _ADDRESS.search(value):
        return False
    return value.lower() in _NO_LINK or spreadsheets.is_nothing(value) or _LINK.fullmatch(value) is not None


def _is_like_name(text: str) -> bool:
    return "@" not in text and "/" not in text


def _is_like_label(text: str) -> bool:
    return not _NO_LABEL.search(text) and _words(text).isdisjoint(VOLUNTEERS | PARTICIPANTS)


def _is_like_role(text: str) -> bool:
    if '"' in text.strip(' "'):
        return False
    return not text.strip() or not _words(text).isdisjoint(VOLUNTEERS | PARTICIPANTS)


def _is_like_address(text: str) -> bool:
    return "@" in text


def _words(text: str) -> set[str]:
    """The words, also those that a stray quote, delimiter or line end has cut."""
    lower = text.lower()
    return {*_WORD.findall(lower), *_WORD.findall(_STRAY.sub("", lower))}


PERSON = RecordType(
    name="person",
    kind=Kind.PEOPLE,
    table="users",
    versions="user_versions",
    version_of="user_id",
    staged="person_rows",
    fields=(
        Field(
            name="email",
            type=Type.TEXT,
            part=Part.KEY,
            label=Label("Email", "E-post"),
            meaning="Email address of the person",
            column=Column(
                name="email",
                in_other_words=("e_post", "epost", "пошта"),
                fills="email",
                rule=emails.email,
                in_words=rule_words.EMAIL,
                required=True,
                looks=_is_like_address,
            ),
        ),
        Field(
            name="name",
            type=Type.TEXT,
            part=Part.KEPT,
            label=Label("Name", "Navn"),
            meaning="Name of the person",
            column=Column(
                name="name",
                in_other_words=("navn", "ім"),
                fills="name",
                rule=cells.label_up_to(255),
                in_words=rule_words.TEXT,
                is_text=True,
                looks=_is_like_name,
            ),
        ),
        Field(
            name="linkedin_url",
            type=Type.TEXT,
            label=Label("LinkedIn", "LinkedIn"),
            meaning="Address of their LinkedIn profile",
            column=Column(
                name="linkedin_url",
                fills="linkedin_url",
                rule=cells.label_up_to(500),
                in_words=rule_words.TEXT,
                is_text=True,
                looks=_is_like_link,
            ),
        ),
        Field(
            name="verification_status",
            type=Type.LABEL,
            label=Label("Verification", "Verifisering"),
            meaning="Whether Kintell has verified them",
            column=Column(
                name="verification_status",
                fills="verification_status",
                rule=cells.label_up_to(100),
                in_words=rule_words.TEXT,
                is_text=True,
                looks=_is_like_label,
                usual=_LABELS,
            ),
        ),
        Field(
            name="role",
            type=Type.WORD,
            part=Part.KEPT,
            default="participant",
            label=Label("Role", "Rolle"),
            meaning="`participant` or `volunteer`",
            column=Column(
                name="role_when_joined",
                fills="role",
                rule=role,
                in_words=rule_words.ROLE,
                doubt=doubt_of_role,
                looks=_is_like_role,
            ),
        ),
        Field(
            name="grant_access",
            type=Type.LABEL,
            label=Label("Access", "Tilgang"),
            meaning="What they may use in Kintell, as the roster says",
            column=Column(
                name="grant_access",
                fills="grant_access",
                rule=cells.label_up_to(100),
                in_words=rule_words.TEXT,
                is_text=True,
                looks=_is_like_label,
                usual=_LABELS,
            ),
        ),
        Field(
            name="joined_at",
            type=Type.MOMENT,
            label=Label("Joined", "Ble med"),
            meaning="When they joined",
            column=Column(name="joined_kg_at", fills="joined_at", rule=dates.date, in_words=rule_words.DATE),
        ),
    ),
)

KINTELL_USERS = Programme(
    program_type="kintell_users",
    name="Kintell users",
    record=PERSON,
    aliases=("users",),
    fills_short_rows=True,
    telltale_columns=frozenset({"linkedin_url", "role_when_joined", "joined_kg_at"}),
    columns=tuple(field.column for field in PERSON.fields),
)
