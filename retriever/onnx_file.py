"""An ONNX file taken apart just far enough to save memory; the rest of it passes through unread.

On the wire a message of protocol buffers is a row of fields, each a tag and then a number, or a
length and so many bytes (protobuf.dev/programming-guides/encoding). The tags are onnx.proto's.
"""

from collections.abc import Iterable, Iterator, Mapping

Field = tuple[int, memoryview]

BYTES = 2
GRAPH = 7 << 3 | BYTES
NODE = INPUT = 1 << 3 | BYTES
OUTPUT = 2 << 3 | BYTES
NAME = 3 << 3 | BYTES


def look_up_first(model: bytes, table: str) -> bytes:
    """The same model, but rows of a table are looked up before they are widened to floats.

    Where a file keeps a table in bytes, the engine widens all of it once and for good, to take a
    few rows of it for each text. Those rows have the same bits when they are taken first.
    Raises ValueError if the file is damaged or does not make the table by widening and scaling.
    """
    try:
        fields = list(_fields(memoryview(model)))
        return _written((t, _rewired(v, table) if t == GRAPH else v) for t, v in fields)
    except (IndexError, KeyError) as error:
        raise ValueError("the model is not made as expected") from error


def _rewired(graph: memoryview, table: str) -> memoryview:
    """From (widen, scale, look up) to (look up, widen) beside (look up), then scale."""
    fields = list(_fields(graph))
    nodes = [value for tag, value in fields if tag == NODE]
    made_by = {name: node for node in nodes for name in _names(node, OUTPUT)}
    scale = made_by[table]
    wide, factors = _names(scale, INPUT)
    widen = made_by[wide]
    (narrow,) = _names(widen, INPUT)
    (look_up,) = (node for node in nodes if table in _names(node, INPUT))
    (rows,) = _names(look_up, OUTPUT)
    few = {name: f"{name}_rows" for name in (narrow, wide, factors)}
    instead = [
        _renamed(look_up, {table: narrow, rows: few[narrow]}),
        _renamed(widen, few),
        _renamed(look_up, {table: factors, rows: few[factors]}),
        _renamed(scale, {**few, table: rows}),
    ]
    moved = {id(widen): [], id(scale): [], id(look_up): instead}
    return memoryview(
        _written((tag, v) for tag, value in fields for v in moved.get(id(value), [value]))
    )


def _names(node: memoryview, wanted: int) -> list[str]:
    return [str(value, "utf-8") for tag, value in _fields(node) if tag == wanted]


def _renamed(node: memoryview, names: Mapping[str, str]) -> memoryview:
    """A node, nameless itself, that reads and makes what `names` says instead."""

    def read(tag: int, value: memoryview) -> memoryview:
        name = str(value, "utf-8") if tag in (INPUT, OUTPUT) else ""
        return memoryview(names[name].encode()) if name in names else value

    return memoryview(_written((t, read(t, v)) for t, v in _fields(node) if t != NAME))


def _fields(message: memoryview) -> Iterator[Field]:
    """Each field's tag and what it holds; a number stays as it is written."""
    end = 0
    while end < len(message):
        tag, start = _number(message, end)
        number, end = _number(message, start)
        if tag & 7 == BYTES:
            start, end = end, end + number
        if end > len(message):
            raise IndexError("the file ends in a field")
        yield tag, message[start:end]


def _number(message: memoryview, start: int) -> tuple[int, int]:
    """The number written there, seven bits a byte, lowest first; and where it ends."""
    number = shift = 0
    for end in range(start, len(message)):
        number |= (message[end] & 127) << shift
        shift += 7
        if message[end] < 128:
            return number, end + 1
    raise IndexError("the file ends in a number")


def _written(fields: Iterable[Field]) -> bytes:
    parts: list[bytes | memoryview] = []
    for tag, value in fields:
        length = [_as_number(len(value))] if tag & 7 == BYTES else []
        parts += [_as_number(tag), *length, value]
    return b"".join(parts)


def _as_number(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])
