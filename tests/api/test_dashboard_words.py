"""What the pages say, and in whose manner: texts, numbers, times; and what a file's name says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.app import handler
from dashboard import WEB, reader_language
from dashboard.reader_language import FAMILIES, Words, language_of, texts
from tests.api.api_calls import CONTEXT, event
from tests.api.full_world import BROWSER
from tests.api.world import World


@pytest.mark.parametrize(
    ("name", "programme", "instance"),
    [
        ("mentors-for-ukraine-2024-Q4 (1).csv", "mentors_ukraine", "mentors-ukraine-2024-q4"),
        ("kintell-language-export.csv", "language_ukraine", ""),
        ("kintell-users.csv", "kintell_users", ""),
        ("holiday.csv", "", ""),
        ("holiday.xlsx", "", ""),
    ],
)
def test_what_a_name_says(see: Any, world: World, name: str, programme: str, instance: str) -> None:
    (guess,) = see("/drop/guess", name=name).all("p")
    assert (guess["data-programme"], guess["data-instance"]) == (programme, instance)


# Words ----------------------------------------------------------------------------------------------------------------


def test_both_languages_have_the_same_texts_with_the_same_gaps() -> None:
    english, norwegian = texts("en"), texts("nb")
    assert english.keys() == norwegian.keys()
    for key, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", norwegian[key])), key


def test_every_text_that_a_page_names_is_there_and_none_is_left_over() -> None:
    pages = "".join(path.read_text() for path in (WEB / "templates").glob("*.html"))
    known = texts("en")
    named = set(re.findall(r"\bt\('([\w.]+)'[,)]", pages))
    named |= {f"{key}.{form}" for key in re.findall(r"\bn\('([\w.]+)'", pages) for form in ("one", "other")}
    code = "".join(path.read_text() for path in Path(reader_language.__file__).parent.glob("*.py"))
    named |= set(re.findall(r"\.t\([\"']([\w.]+)[\"']", code))
    begun = {f"{prefix}." for prefix in re.findall(r"'([\w.]+)\.' ~", pages)}
    begun |= {"problem.", "sessions.", "people.", "rows.", "more."}
    assert not named - known.keys()
    assert not {key for key in known.keys() - named if not key.startswith(tuple(begun))}


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_text_with_a_counted_noun_has_a_form_for_one(language: str) -> None:
    """Otherwise a page says “1 rows were compared”."""
    nouns = (
        "rows|sessions|columns|corrections|values|files|imports|rader|økter|kolonner|rettelser|verdier|filer|importer"
    )
    counted = re.compile(rf"{{\w+}} (?:[a-zæøå]+ )?(?:{nouns})\b")
    own = json.loads((WEB / "texts" / f"{language}.json").read_text(encoding="utf-8"))
    found = {key for key, text in own.items() if counted.search(text)}
    assert len(found) > 5
    assert not {key for key in found if not key.endswith(".other") and key not in ALWAYS_MANY}


ALWAYS_MANY = {"programme.too_many"}


@pytest.mark.parametrize(("language", "expected"), [("en", "1 row was compared;"), ("nb", "1 rad ble sammenlignet;")])
def test_one_row_is_one_row(language: str, expected: str) -> None:
    assert Words(language).n("verify.same", 1).startswith(expected)
    assert Words(language).n("timeline.of_rows", 1, done="0").startswith("0 ")


def test_every_code_has_its_text() -> None:
    for family, codes in FAMILIES.items():
        for code in codes:
            assert texts("nb")[f"{family}.{code.value}"]
            assert texts("nb")[f"{family}_help.{code.value}"]


@pytest.mark.parametrize("language", ["en", "nb"])
def test_no_text_of_a_page_is_one_of_the_catalogue(language: str) -> None:
    own = json.loads((WEB / "texts" / f"{language}.json").read_text(encoding="utf-8"))
    assert not own.keys() & {
        f"{prefix}.{code}"
        for family, codes in FAMILIES.items()
        for code in codes
        for prefix in (family, f"{family}_help")
    }


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ({}, {}, "en"),
        ({"accept-language": "nb-NO,nb;q=0.9,en;q=0.8"}, {}, "nb"),
        ({"accept-language": "nn"}, {}, "nb"),
        ({"accept-language": "uk, no;q=0.4, en;q=0.7"}, {}, "en"),
        ({"accept-language": "nb;q=x, de"}, {}, "en"),
        ({"accept-language": "en", "cookie": "a=b; lang=nb"}, {}, "nb"),
        ({"cookie": "lang=../../etc"}, {}, "en"),
        ({"cookie": "lang=nb"}, {"lang": "en"}, "en"),
    ],
)
def test_whose_language(headers: dict[str, str], query: dict[str, str], expected: str) -> None:
    assert language_of({"headers": headers, "queryStringParameters": query or None}) == expected


def test_a_chosen_language_is_remembered_and_keeps_the_rest_of_the_address(see: Any, world: World) -> None:
    result = handler(event("GET", "/", {"lang": "nb", "show": "failed"}, headers=BROWSER), CONTEXT)
    assert result["cookies"][0].startswith("lang=nb")
    (other,) = [link["href"] for link in see("/", lang="nb", show="failed").all("a") if "hreflang" in link]
    assert other == "/?show=failed&lang=en"


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", ["1,234,567", "0.1%", "99.9%", "50%", "12 MB"]), ("nb", ["1 234 567", "0,1 %", "99,9 %", "50 %", "12 MB"])],
)
def test_numbers_in_the_readers_manner(language: str, expected: list[str]) -> None:
    words = Words(language)
    shown = [
        words.number(1234567),
        words.percent(1, 100_000),
        words.percent(99_999, 100_000),
        words.percent(1, 2),
        words.size(12_000_000),
    ]
    assert [text.replace("\u00a0", " ") for text in shown] == expected


def test_times_are_in_utc_until_a_script_has_written_them_in_the_readers(see: Any, world: World) -> None:
    world.batch()
    (time, *_) = see("/").all("time")
    assert time == {"datetime": "2024-12-01T12:00:00.000Z", "title": "2024-12-01 12:00:00 UTC"}
