"""The exports of a trial: made-up rows about three made-up people, under ids that no other trial uses."""

from dataclasses import dataclass

ROWS = 600
HEADER = "session_id,participant_email,mentor_email,scheduled_at,rating,feedback_text\n"
PEOPLE = ("oksana@example.org", "ivan@example.org", "kari@acme.com")
ROSTER = "Email,Role when joined\n" + "".join(f"{email},learner\n" for email in PEOPLE)


@dataclass(frozen=True)
class Files:
    """Exports of a programme: the second one changes, repeats, adds and breaks rows of the first."""

    prefix: str

    @property
    def folder(self) -> str:
        """Where they are uploaded to: an instance of their own."""
        return f"incoming/mentors_ukraine/mentors-ukraine-{self.prefix.lower()}"

    def first(self) -> bytes:
        """Good rows only."""
        return self._file([self._row(number, "first") for number in range(ROWS // 2)])

    def second(self) -> bytes:
        """Every outcome that a row may have."""
        rows = []
        for number in range(ROWS):
            rows.append(self._row(number, "first" if number % 3 else "second"))
            if number % 50 == 7:
                rows.append(self._row(number, 'once more,\nin two "lines"'))
            if number % 60 == 9:
                rows.append(self._row(number, "stolen", who="ivan@example.org"))
            if number % 70 == 3:
                rows.append(self._row(10_000 + number, "bad", rating="9"))
        return self._file(rows)

    def other(self) -> bytes:
        """The same ids as the second, in other words; some of them of other people, some rows bad."""
        rows = [self._row(number, "other" if number % 4 else "first") for number in range(ROWS)]
        rows += [self._row(10_000 + number, "new", who="ivan@example.org") for number in range(20)]
        rows += [self._row(number, "stolen", who="ivan@example.org") for number in range(0, ROWS, 100)]
        rows += [self._row(20_000 + number, "bad", rating="9") for number in range(5)]
        return self._file(rows)

    def _file(self, rows: list[str]) -> bytes:
        return (HEADER + "".join(rows)).encode()

    def _row(self, number: int, text: str, who: str = "oksana@example.org", rating: str = "4") -> str:
        quoted = '"' + text.replace('"', '""') + '"'
        return f"{self.prefix}-{number},{who},kari@acme.com,2024-11-05,{rating},{quoted}\n"
