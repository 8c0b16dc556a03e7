"""Whatever is done to a file: no value is stored that nobody wrote, and no row is lost without a word.

A table of single edits in every run; every place and many random ones when FUZZ_EXAMPLES asks for them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest

from ingestion.rows.validation import SessionRow
from tests.stages import polluter
from tests.stages.polluter import FOREIGN, OURS, Edited, Export, Polluted, export
from tests.unit.pure_reading import Outcome, read
from tests.unit.reference_reader import EXAMPLES

PROGRAMMES: Final = ("mentors_ukraine", "language_ukraine")
LEAST_ACCOUNTED: Final = 0.998
_TEXTS: Final = frozenset({"external_session_id", "feedback_text", "focus_area", "topics", "metadata"})
_FILLS: Final = {"session_id": "external_session_id", "goals_discussed": "topics"}
_LOOSE: Final = re.compile(r"""[\s",;|'()]+""")


class Tally:
    """What a set of polluted files came to."""

    def __init__(self, original: Export) -> None:
        self.original = read(original.text.encode(), original.programme).sessions
        assert len(self.original) == len(original.rows)
        self.wrong: list[str] = []
        self.lost: list[str] = []
        self.expected = 0

    def take(self, polluted: Polluted, outcome: Outcome) -> None:
        """Compare what was read of a file with the original."""
        by_id = {session.external_session_id: session for session in self.original}
        for session in outcome.sessions:
            source = by_id.get(session.external_session_id) or self._renamed(session, polluted.edited)
            differs = _differing(session, source, _own(source, polluted.edited)) if source else ["no row of this id"]
            self.wrong += [f"{polluted.name}: {session.external_session_id}: {what}" for what in differs]
        self.expected += len(by_id)
        if outcome.refused is None:
            seen = _bare(outcome.rejected_text) + "".join(_bare(each.external_session_id) for each in outcome.sessions)
            self.lost += [f"{polluted.name}: {key}" for key in by_id if _bare(key) not in seen]

    def _renamed(self, session: Any, edited: Edited | None) -> Any | None:
        """The row whose bare id was edited: a line break in it is beyond knowing."""
        if edited is None or not edited.row or edited.column != "session_id":
            return None
        source = self.original[edited.row - 1]
        given = _bare(session.external_session_id)
        return source if given and given in _bare(source.external_session_id) else None

    def hold(self) -> None:
        """No wrong value, and next to no row lost."""
        assert self.wrong == []
        assert len(self.lost) <= (1 - LEAST_ACCOUNTED) * self.expected, self.lost[:50]


def _bare(text: object) -> str:
    return _LOOSE.sub("", ",".join(text) if isinstance(text, tuple) else str(text or ""))


def _own(source: Any | None, edited: Edited | None) -> str | None:
    """The field whose own text was edited, if it was one of this row."""
    is_here = source and edited and source.row_number == edited.row
    return _FILLS.get(edited.column, edited.column) if is_here and edited else None


def _differing(session: Any, source: Any, own: str | None) -> Iterator[str]:
    for field in SessionRow._fields[2:]:
        found, expected = getattr(session, field), getattr(source, field)
        is_own_text = field == own and field in _TEXTS and _bare(found) == _bare(expected)
        is_part_of_id = field == own == "external_session_id"
        if found != expected and not is_own_text and not is_part_of_id:
            yield f"{field} is {found!r}, not {expected!r}"


def hold(original: Export, files: Iterable[Polluted]) -> None:
    tally = Tally(original)
    for polluted in files:
        tally.take(polluted, read(polluted.body, original.programme))
    tally.hold()


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_a_single_edit_puts_no_value_elsewhere(programme: str) -> None:
    original = export(programme)
    hold(original, polluter.table_of_edits(original))


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_what_is_saved_in_another_way_says_the_same(programme: str) -> None:
    original = export(programme)
    hold(original, polluter.saved_again(original))


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_random_edits_put_no_value_elsewhere(programme: str) -> None:
    original = export(programme)
    hold(original, polluter.random_edits(original, seed=EXAMPLES, count=EXAMPLES))


@pytest.mark.parametrize("programme", PROGRAMMES)
def test_a_cut_file_holds_no_row_that_is_cut_elsewhere_than_at_its_end(programme: str) -> None:
    original = export(programme)
    tally = Tally(original)
    last = original.rows[-1]
    for polluted in polluter.truncated(original, most=len("".join(last).encode())):
        outcome = read(polluted.body, programme)
        ended = [session for session in outcome.sessions if session.row_number == len(original.rows)]
        whole = [session for session in outcome.sessions if session not in ended]
        tally.take(polluted, outcome._replace(sessions=whole))
        tally.wrong += [f"{polluted.name}: {name}" for name in _cut_elsewhere(ended, tally.original[-1])]
    assert tally.wrong == []


def _cut_elsewhere(ended: Iterable[Any], source: Any) -> list[str]:
    """Of the last row only the last cell may be short: a row with fewer cells is rejected."""
    last = "topics" if source.metadata is None and source.language_level is None else "metadata"
    fields = [field for field in SessionRow._fields[2:] if field != last]
    return [field for session in ended for field in fields if getattr(session, field) != getattr(source, field)]


@pytest.mark.parametrize("programme", PROGRAMMES)
@pytest.mark.parametrize("page", OURS)
def test_our_pages_are_read_letter_by_letter(programme: str, page: str) -> None:
    original = export(programme, texts=[OURS[page]])
    hold(original, [polluter.in_page(programme, page, OURS[page])])


@pytest.mark.parametrize("programme", PROGRAMMES)
@pytest.mark.parametrize("page", FOREIGN)
def test_a_foreign_page_is_refused(programme: str, page: str) -> None:
    assert read(polluter.in_page(programme, page, FOREIGN[page]).body, programme).refused == "undecodable"


@pytest.mark.parametrize("programme", PROGRAMMES)
@pytest.mark.parametrize("page", [*OURS, *FOREIGN])
def test_of_two_encodings_in_one_file_nothing_is_garbled(programme: str, page: str) -> None:
    text = OURS.get(page) or FOREIGN[page]
    hold(export(programme, texts=[text]), [polluter.of_two_pages(programme, page, text)])


@pytest.mark.skipif(EXAMPLES <= 200, reason="make fuzz-reader")
@pytest.mark.parametrize("programme", PROGRAMMES)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_an_edit_at_any_place_puts_no_value_elsewhere(programme: str, delimiter: str) -> None:
    rows = export(programme).rows
    original = Export(programme, export(programme).header, rows, delimiter=delimiter)
    hold(original, polluter.all_edits(original))
