"""Tables as CSV files: streamed, readable by spreadsheets, and harmless in them."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any

from fastapi.responses import StreamingResponse

# A cell that begins so would be run as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Without it Excel takes UTF-8 for something else.
MARK = "\ufeff"


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingResponse:
    """A download of rows that are made while they are sent."""
    return download(name, "text/csv; charset=utf-8", csv_lines(header, rows))


def download(name: str, kind: str, lines: Iterator[str]) -> StreamingResponse:
    """A file that no browser shows and nobody keeps."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(lines, headers=headers, media_type=kind)


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file, a line at a time."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    buffer.write(MARK)
    writer.writerow(header)
    for row in rows:
        writer.writerow([defused(cell) for cell in row])
        yield _taken(buffer)
    yield _taken(buffer)


def defused(cell: Any) -> Any:
    """Text that a spreadsheet shows instead of running it."""
    if isinstance(cell, str) and cell.startswith(FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell


def _taken(buffer: StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
