"""Made-up Mentors exports of any size: line breaks in a third of the rows, text in several scripts, known people."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

PARTICIPANTS = 5_000
VOLUNTEERS = 2_000

HEADER = (
    "session_id,participant_email,mentor_email,scheduled_at,completed_at,duration_minutes,rating,feedback_text,"
    "focus_area,goals_discussed,participant_name,mentor_name,cohort,country\r\n"
)

_FEEDBACK = (
    "Дуже корисна розмова",
    "Snakket om CV og søknad",
    'Говорили про "наступні кроки"',
    "Good progress, clear goals",
    "",
)
_AREAS = ("career", "education", "integration", "language", "")
_NAMES = ("Оксана Шевченко", "Іван Ґонта", "Kåre Bjørnsen", "Åse Nygård", "Марія Їжак", "Єва Лисенко")
_START = datetime(2024, 1, 1, 8, tzinfo=UTC)


def participant(number: int) -> str:
    """The email address of a participant."""
    return f"participant{number % PARTICIPANTS}@example.org"


def volunteer(number: int) -> str:
    """The email address of a volunteer."""
    return f"mentor{number % VOLUNTEERS}@acme.com"


def people() -> Iterator[tuple[str, str]]:
    """Email and role of everybody in the rows."""
    yield from ((participant(number), "participant") for number in range(PARTICIPANTS))
    yield from ((volunteer(number), "volunteer") for number in range(VOLUNTEERS))


def mentors_rows(
    count: int, *, bad_share: float = 0.0, variant: str = "", seed: int = 1, first: int = 1
) -> Iterator[str]:
    """The header and *count* rows, with ids from *first* on.

    *variant* changes each row's feedback, so that a row with the same id is an update. A share of the rows has a rating
    that is on no scale. Who meets whom depends only on *seed* and the row's number.
    """
    meets, fails = random.Random(seed), random.Random(seed + 1)
    yield HEADER
    for number in range(first, first + count):
        at = _START + timedelta(minutes=number % 500_000)
        said = _FEEDBACK[number % len(_FEEDBACK)]
        # Hardly any two people write the same text.
        feedback = (said and f"{said} ({number % 9_973})") + variant
        if number % 3 == 0:
            feedback += ",\nthen a second line"
        quoted = '"' + feedback.replace('"', '""') + '"' if set(feedback) & set(',"\n') else feedback
        rating = "9" if fails.random() < bad_share else str(1 + number % 5)
        duration = 15 * (1 + number % 6)
        done = at + timedelta(minutes=duration)
        yield (
            f"MS-{number:08},{participant(int(meets.random() * PARTICIPANTS))},"
            f"{volunteer(int(meets.random() * VOLUNTEERS))},{at:%Y-%m-%dT%H:%M:%SZ},{done:%Y-%m-%dT%H:%M:%SZ},"
            f'{duration},{rating},{quoted},{_AREAS[number % 5]},"CV, network",{_NAMES[number % 6]},'
            f"{_NAMES[number % 5]},2024-q{1 + number % 4},UA\r\n"
        )


def write_mentors(file: Path, count: int, **options: Any) -> Path:
    """Write `mentors_rows` to a file in UTF-8, and return the file."""
    rows = mentors_rows(count, **options)
    with file.open("w", encoding="utf-8", newline="") as out:
        while some := "".join(islice(rows, 10_000)):
            out.write(some)
    return file
