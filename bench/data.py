"""Made-up Mentors exports of any size: line breaks in a third of the rows, text of several scripts, known people."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

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
    """Everybody whom the rows name: email and role."""
    yield from ((participant(number), "participant") for number in range(PARTICIPANTS))
    yield from ((volunteer(number), "volunteer") for number in range(VOLUNTEERS))


def mentors_rows(count: int, *, bad_share: float = 0.0, variant: str = "", seed: int = 1) -> Iterator[str]:
    """The header and *count* rows. *variant* changes each row's feedback; a share of the rows has a bad rating."""
    pick = random.Random(seed)
    yield HEADER
    for number in range(1, count + 1):
        at = _START + timedelta(minutes=number % 500_000)
        feedback = _FEEDBACK[number % len(_FEEDBACK)] + variant
        if number % 3 == 0:
            feedback += ",\nthen a second line"
        quoted = '"' + feedback.replace('"', '""') + '"' if set(feedback) & set(',"\n') else feedback
        rating = "9" if pick.random() < bad_share else str(1 + number % 5)
        duration = 15 * (1 + number % 6)
        done = at + timedelta(minutes=duration)
        yield (
            f"MS-{number:08},{participant(pick.randrange(PARTICIPANTS))},{volunteer(pick.randrange(VOLUNTEERS))},"
            f'{at:%Y-%m-%dT%H:%M:%SZ},{done:%Y-%m-%dT%H:%M:%SZ},{duration},{rating},{quoted},{_AREAS[number % 5]},"CV, '
            f'network",{_NAMES[number % 6]},{_NAMES[number % 5]},2024-q{1 + number % 4},UA\r\n'
        )
