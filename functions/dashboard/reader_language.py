"""The reader's language: its texts, and how it writes numbers, sizes, months and durations."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, Final

from api.problem_codes import ProblemCode
from dashboard import WEB
from ingestion.batch import FailureCode
from ingestion.catalogue import CatalogueCode
from ingestion.errors import RefusalCode
from ingestion.faults import FaultCode
from ingestion.file_warnings import WarningCode
from ingestion.limits import limits
from ingestion.records import Field
from ingestion.sign_in.session_cookies import cookies_of

FAMILIES: Final[dict[str, type[CatalogueCode]]] = {
    "fault": FaultCode,
    "refusal": RefusalCode,
    "failure": FailureCode,
    "warning": WarningCode,
    "problem": ProblemCode,
}
"""The codes that pages show, by the prefix of their text keys."""
LANGUAGES: Final = {"en": "English", "nb": "Norsk"}
_NORWEGIAN: Final = ("nb", "no", "nn")
_NO_BREAK: Final = "\u00a0"
MOST_NAMES: Final = 60
LONGEST_NAME: Final = 80
_GROUP, _POINT = {"en": ",", "nb": _NO_BREAK}, {"en": ".", "nb": ","}


def language_of(event: Mapping[str, Any]) -> str:
    """The language from the address, else the one chosen before, else the browser's preference, else English."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    asked = (event.get("queryStringParameters") or {}).get("lang", "")
    return (
        _known(asked)
        or _known(cookies_of(event).get("lang", ""))
        or _preferred(headers.get("accept-language", ""))
        or "en"
    )


def _known(language: str) -> str | None:
    return language if language in LANGUAGES else None


def _preferred(accept_language: str) -> str | None:
    """The language of ours that a header such as `nb-NO,nb;q=0.9,en;q=0.8` prefers."""
    weighted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, quality = part.strip().lower().partition(";q=")
        primary = tag.partition("-")[0]
        language = "nb" if primary in _NORWEGIAN else primary
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        if language in LANGUAGES and weight > 0:
            weighted.append((weight, language))
    return max(weighted, key=lambda pair: pair[0])[1] if weighted else None


@cache
def texts(language: str) -> dict[str, str]:
    """All texts of a language by key: those of the pages and those of the catalogue."""
    own: dict[str, str] = json.loads((WEB / "texts" / f"{language}.json").read_text(encoding="utf-8"))
    return own | _of_codes(language)


def _of_codes(language: str) -> dict[str, str]:
    """Title and advice of every code, as `fault.E001` and `fault_help.E001`."""
    found = {}
    for family, codes in FAMILIES.items():
        for code in codes:
            found[f"{family}.{code}"] = code.about.title.template(language)
            found[f"{family}_help.{code}"] = code.about.advice.template(language)
    return found


class Words:
    """One language for templates: `t("key", name=value)`, `n("key", count)`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = texts(language)

    def t(self, key: str, **values: Any) -> str:
        """The text of a key, with each `{name}` filled in from these values and the limits. Raises KeyError."""
        text = self._texts[key]
        if "{" not in text:
            return text
        gaps = {name: limit.template(self.language) for name, limit in limits().items()}
        return text.format(**gaps | values)

    def label(self, field: Field) -> str:
        """The label of a record's field."""
        return str(getattr(field.label, self.language))

    def n(self, key: str, count: int, **values: Any) -> str:
        """The text of a key for a count: `key.one` or `key.other`, with `{count}` and these values filled in."""
        form = "one" if count == 1 else "other"
        return self._texts[f"{key}.{form}"].format(count=self.number(count), **values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._texts

    def number(self, value: float, digits: int = 0) -> str:
        """1,234.5 or 1 234,5."""
        text = f"{value:,.{digits}f}"
        return text.replace(",", "\0").replace(".", _POINT[self.language]).replace("\0", _GROUP[self.language])

    def percent(self, part: float, whole: float) -> str:
        """A percentage that never rounds to 0% or 100%: 0.04% is shown as 0.1%, and 99.96% as 99.9%."""
        share = 100 * part / whole if whole else 0.0
        digits = 0 if share in (0, 100) or (10 <= share <= 90) else 1
        shown = min(max(share, 0.1), 99.9) if 0 < share < 100 and digits else share
        return self.number(shown, digits) + ("%" if self.language == "en" else f"{_NO_BREAK}%")

    def size(self, size_bytes: int) -> str:
        """A size in B, kB, MB or GB."""
        value, unit = float(size_bytes), "B"
        for larger in ("kB", "MB", "GB"):
            if value < 1000:
                break
            value, unit = value / 1000, larger
        digits = 1 if unit != "B" and value < 10 else 0
        return f"{self.number(value, digits)}{_NO_BREAK}{unit}"

    def listed(self, names: Sequence[str]) -> str:
        """Names separated by commas; a long list is cut off."""
        shown = [name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…" for name in names[:MOST_NAMES]]
        more = [self.n("more", len(names) - MOST_NAMES)] if len(names) > MOST_NAMES else []
        return ", ".join([*shown, *more])

    def span(self, length: timedelta) -> str:
        """A duration."""
        seconds = max(length.total_seconds(), 0)
        if seconds < 60:
            return f"{self.number(seconds, 1)}{_NO_BREAK}s"
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes}{_NO_BREAK}min {rest}{_NO_BREAK}s"
        return f"{minutes // 60}{_NO_BREAK}{self.t('unit.hours')} {minutes % 60}{_NO_BREAK}min"

    @property
    def months(self) -> list[str]:
        """The short names of the twelve months."""
        return self.t("months").split()

    def month(self, day: date) -> str:
        """Month and year, with the month's short name."""
        return f"{self.months[day.month - 1]} {day.year}"

    def day(self, day: date) -> str:
        """A day without a time, the same in every time zone."""
        name = self.months[day.month - 1]
        return f"{day.day}. {name} {day.year}" if self.language == "nb" else f"{day.day} {name} {day.year}"
