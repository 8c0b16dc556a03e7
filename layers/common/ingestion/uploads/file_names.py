"""Read a file's name: its programme, and the single quarter, month or year that it covers.

Names are read word by word, so case and separators don't matter. Marks of copies and versions and second endings, which
people and programs add around a name, are skipped. A name that may mean a stretch of time gives no instance: not even
its year is used. An unknown word may be a month's name in another language (`marts-2026`): beside one, neither a year
alone nor a month's name is used.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from ingestion.records import PROGRAMMES, Kind, Programme
from ingestion.values.months import MONTHS

LONGEST: Final = 300
"""Characters; a longer text is not a file name."""

_WORD = re.compile(r"\([0-9]{1,4}\)|[^\W_]+")
_ABBREVIATED = re.compile(r"\b([ft])\.o\.m\b\.?")
_OWNER = "kintell"
_COPY: Final = {"copy", "kopi", "kopia", "копія", "копия"}
_COPY_OF: Final = (("copy", "of"), ("kopi", "av"), ("копія",), ("копия",))
_ADDED: Final = {
    "csv",
    "txt",
    "tsv",
    "gz",
    "xlsx",
    "final",
    "export",
    "eksport",
    "ny",
    "nye",
    "new",
    "endelig",
    "errors",
}
_TIMELESS: Final = {
    *("report", "rapport", "data", "dataset", "session", "sessions", "økt", "økter", "møte", "møter", "list", "liste"),
    *("all", "alle", "full", "complete", "backup", "excel", "utf", "upload", "import", "corrected", "rettet", "fixed"),
    *("звіт", "дані", "сесії", "зустрічі", "список", "експорт"),
}
"""Words of files that say nothing of when; any other may."""
_VERSION = re.compile(r"v[0-9]{1,3}")
_OF_TIME: Final = {
    *(
        "to",
        "til",
        "og",
        "and",
        "until",
        "through",
        "thru",
        "fra",
        "from",
        "since",
        "siden",
        "between",
        "mellom",
        "mot",
    ),
    *(
        "по",
        "до",
        "і",
        "й",
        "та",
        "з",
        "від",
        "и",
        "с",
        "spring",
        "summer",
        "autumn",
        "fall",
        "winter",
        "vår",
        "sommer",
    ),
    *("høst", "haust", "vinter", "весна", "літо", "осінь", "зима", "half", "halvår", "halvaar", "semester", "term"),
    *(
        "termin",
        "kvartal",
        "quarter",
        "quarters",
        "квартал",
        "week",
        "weeks",
        "uke",
        "uker",
        "тиждень",
        "year",
        "years",
    ),
    *("våren", "sommeren", "høsten", "vinteren", "vårsemester", "høstsemester", "vårsemesteret", "høstsemesteret"),
    *(
        "tom",
        "fom",
        "per",
        "pr",
        "before",
        "after",
        "før",
        "etter",
        "over",
        "plus",
        "onwards",
        "minus",
        "весни",
        "осені",
    ),
    *("år", "рік", "роки", "month", "months", "måned", "måneder", "місяць", "місяці", "ytd", "hittil"),
}
"""Words that show that a year or a month is not the whole time the file covers."""

_YEAR = r"(?P<year>20[0-9]{2})"
_QUARTER = r"q ?(?P<quarter>[1-4])"
_MONTH = rf"(?P<month>0?[1-9]|1[0-2]|{'|'.join(sorted(MONTHS, key=len, reverse=True))})"
_MONTH_WORD = _MONTH.replace("0?[1-9]|1[0-2]|", "")
_PERIODS: Final = (
    re.compile(rf"{_YEAR}(?: ?{_QUARTER}| {_MONTH})?"),
    re.compile(rf"(?:{_QUARTER}|{_MONTH_WORD}) {_YEAR}"),
)


class FileName(NamedTuple):
    """The programme and the instance in a file's name; None if it has none."""

    program_type: str | None
    slug: str | None


def read_file_name(file_name: str) -> FileName:
    """Find programme and instance in a file's name, whatever its case, separators and copy marks."""
    words = _words(file_name)
    named = [
        (programme, rest)
        for programme in PROGRAMMES.values()
        for name in programme.names
        if (rest := _after(name.split("_"), words)) is not None
    ]
    if not named:
        return FileName(None, None)
    programme, rest = min(named, key=lambda pair: len(pair[1]))
    return FileName(programme.program_type, _slug(programme, rest))


def _words(file_name: str) -> list[str]:
    """Split the name into lower-case words, without copy marks at either end."""
    if len(file_name) > LONGEST:
        return []
    name = _ABBREVIATED.sub(r"\1om ", unicodedata.normalize("NFC", file_name).lower())
    words = _WORD.findall(name)
    while words and (shorter := _without_mark(words)) != words:
        words = shorter
    return words


def _without_mark(words: list[str]) -> list[str]:
    """Remove one copy mark, if there is one."""
    unnumbered = [words[0], *words[2:]] if words[1:2] and words[1].startswith("(") else words
    for start in _COPY_OF:
        if tuple(unnumbered[: len(start)]) == start:
            return unnumbered[len(start) :]
    if words[0] in _ADDED or _VERSION.fullmatch(words[0]):
        return words[1:]
    if words[-1] in _COPY or words[-1] in _ADDED or words[-1].startswith("(") or _VERSION.fullmatch(words[-1]):
        return words[:-1]
    if len(words) > 1 and words[-2] in _COPY and words[-1].isdigit():
        return words[:-2]
    return words


def _after(name: Sequence[str], words: list[str]) -> list[str] | None:
    """Return what follows the name if the words begin with it, with or without the owner's name first."""
    start = 1 if words[:1] == [_OWNER] and name[0] != _OWNER else 0
    end = start + len(name)
    return words[end:] if words[start:end] == list(name) else None


def _slug(programme: Programme, rest: list[str]) -> str | None:
    if programme.kind is Kind.PEOPLE or not _OF_TIME.isdisjoint(rest):
        return None
    places = [at for at, word in enumerate(rest) if _says_when(word)]
    if places and places[-1] - places[0] >= len(places):
        return None  # the 2 of `2026-part-2` is no month
    said = " ".join(rest[at] for at in places)
    period = next((found for form in _PERIODS if (found := form.fullmatch(said))), None)
    if period is None or _may_say_more(rest, period):
        return None
    slug = f"{programme.slug_prefix}-{period['year']}"
    if period["quarter"]:
        return f"{slug}-q{period['quarter']}"
    month = period["month"]
    return f"{slug}-{MONTHS.get(month) or int(month):02}" if month else slug


def _may_say_more(rest: Sequence[str], period: re.Match[str]) -> bool:
    """Whether a word that is not known, beside a year alone or beside a month's name, may be a month as well."""
    if period["quarter"] or (period["month"] or "").isdigit():
        return False
    said_by = [word for word in rest if not _is_passed_over(word)]
    if not period["month"]:
        return any(not _says_when(word) for word in said_by)
    at = said_by.index(period["month"])
    return any(not _says_when(word) for word in said_by[max(at - 1, 0) : at + 2])


def _is_passed_over(word: str) -> bool:
    known = _ADDED | _COPY | _TIMELESS
    return word in known or word.startswith("(") or _VERSION.fullmatch(word) is not None


def _says_when(word: str) -> bool:
    """Whether the word may be about time: it has a digit, or is a month's name or the q of a quarter."""
    if word in _ADDED or word in _COPY or _VERSION.fullmatch(word):
        return False
    return word == "q" or word in MONTHS or any(mark.isdigit() for mark in word)
