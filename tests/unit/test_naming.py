"""Programme and instance from keys, file names, slugs, columns and ids."""

from collections.abc import Callable
from datetime import date
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.errors import RefusalCode, Refused
from ingestion.records import PROGRAMMES
from ingestion.uploads.identification import (
    FileName,
    Key,
    error_file_name,
    get_programme_of_alias,
    instance_of_slug,
    is_of_own_form,
    other_programme_of_columns,
    programme_of_alias,
    programme_of_columns,
    programme_of_ids,
    programme_of_slug,
    read_file_name,
    read_key,
    slug_of_ref,
)

MENTORS, LANGUAGE, USERS = "mentors_ukraine", "language_ukraine", "kintell_users"


@pytest.mark.parametrize(
    ("alias", "program_type"),
    [
        ("mentors_ukraine", MENTORS),
        ("mentors-ukraine", MENTORS),
        ("Mentors for Ukraine", MENTORS),
        ("MFU", MENTORS),
        (" mentorship\u00a0", MENTORS),
        ("language_ukraine", LANGUAGE),
        ("Language-Ukraine", LANGUAGE),
        ("language connect", LANGUAGE),
        ("lfu", LANGUAGE),
        ("LC", LANGUAGE),
        ("kintell_users", USERS),
        ("Users", USERS),
    ],
)
def test_a_programme_is_known_by_its_aliases(alias: str, program_type: str) -> None:
    assert programme_of_alias(alias) == program_type
    assert get_programme_of_alias(alias) == program_type


@pytest.mark.parametrize("alias", ["", "mentors-norway", "ukraine", "users2"])
def test_another_name_is_no_programme(alias: str) -> None:
    assert programme_of_alias(alias) is None
    with pytest.raises(Refused, match=f"name one of {', '.join(PROGRAMMES)}"):
        get_programme_of_alias(alias)


SEEN = {
    "mentors-for-ukraine-2024-Q4": (MENTORS, "mentors-ukraine-2024-q4"),
    "mentors-ukraine-2024-11": (MENTORS, "mentors-ukraine-2024-11"),
    "language-for-ukraine-2024-11": (LANGUAGE, "language-ukraine-2024-11"),
    "language_for_ukraine_2024_11": (LANGUAGE, "language-ukraine-2024-11"),
    "kintell-mentorship-2024": (MENTORS, "mentors-ukraine-2024"),
    "kintell-mentorship-export": (MENTORS, None),
    "kintell-language-export": (LANGUAGE, None),
}
COPIES = (
    "",
    " (1)",
    "(2)",
    " - Kopi",
    " - Copy",
    " kopi",
    " - Kopi (2)",
    "_-_Kopi",
    " copy 2",
    "-errors",
    "-errors (1)",
    " – Kopi",
    " — копія",
    " — копия (2)",
    " final",
    "_v2",
    " ny",
    " final v2 (1) - Kopi",
    ".csv",
    " (1).csv",
)
SUFFIXES = (".csv", ".CSV", ".csv.gz", ".txt", ".tsv", ".xlsx")
CASES: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.title)


@pytest.mark.parametrize("separator", ["-", "_", " "])
@pytest.mark.parametrize("stem", SEEN)
def test_every_file_name_seen_in_practice_is_recognised(stem: str, separator: str) -> None:
    written = stem.replace("-", separator).replace("_", separator)
    for case, copy, suffix in product(CASES, COPIES, SUFFIXES):
        name = case(written) + copy + suffix
        assert read_file_name(name) == FileName(*SEEN[stem]), name
    for start in ("Copy of ", "Kopi av ", "Копія ", "Copy (2) of ", "KOPI AV ", "Copy of Copy of "):
        assert read_file_name(f"{start}{written}.csv") == FileName(*SEEN[stem]), start


