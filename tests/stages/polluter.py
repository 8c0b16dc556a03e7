"""Our own exports, and what people, editors and spreadsheets do to them: one edit at a time, or the file as a whole.

A polluted file says either which cell was edited or that no value was: so whoever reads it knows what may differ.
"""

import codecs
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

SHARED: Final = (
    "session_id",
    "participant_email",
    "volunteer_email",
    "scheduled_at",
    "completed_at",
    "duration_minutes",
    "rating",
    "feedback_text",
)
MENTORS: Final = (*SHARED[:2], "mentor_email", *SHARED[3:], "focus_area", "goals_discussed")
LANGUAGE: Final = (*SHARED, "language_level", "topics", "metadata")

TEXTS: Final = (
    "Fin samtale på øya, være her",
    "Дякую, їй ґрунтовно",
    'She said "hi", and left',
    "two\nlines, and more",
    "",
    "Good, really useful",
    "plain",
    "Blåbær og kaffe",
    'a "quoted" word',
    "Ще раз; дякую",
    "x",
    "Godt møte, takk for i dag",
)
LISTS: Final = ("CV,interview", "CV", "", "CV, interview, network", "їжа,робота", "småprat")
JSON: Final = ("", '{"room": "A, B", "n": [1, 2.5]}', "{}", '{"øl": "ї"}', "[]")


class Edited(NamedTuple):
    """The one cell that an edit changed: row 0 is the header, the others count from 1."""

    row: int
    column: str


class Cell(NamedTuple):
    """Where a cell stands in the text, its quotes included."""

    start: int
    end: int
    at: Edited


class Polluted(NamedTuple):
    """A file, and the cell whose own text may differ in it, if any may."""

    name: str
    body: bytes
    edited: Edited | None = None


@dataclass(frozen=True)
class Export:
    """A table of one programme, and how it is written."""

    programme: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    delimiter: str = ","
    quote: str = '"'
    quotes_all: bool = False
    end: str = "\r\n"

    @property
    def text(self) -> str:
        """The whole file."""
        return self.written()[0]

    def written(self) -> tuple[str, list[Cell]]:
        """The whole file, and where its cells stand in it."""
        text, cells = "", []
        for row, line in enumerate([self.header, *self.rows]):
            for column, cell in zip(self.header, line, strict=True):
                start = len(text)
                text += self._cell(cell)
                cells.append(Cell(start, len(text), Edited(row, column)))
                text += self.delimiter
            text = text.removesuffix(self.delimiter) + self.end
        return text, cells

    def _cell(self, cell: str) -> str:
        needs = self.quotes_all or any(char in cell for char in (self.delimiter[0], self.quote, "\n", "\r"))
        return self.quote + cell.replace(self.quote, self.quote * 2) + self.quote if needs else cell


def export(programme: str, count: int = 12, texts: Sequence[str] = TEXTS) -> Export:
    """Rows with quoted line breaks, commas and quotes, empty optional cells, Norwegian and Ukrainian letters."""
    header = MENTORS if programme == "mentors_ukraine" else LANGUAGE
    rows = [_row(number, programme, texts[number % len(texts)]) for number in range(count)]
    return Export(programme, header, rows)


def _row(number: int, programme: str, text: str) -> list[str]:
    day = f"2026-03-{number % 28 + 1:02}"
    lists = LISTS[number % len(LISTS)] if text.isascii() or text in TEXTS else "CV,interview"
    shared = [
        f"S-{programme[:2].upper()}-{number:03}",
        f"olena{number}@example.org",
        f"kari{number}@acme.com",
        f"{day}T10:00:00Z",
        f"{day}T11:30:00Z" if number % 3 else "",
        str(30 + number) if number % 4 else "",
        str(2 + number % 4) if number % 5 else "",
        text,
    ]
    if programme == "mentors_ukraine":
        return [*shared, ("career", "", "education")[number % 3], lists]
    return [*shared, ("A1", "", "b2", "C1")[number % 4], lists, JSON[number % len(JSON)] if text in TEXTS else ""]


