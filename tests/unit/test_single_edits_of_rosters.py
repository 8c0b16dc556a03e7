"""Whatever single edit is made to a ragged roster, no row that is accepted has a value in another column, or cut."""

import random
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from ingestion.csv_file.chunk_reader import read_blocks
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass
from ingestion.errors import Refused
from ingestion.records import get_programme
from ingestion.rows.columns import plan_columns
from ingestion.rows.validation import validate
from tests.unit.pure_reading import KNOWN, NOW
from tests.unit.reference_reader import EXAMPLES
from tests.unit.test_single_edits import bare, edits, written

NAMES = (
    "Email",
    "Name",
    "Linkedin_URL",
    "Verification_status",
    "Role when joined",
    "grant_access",
    "Joined_kg_at",
)
TEXTS = ("name", "linkedin_url", "verification_status", "grant_access")


def roster(rng: random.Random) -> list[list[str]]:
    """Rows that lack cells at their end, as rosters do; each says more than an address."""
    rows = []
    for number in range(rng.randrange(3, 9)):
        row = [
            f"olena{number}@example.org",
            rng.choice(["Olena Hansen", "Hansen, Olena", "Олена"]),
            rng.choice(["", "https://www.linkedin.com/in/olena-hansen", "linkedin.com/in/olena"]),
            rng.choice(["verified", "pending"]),
            rng.choice(["Mentor", "learner", "Senior advisor"]),
            rng.choice(["true", "false", "yes"]),
            rng.choice(["2026-01-01", "Dec 14, 2025"]),
        ]
        rows.append(row[: rng.choice([3, 4, 5, 6, 7])] if row[2] else row[: rng.choice([4, 5, 6, 7])])
    return rows


def people_of(body: bytes, limits: Limits) -> Iterator[Any]:
    """The people of a roster, as intake and stage read it."""
    text = BytesIO()
    file_pass = FilePass(limits, KNOWN, text.write)
    file_pass.feed(body)
    scanned = file_pass.finish()
    programme = get_programme("kintell_users")
    fmt = scanned.format.model_copy(update={"fills_short_rows": programme.fills_short_rows})
    plan = plan_columns(fmt.header, programme)
    data = text.getvalue() if scanned.transformed else body
    for span in scanned.chunks:
        for readable, _unreadable, _filled in read_blocks(data[span.start : span.fetch_end], span, fmt):
            yield from validate(readable, plan, now=NOW, scale=None).people


def differing(person: Any, before: Any) -> list[str]:
    return [name for name in ("role", "joined_at", *TEXTS) if getattr(person, name) != getattr(before, name)]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("quotes_all", [False, True], ids=["bare cells", "quoted cells"])
def test_no_single_edit_moves_or_cuts_a_value_of_a_roster(delimiter: str, quotes_all: bool) -> None:
    rng = random.Random(f"{delimiter}{quotes_all}")
    for _ in range(EXAMPLES // 5):
        text = written([list(NAMES), *roster(rng)], delimiter, quotes_all=quotes_all)
        by_email = {person.email: person for person in people_of(text.encode(), Limits())}
        for edited in edits(text, delimiter, rng):
            try:
                people = list(people_of(edited.encode(), Limits(chunk=rng.choice([1, 200, 1 << 20]))))
            except Refused:
                continue
            for person in people:
                if (before := by_email.get(person.email)) is None:
                    continue
                changed = differing(person, before)
                if edited.partition("\n")[0] != text.partition("\n")[0]:
                    # A column whose name is broken is dropped, and named as unknown.
                    changed = [name for name in changed if getattr(person, name) not in (None, "participant")]
                is_same = len(changed) <= 1 and all(
                    name in TEXTS and bare(getattr(person, name) or "") == bare(getattr(before, name) or "")
                    for name in changed
                )
                assert is_same, (text, edited, person, before)


@pytest.mark.parametrize(
    "row",
    [
        "olena@example.org,Hansen, Olena,https://www.linkedin.com/in/olena,verified,learner",
        "olena@example.org,Hansen, Olena,,verified,learner,",
        "olena@example.org,Hansen, Olena",
        "olena@example.org,Olena,,,verified",
        "olena@example.org,Olena,,verified,Advisor, Tutor",
        "olena@example.org,Olena,,verified,lear,ner",
        "olena@example.org,Olena,https://www.linkedin.com/in/ole,na",
    ],
)
def test_a_row_that_lacks_cells_and_has_one_too_many_is_rejected(row: str) -> None:
    body = ",".join(NAMES) + f"\nkari@acme.com,Kari,,verified,mentor,yes,2026-01-01\n{row}\n"
    assert [person.email for person in people_of(body.encode(), Limits())] == ["kari@acme.com"]


@pytest.mark.parametrize(
    "row",
    [
        "olena@example.org,Olena",
        "olena@example.org,Olena,olena-k,verified,learner,yes,2026-01-01",
        "olena@example.org,Olena,,verified,Programme lead,yes,2026-01-01",
        "olena@example.org,Olena,,Waiting for papers,learner,full access,2026-01-01",
        "olena@example.org,Olena,,Waiting for papers,Programme lead,full access,",
        "olena@example.org,Olena,n/a,Verified,Learner",
        "olena@example.org,Olena Mentor,,verified,learner,yes,",
    ],
)
def test_a_row_with_unusual_cells_in_their_places_is_taken(row: str) -> None:
    body = ",".join(NAMES) + f"\nkari@acme.com,Kari,,verified,mentor,yes,2026-01-01\n{row}\n"
    assert len(list(people_of(body.encode(), Limits()))) == 2