@pytest.mark.parametrize(
    ("name", "program_type", "slug"),
    [
        ("mfu 2024 q4.csv", MENTORS, "mentors-ukraine-2024-q4"),
        ("mfu-2024q4-final.csv", MENTORS, "mentors-ukraine-2024-q4"),
        ("language_connect_2024-1.csv", LANGUAGE, "language-ukraine-2024-01"),
        ("kintell-language-export-2024-11.csv", LANGUAGE, "language-ukraine-2024-11"),
        ("mentors-ukraine-march-2026.csv", MENTORS, "mentors-ukraine-2026-03"),
        ("Mentors Ukraine 2026 mars.csv", MENTORS, "mentors-ukraine-2026-03"),
        ("mentors-ukraine-Березень-2026.csv", MENTORS, "mentors-ukraine-2026-03"),
        ("language_for_ukraine_desember_2025 (1).csv", LANGUAGE, "language-ukraine-2025-12"),
        ("mentors-ukraine-2026-okt.csv", MENTORS, "mentors-ukraine-2026-10"),
        ("mentors-ukraine-2026 Q 1.csv", MENTORS, "mentors-ukraine-2026-q1"),
        ("mentors-ukraine-Q1-2026.csv", MENTORS, "mentors-ukraine-2026-q1"),
        ("mentors-ukraine-2024-q4-oslo.csv", MENTORS, "mentors-ukraine-2024-q4"),
        ("mentors-ukraine-2026-02-til-2026-04.csv", MENTORS, None),
        ("mentors-ukraine-2026-02_2026-04.csv", MENTORS, None),
        ("mentors-ukraine-2026 Q 1 og Q2.csv", MENTORS, None),
        ("mentors-ukraine-2026-q1-q2.csv", MENTORS, None),
        ("mentors-ukraine-jan-mars-2026.csv", MENTORS, None),
        ("mentors-ukraine-2026-februar-til-april.csv", MENTORS, None),
        ("mentors-ukraine-2024-2025.csv", MENTORS, None),
        ("mentors-ukraine-h1-2026.csv", MENTORS, None),
        ("mentors-ukraine-2026-vår.csv", MENTORS, None),
        ("mentors-ukraine-fra-2026.csv", MENTORS, None),
        ("mentors-ukraine-2026-uke-12.csv", MENTORS, None),
        ("mentors-ukraine-marts-2026.csv", MENTORS, None),
        ("mentors-ukraine-2026-März.csv", MENTORS, None),
        ("mentors-ukraine-2026_fevrier.csv", MENTORS, None),
        ("mentors-ukraine-fevrier-mars-2026.csv", MENTORS, None),
        ("mentors-ukraine-2026-mars-avril.csv", MENTORS, None),
        ("mentors-ukraine-marts-april-2026.csv", MENTORS, None),
        ("mentors-ukraine-marts-2026-final (1).csv", MENTORS, None),
        ("mentors-ukraine-mars-2026-oslo.csv", MENTORS, "mentors-ukraine-2026-03"),
        ("mentors-ukraine-2026-03-oslo.csv", MENTORS, "mentors-ukraine-2026-03"),
        ("mentors-ukraine-sessions-2026.csv", MENTORS, "mentors-ukraine-2026"),
        ("mentors-ukraine-2026-part-2.csv", MENTORS, None),
        ("mentors-ukraine-2026-del 2.csv", MENTORS, None),
        ("mentors-ukraine-2026-utf-8.csv", MENTORS, None),
        ("mentors-ukraine-2026-final-2-oslo.csv", MENTORS, None),
        ("mentors-ukraine-2024-13.csv", MENTORS, None),
        ("mentors-ukraine-2024-Q5.csv", MENTORS, None),
        ("mentors-ukraine-2024-11-05.csv", MENTORS, None),
        ("mentors-ukraine-1824.csv", MENTORS, None),
        ("mentors-ukraine.csv", MENTORS, None),
        ("mentors-ukraine-2024-q4-errors-errors.csv", MENTORS, "mentors-ukraine-2024-q4"),
        ("kintell_users.csv", USERS, None),
        ("kintell-users-2024-11.csv", USERS, None),
        ("users (3).csv", USERS, None),
        ("mentors-ukrainer.csv", None, None),
        ("export.csv", None, None),
        ("2024-11.csv", None, None),
        ("lcd-2024.csv", None, None),
        (".csv", None, None),
        ("", None, None),
    ],
)
def test_a_file_name_says_what_it_can(name: str, program_type: str | None, slug: str | None) -> None:
    assert read_file_name(name) == (program_type, slug)


@given(st.text())
@settings(deadline=None, database=None)
def test_no_file_name_breaks_the_reading(name: str) -> None:
    read_file_name(name)
    read_file_name(name + ".csv")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("incoming/export.csv", Key(None, None, "export.csv")),
        ("incoming/mentors_ukraine/a.CSV", Key(MENTORS, None, "a.CSV")),
        ("incoming/lfu/b.tsv", Key(LANGUAGE, None, "b.tsv")),
        ("incoming/Mentors Ukraine/å b.txt", Key(MENTORS, None, "å b.txt")),
        ("incoming/users/people.csv.GZ", Key(USERS, None, "people.csv.GZ")),
        (
            "incoming/mfu/mentors-ukraine-2024-q4/a.csv",
            Key(MENTORS, "mentors-ukraine-2024-q4", "a.csv"),
        ),
        ("incoming/mfu/mentors-ukraine-pilot/a.csv", Key(MENTORS, "mentors-ukraine-pilot", "a.csv")),
    ],
)
def test_a_key_gives_programme_instance_and_file_name(key: str, expected: Key) -> None:
    assert read_key(key) == expected


