"""The catalogue: each code has its texts in both languages, and every limit comes from where it is enforced."""

import re
from collections.abc import Iterator

import pytest

from api.code_words import described, in_english
from api.problem_codes import ProblemCode
from dashboard.reader_language import FAMILIES, LANGUAGES, Words, texts
from ingestion import config
from ingestion.catalogue import CatalogueCode, Language, Text
from ingestion.config import Retention
from ingestion.fault_codes import WHOLE_ROW, Category, FaultCode
from ingestion.limits import limits, limits_of
from tools.reference import errors_page
from tools.reference.errors_page import columns_of
from tools.reference.pages import ROOT

CODES: list[CatalogueCode] = [code for family in FAMILIES.values() for code in family]
KEPT_FOR_DAYS = re.compile(r"\b(30|60|90|365) (?:days|dager)\b|\b(?:a|one) year\b|\bett? år\b")

each_code = pytest.mark.parametrize("code", CODES, ids=str)


@pytest.fixture
def sixty_days(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Error files are kept for 60 days."""
    monkeypatch.setenv("ERROR_FILE_DAYS", "60")
    config.retention.cache_clear()
    yield
    config.retention.cache_clear()


@each_code
def test_a_code_has_a_title_and_advice_in_both_languages(code: CatalogueCode) -> None:
    for language in LANGUAGES:
        title = code.about.title.read(language, limits())
        advice = code.about.advice.read(language, limits())
        assert title
        assert not title.endswith(".")
        assert advice.endswith(".")
        assert title[0].isupper()
        assert advice[0].isupper()
        assert "{" not in title + advice


@each_code
def test_both_languages_have_the_same_gaps(code: CatalogueCode) -> None:
    for text in code.about:
        assert len({tuple(sorted(re.findall(r"{\w+}", said))) for said in text}) == 1


def test_no_code_stands_twice() -> None:
    assert len(set(CODES)) == len(CODES)


def test_a_code_is_found_by_its_text() -> None:
    assert FaultCode("E021") is FaultCode.VOLUNTEER_NOT_FOUND
    assert f"{FaultCode.VOLUNTEER_NOT_FOUND}" == "E021"


@pytest.mark.parametrize(
    ("code", "category"),
    [
        (FaultCode.DAMAGED_BY_SPREADSHEET, Category.VALIDATION),
        (FaultCode.VOLUNTEER_NOT_FOUND, Category.USER_NOT_FOUND),
        (FaultCode.PERSON_ERASED, Category.USER_NOT_FOUND),
        (FaultCode.ID_CONFLICT, Category.DUPLICATE),
        (FaultCode.DATABASE_REFUSED, Category.DB_ERROR),
    ],
    ids=str,
)
def test_a_fault_has_the_category_of_the_contract(code: FaultCode, category: Category) -> None:
    assert code.category is category


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        (FaultCode.INVALID_DATE, ["scheduled_at", "completed_at", "joined_kg_at"]),
        (FaultCode.VOLUNTEER_NOT_FOUND, ["mentor_email", "volunteer_email"]),
        (FaultCode.ID_CONFLICT, ["session_id"]),
        (FaultCode.UNREADABLE, [WHOLE_ROW]),
        (FaultCode.REQUIRED_MISSING, []),
    ],
    ids=str,
)
def test_the_columns_of_a_code_follow_from_the_records(code: FaultCode, columns: list[str]) -> None:
    assert columns_of(code) == columns


def test_what_is_of_tomorrow_is_passed_on_as_it_is() -> None:
    assert described({"code": "E999", "count": 3}, FaultCode) == {"code": "E999", "count": 3}


# Limits ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (1, ("1 day", "1 dag")),
        (60, ("60 days", "60 dager")),
        (365, ("one year", "ett år")),
        (400, ("400 days", "400 dager")),
    ],
)
def test_how_long_something_is_kept_is_said_as_people_say_it(days: int, said: tuple[str, str]) -> None:
    assert limits_of(Retention(error_file_days=days))["error_file_time"] == said


def test_sixty_days_change_every_sentence(sixty_days: None) -> None:
    expired = ProblemCode.ERROR_FILE_EXPIRED.about.title
    assert in_english(expired) == "The error file was deleted: error files are kept for 60 days"
    assert "60 days" in errors_page.render()
    for language, said in (("en", "60 days"), ("nb", "60 dager")):
        words = Words(language)
        for key in ("faults.how", "faults.expired", "problem.error_file_expired", "warning_help.corrected_rows_gone"):
            assert said in words.t(key), key
    shown = errors_page.render() + "".join(_said(language) for language in LANGUAGES)
    assert not re.search(r"\b30 (?:days|dager)\b", shown)


def _said(language: str) -> str:
    """All that pages say in a language, but for what needs values of its own."""
    gaps = {name: text.template(language) for name, text in limits().items()}
    return "\n".join(re.sub(r"{(\w+)}", lambda gap: gaps.get(gap[1], ""), text) for text in texts(language).values())


def test_no_text_of_a_page_has_a_term_of_its_own() -> None:
    for language in LANGUAGES:
        for key, text in texts(language).items():
            assert not KEPT_FOR_DAYS.search(text), key


def test_texts_have_the_limits_of_the_rules() -> None:
    assert "from 1 to 480." in in_english(FaultCode.INVALID_DURATION.about.advice)
    assert "Feedback may have at most 5,000 characters." in in_english(FaultCode.TEXT_TOO_LONG.about.advice)
    assert "at most 10 years ago" in in_english(FaultCode.INVALID_DATE.about.advice)
    assert "C1 eller C2" in FaultCode.INVALID_LEVEL.about.advice.read(Language.NORWEGIAN, limits())


def test_a_gap_that_no_limit_fills_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        Text("{unheard_of}", "{unheard_of}").read("en", limits())


# The documentation ----------------------------------------------------------------------------------------------------


def test_every_error_code_is_raised_somewhere() -> None:
    sources = [path for folder in ("layers/common/ingestion", "functions") for path in (ROOT / folder).rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.name != "fault_codes.py")
    unused = {name for name in FaultCode.__members__ if not re.search(rf"\bFaultCode\.{name}\b", code)}
    assert unused == {"PERSON_ERASED"}, "no rule raises it"
