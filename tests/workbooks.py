"""Workbooks for tests: written by openpyxl, or part by part where no program would write them so."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook

NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def saved(rows: Sequence[Sequence[Any]], name: str = "Sessions") -> bytes:
    """A workbook with these cells in its one sheet."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = name
    for row, cells in enumerate(rows, 1):
        for column, value in enumerate(cells, 1):
            if value not in ("", None):
                cell = sheet.cell(row, column)
                cell.value = value
                if isinstance(value, str):
                    cell.data_type = "s"  # openpyxl takes =1+1 for a formula and #N/A for an error
    return bytes_of(book)


def bytes_of(book: Workbook) -> bytes:
    """The bytes of a workbook."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def packed(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def parts_of(*sheets: str, shared: str = "", styles: str = "", properties: str = "") -> dict[str, str | bytes]:
    """The parts of a workbook whose sheets have these rows, in XML; those that start with `hidden:` are hidden."""
    names = [f"sheet{number}" for number in range(1, len(sheets) + 1)]
    states = ["hidden" if rows.startswith("hidden:") else "visible" for rows in sheets]
    listed = "".join(
        f'<sheet name="{name}" sheetId="{at}" state="{state}" r:id="r{at}"/>'
        for at, (name, state) in enumerate(zip(names, states, strict=True), 1)
    )
    related = "".join(
        f'<Relationship Id="r{at}" Type="{_RELATIONS}/worksheet" Target="worksheets/{name}.xml"/>'
        for at, name in enumerate(names, 1)
    )
    for kind, content in (("sharedStrings", shared), ("styles", styles)):
        if content:
            related += f'<Relationship Id="{kind}" Type="{_RELATIONS}/{kind}" Target="/xl/{kind}.xml"/>'
    parts: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="a" Type="{_RELATIONS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{NAMESPACE}" xmlns:r="{_RELATIONS}">{properties}<sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{related}</Relationships>',
    }
    for name, rows in zip(names, sheets, strict=True):
        shown = rows.removeprefix("hidden:")
        parts[f"xl/worksheets/{name}.xml"] = (
            f'<worksheet xmlns="{NAMESPACE}"><sheetData>{shown}</sheetData></worksheet>'
        )
    if shared:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{NAMESPACE}">{shared}</sst>'
    if styles:
        parts["xl/styles.xml"] = f'<styleSheet xmlns="{NAMESPACE}">{styles}</styleSheet>'
    return parts


def row_of(number: int, *texts: str) -> str:
    """A row of inline texts."""
    cells = "".join(
        f'<c r="{chr(ord("A") + column)}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
        for column, text in enumerate(texts)
    )
    return f'<row r="{number}">{cells}</row>'


HEADER = row_of(1, "session_id", "participant_email")