@pytest.mark.parametrize(
    ("key", "code", "told"),
    [
        ("incoming/norway/a.csv", RefusalCode.UNKNOWN_PROGRAM, "name one of mentors_ukraine"),
        ("incoming//a.csv", RefusalCode.UNKNOWN_PROGRAM, "name one of mentors_ukraine"),
        ("incoming/mfu/a.xls", RefusalCode.NOT_CSV, "The file is not named as a CSV file; upload a .csv"),
        ("incoming/mfu/a", RefusalCode.NOT_CSV, "upload a .csv"),
        ("incoming/mfu/", RefusalCode.NOT_CSV, "upload a .csv"),
        ("incoming/a.csv.zip", RefusalCode.NOT_CSV, "upload a .csv"),
        ("incoming/a.gz", RefusalCode.NOT_CSV, "upload a .csv"),
        ("incoming/mfu/Pilot_1/a.csv", RefusalCode.UNKNOWN_PROGRAM_INSTANCE, "lower-case letters, digits and hyphens"),
        ("incoming/mfu//a.csv", RefusalCode.UNKNOWN_PROGRAM_INSTANCE, "such as mentors-ukraine-2024-q4"),
        ("incoming/mfu/language-ukraine-2024/a.csv", RefusalCode.UNKNOWN_PROGRAM_INSTANCE, "of language_ukraine"),
        ("incoming/users/people-2024/a.csv", RefusalCode.UNKNOWN_PROGRAM_INSTANCE, "a roster and has no instances"),
        ("incoming/mfu/a/b/c.csv", RefusalCode.UNKNOWN_PROGRAM_INSTANCE, "incoming/<program>/<program-instance-slug>"),
    ],
)
def test_a_key_that_says_nothing_we_know_is_refused(key: str, code: RefusalCode, told: str) -> None:
    with pytest.raises(Refused) as refused:
        read_key(key)
    assert refused.value.code is code
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("slug", "program_type", "name", "starts_on", "ends_on"),
    [
        (
            "mentors-ukraine-2024-q4",
            MENTORS,
            "Mentors for Ukraine 2024-Q4",
            date(2024, 10, 1),
            date(2024, 12, 31),
        ),
        ("mentors-ukraine-2024-q1", MENTORS, "Mentors for Ukraine 2024-Q1", date(2024, 1, 1), date(2024, 3, 31)),
        (
            "language-ukraine-2024-02",
            LANGUAGE,
            "Language for Ukraine (Language Connect) 2024-02",
            date(2024, 2, 1),
            date(2024, 2, 29),
        ),
        ("mentors-ukraine-2024", MENTORS, "Mentors for Ukraine 2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("mentors-ukraine-pilot-oslo", MENTORS, "Mentors for Ukraine pilot oslo", None, None),
        ("mentors-ukraine-2024-13", MENTORS, "Mentors for Ukraine 2024 13", None, None),
        ("pilot", MENTORS, "Mentors for Ukraine pilot", None, None),
    ],
)
def test_a_slug_tells_the_dates_of_its_instance(
    slug: str, program_type: str, name: str, starts_on: date | None, ends_on: date | None
) -> None:
    instance = instance_of_slug(slug, program_type)
    assert (instance.program_type, instance.slug, instance.name) == (program_type, slug, name)
    assert (instance.starts_on, instance.ends_on) == (starts_on, ends_on)


@pytest.mark.parametrize(
    "slug", ["", "-", "Pilot", "pilot_1", "pilot 1", "-pilot", "pilot-", "пілот", "a" * 101, "a\n"]
)
def test_what_is_no_slug_is_refused(slug: str) -> None:
    with pytest.raises(Refused) as refused:
        instance_of_slug(slug, MENTORS)
    assert refused.value.code is RefusalCode.UNKNOWN_PROGRAM_INSTANCE
    assert "such as mentors-ukraine-2024-q4" in refused.value.message