def table_of_edits(original: Export) -> Iterator[Polluted]:
    """A quote, a delimiter, a line end more, at the start, the middle and the end of every cell; each of those less."""
    text, cells = original.written()
    for start, end, at in cells:
        for place in sorted({start, (start + end) // 2, end}):
            yield from _more(original, text, place, at)
    yield from _less(original, text, cells)


def all_edits(original: Export) -> Iterator[Polluted]:
    """The same at every character of the file."""
    text, cells = original.written()
    for cell in cells:
        for place in range(cell.start, cell.end + 1):
            yield from _more(original, text, place, cell.at)
    yield from _less(original, text, cells)


def _more(original: Export, text: str, place: int, at: Edited) -> Iterator[Polluted]:
    for added in ('"', original.delimiter, "\n", "\r\n", '""', original.delimiter * 2):
        name = f"{added!r} more at {place}, {at.column} of row {at.row}"
        yield Polluted(name, (text[:place] + added + text[place:]).encode(), at)


def _less(original: Export, text: str, cells: Sequence[Cell]) -> Iterator[Polluted]:
    for place, char in enumerate(text):
        if char in (original.delimiter, '"', "\n"):
            start = place - (text[place - 1 : place + 1] == "\r\n")
            at = next((cell.at for cell in cells if cell.start <= start < cell.end), None)
            yield Polluted(f"{char!r} less at {place}", (text[:start] + text[place + 1 :]).encode(), at)


def random_edits(original: Export, seed: int, count: int) -> Iterator[Polluted]:
    """Single edits at random places of exports that are written at random; a blank in a header makes another name."""
    luck = random.Random(seed)
    for _ in range(count):
        delimiter = luck.choice(",;\t")
        given = replace(
            original, delimiter=delimiter, quotes_all=luck.random() < 0.3, end=luck.choice(["\n", "\r\n", "\r"])
        )
        text, cells = given.written()
        cell = luck.choice(cells)
        place = luck.randint(cell.start, cell.end)
        added = luck.choice(
            ['"', delimiter, "\n", "\r\n", '"' + delimiter, delimiter + '"', *['" ', " "] * bool(cell.at.row)]
        )
        name = f"seed {seed}: {added!r} at {place} of {delimiter!r}, {given.end!r}, quotes_all={given.quotes_all}"
        yield Polluted(name, (text[:place] + added + text[place:]).encode(), cell.at)


def saved_again(original: Export) -> Iterator[Polluted]:
    """The same values, written in another way: nothing may differ in what is read."""
    yield from _dialects(original)
    yield from _encodings(original)
    yield from _line_ends(original)
    yield from _surroundings(original)
    yield from _ends(original)


def _dialects(original: Export) -> Iterator[Polluted]:
    for delimiter in (";", "\t", "|", ", ", "; ", ":", "^", "~"):
        for quotes_all in (False, True):
            given = replace(original, delimiter=delimiter, quotes_all=quotes_all)
            yield Polluted(f"delimiter {delimiter!r}, quotes_all={quotes_all}", given.text.encode())
    for quote in ("'", "“", "”", "«", "`"):
        for quotes_all in (False, True):
            given = replace(original, quote=quote, quotes_all=quotes_all)
            yield Polluted(f"quote {quote}, quotes_all={quotes_all}", given.text.encode())
    lines = original.text.split(original.end)
    parted = replace(original, delimiter=";").text.split(original.end)
    for at in (1, 2, 6):
        mixed = original.end.join([*lines[:at], *parted[at:]])
        yield Polluted(f"commas in {at} lines, then semicolons", mixed.encode())
    wrapped = ['"' + line.replace('"', '""') + '"' for line in lines if line]
    yield Polluted("every line in quotes", (original.end.join(wrapped) + original.end).encode())
    for delimiter in (",", ";", "\t"):
        given = replace(original, delimiter=delimiter)
        yield Polluted(f"sep={delimiter!r}", f"sep={delimiter}\r\n{given.text}".encode())
    trailing = original.end.join(line + ",," if line else line for line in parted)
    if "\n" not in "".join(cell for row in original.rows for cell in row):
        yield Polluted("semicolons, and commas behind every line", trailing.encode())


def _encodings(original: Export) -> Iterator[Polluted]:
    text = original.text
    for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        yield Polluted(name, text.encode(name))
    yield Polluted("two byte order marks", codecs.BOM_UTF8 * 2 + text.encode())
    yield Polluted("UTF-16, tabs", replace(original, delimiter="\t").text.encode("utf-16"))


def _line_ends(original: Export) -> Iterator[Polluted]:
    for end in ("\n", "\r", "\r\r\n", "\r\n\r\n", "\n\r"):
        yield Polluted(f"line ends {end!r}", replace(original, end=end).text.encode())
    lines = original.text.split(original.end)
    mixed = "".join(line + ("\n", "\r\n", "\r")[at % 3] for at, line in enumerate(lines))
    yield Polluted("mixed line ends", mixed.encode())


def _surroundings(original: Export) -> Iterator[Polluted]:
    text, width = original.text, len(original.header)
    for preamble in ("Kintell export", "Date,2026-04-01", "Rating", "Contact,kari@acme.com", "Programme,Mentors,2026"):
        for blank in ("", "\r\n", "," * (width - 1) + "\r\n"):
            yield Polluted(f"preamble {preamble}, then {blank!r}", f"{preamble}\r\n{blank}{text}".encode())
    for footer in ("Total", "Sum", "(12 rows)", "# Total Records: 12"):
        yield Polluted(f"footer {footer}", f"{text}{footer}\r\n".encode())
        yield Polluted(f"footer {footer}, padded", f"{text}{footer}{',' * (width - 1)}\r\n".encode())
    header = text.split(original.end, 1)[0]
    yield Polluted("blank lines", f"\r\n\r\n{text}\r\n \r\n\u00a0\r\n".encode())
    yield Polluted("lines of delimiters", f"{text}{',' * (width - 1)}\r\n{';' * 7}\r\n".encode())
    yield Polluted("the header again at the end", f"{text}{header}\r\n".encode())
    yield Polluted("the header twice", f"{header}\r\n{text}".encode())
    yield from _two_tables(original)


def _two_tables(original: Export) -> Iterator[Polluted]:
    first, second = original.rows[: len(original.rows) // 2], original.rows[len(original.rows) // 2 :]
    top = replace(original, rows=first)
    for at, order in enumerate(
        ([*range(len(original.header))], [0, 1, 2, 3, 4, 5, 6, *range(len(original.header))[:6:-1]])
    ):
        header = [original.header[index] for index in order]
        below = replace(original, header=header, rows=[[row[index] for index in order] for row in second])
        yield Polluted(f"two tables, order {at}", (top.text + below.text).encode())
        yield Polluted(f"two tables with a blank line, order {at}", (top.text + "\r\n" + below.text).encode())
        yield Polluted(
            f"two tables and marks, order {at}", (top.text.encode("utf-8-sig") + below.text.encode("utf-8-sig"))
        )
    headless = below.text.split(original.end, 1)[1]
    yield Polluted("rows above the header", (headless + top.text).encode())


def _ends(original: Export) -> Iterator[Polluted]:
    body = original.text.encode()
    for name, ending in {"Ctrl-Z": b"\x1a", "NULs": b"\0" * 700, "Ctrl-Z and a line end": b"\x1a\r\n"}.items():
        yield Polluted(name, body + ending)
    yield Polluted("no line end", body.rstrip(b"\r\n"))


def truncated(original: Export, most: int) -> Iterator[Polluted]:
    """The file without its last bytes; the cell in which it ends is cut, and nobody can know that."""
    body = original.text.encode()
    for less in range(1, most):
        yield Polluted(f"{less} bytes less", body[:-less], Edited(len(original.rows), original.header[-1]))


FOREIGN: Final = {
    "cp1250": "Rozmowa była świetna, dziękuję za pomoc, żółć",
    "cp1254": "Görüşme çok güzeldi, teşekkürler, ığdır İstanbul",
    "cp1257": "Pokalbis buvo labai geras, ačiū už pagalbą, žąsų šūvis",
    "mac_roman": "Møte på øya; fint å være her, blåbær",
    "mac_cyrillic": "Дякую за розмову, було дуже корисно і цікаво",
    "cp850": "Møte på øya; fint å være her, blåbær",
    "cp866": "Спасибо за разговор, было очень полезно",
    "koi8_u": "Дякую за розмову, було дуже корисно і цікаво",
}
OURS: Final = {
    "cp1252": "Møte på øya; fint å være her, blåbær",
    "latin-1": "Møte på øya; fint å være her, blåbær",
    "cp1251": "Дякую за розмову, було дуже корисно і цікаво",
}


def in_page(programme: str, page: str, text: str) -> Polluted:
    """An export whose every row has a text in a code page."""
    return Polluted(page, export(programme, texts=[text]).text.encode(page))


def of_two_pages(programme: str, page: str, text: str) -> Polluted:
    """The upper half in the code page, the lower in UTF-8."""
    lines = export(programme, texts=[text]).text.splitlines(keepends=True)
    return Polluted(f"half {page}", "".join(lines[:7]).encode(page) + "".join(lines[7:]).encode())