def test_a_slug_may_have_100_characters() -> None:
    assert instance_of_slug("a" * 100, MENTORS).slug == "a" * 100


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("mentors-ukraine-2024-q4", "mentors-ukraine-2024-q4"),
        ("Mentors for Ukraine 2024 Q4", "mentors-ukraine-2024-q4"),
        ("MFU_2024_11", "mentors-ukraine-2024-11"),
        (" Mentors-Ukraine-Pilot ", "mentors-ukraine-pilot"),
        ("Spring Cohort 3", "spring-cohort-3"),
    ],
)
def test_a_cell_may_name_the_instance_as_people_write_it(text: str, slug: str) -> None:
    assert slug_of_ref(text) == slug


@pytest.mark.parametrize(
    "text", ["", "-", "olena@example.org", "\u041a\u043e\u0433\u043e\u0440\u0442\u0430 3", "a" * 101, "a,b"]
)
def test_what_can_not_be_a_slug_names_none(text: str) -> None:
    assert slug_of_ref(text) is None


@pytest.mark.parametrize(
    ("slug", "is_own"),
    [
        ("mentors-ukraine-2024", True),
        ("mentors-ukraine-2024-q4", True),
        ("mentors-ukraine-2024-11", True),
        ("mentors-ukraine-2024-13", False),
        ("mentors-ukraine-olena", False),
        ("mentors-ukraine-", False),
        ("mentors-ukraine", False),
        ("2024", False),
        ("language-ukraine-2024", False),
    ],
)
def test_a_slug_of_the_programmes_own_form_names_a_stretch_of_time(slug: str, is_own: bool) -> None:
    assert is_of_own_form(slug, MENTORS) is is_own


@pytest.mark.parametrize(
    ("slug", "program_type"),
    [("mentors-ukraine-2024", MENTORS), ("language-ukraine", LANGUAGE), ("language-ukrainer", None), ("pilot", None)],
)
def test_the_prefix_of_a_slug_tells_its_programme(slug: str, program_type: str | None) -> None:
    assert programme_of_slug(slug) == program_type


@pytest.mark.parametrize(
    ("headers", "program_type"),
    [
        (["session_id", "Focus Area"], MENTORS),
        (["goals-discussed"], MENTORS),
        (["Mentor_Email"], MENTORS),
        (["LANGUAGE LEVEL"], LANGUAGE),
        (["language_level", "mentor_email"], MENTORS),
        (["Email", "Role when joined"], USERS),
        (["session_id", "volunteer_email", "topics", "metadata"], LANGUAGE),
        (["session_id", "volunteer_email", "topics"], None),
        ([], None),
    ],
)
def test_a_column_that_only_one_programme_has_gives_it_away(headers: list[str], program_type: str | None) -> None:
    assert programme_of_columns(headers) == program_type


@pytest.mark.parametrize(
    ("ids", "program_type"),
    [
        (["MS-1", "MS-2"], MENTORS),
        ([" mentor-1"], MENTORS),
        (["LS-1", "17"], LANGUAGE),
        (["lang-1"], LANGUAGE),
        (["MS-1", "LS-1"], None),
        (["17", "MSX-1", ""], None),
        ([], None),
    ],
)
def test_the_prefixes_of_ids_give_a_programme_away_if_they_agree(ids: list[str], program_type: str | None) -> None:
    assert programme_of_ids(ids) == program_type


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("mentors-2024.csv", "mentors-2024-errors.csv"),
        ("mentors-2024.TXT.GZ", "mentors-2024-errors.csv"),
        ("mentors-2024-errors.csv", "mentors-2024-errors.csv"),
        ("mentors (1).csv", "mentors (1)-errors.csv"),
    ],
)
def test_an_error_file_is_named_for_its_file(file_name: str, expected: str) -> None:
    assert error_file_name(file_name) == expected


@pytest.mark.parametrize("names", ["languageLevel", "Language Level *", "language.level", "LANGUAGE_LEVEL (CEFR)"])
def test_the_columns_of_another_programme_are_known_in_any_spelling(names: str) -> None:
    header = ["sessionId", "participantEmail", "volunteerEmail", "scheduledAt", names]
    assert other_programme_of_columns(header, MENTORS) == LANGUAGE


@pytest.mark.parametrize(
    "when", ["våren 2026", "høsten-2026", "tom mars 2026", "t.o.m. 2026-03", "per 2026-03", "pr mars 2026"]
)
def test_seasons_and_ends_of_a_stretch_are_no_instance(when: str) -> None:
    assert read_file_name(f"mentors-ukraine-{when}.csv") == FileName(MENTORS, None)
