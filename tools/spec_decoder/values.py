"""Value files and value pointers (value-file.md)."""

from typing import NamedTuple

from .directory import HEADER_LENGTH, parse_header
from .primitives import CODECS, MAX_VALUE, Damage, context_crc, decompress, is_zero, u32, u64

RECORD_HEADER = 32
POINTER_LENGTH = 32
UNWRITTEN = "record type 0"


class Pointer(NamedTuple):
    """What an entry of kind pointer has for a value."""

    file: int
    offset: int
    stored: int
    full: int
    checksum: int
    codec: int


def parse_pointer(data, base=0):
    """A pointer by itself: step 1 of reading through it."""
    structure = "value pointer"
    if len(data) < POINTER_LENGTH:
        raise Damage(structure, "truncated", base, "32 bytes wanted")
    pointer = Pointer(
        u64(data, 0), u64(data, 8), u32(data, 16), u32(data, 20), u32(data, 24), data[28]
    )
    if pointer.codec > 2:
        raise Damage(structure, "value", base + 28, "codec")
    if not is_zero(data[29:32]):
        raise Damage(structure, "value", base + 29, "reserved bytes")
    if not _lengths_hold(pointer.codec, pointer.stored, pointer.full):
        raise Damage(structure, "limit", base + 16, "lengths")
    return pointer


def _lengths_hold(codec, stored, full):
    return full <= MAX_VALUE and stored <= full and (codec != 0 or stored == full)


class Record(NamedTuple):
    """A record header: type 1 value, 2 gap, 3 end."""

    type: int
    codec: int
    alignment_log2: int
    checksum: int
    first: int
    second: int


def parse_record(data, identity, offset):
    """The record header at `offset`, checked by itself."""

    def require(condition, fault, at, what):
        if not condition:
            raise Damage("value record", fault, at, what)

    header = data[offset : offset + RECORD_HEADER]
    require(len(header) == RECORD_HEADER, "truncated", len(data), "record header")
    require(header[0] != 0, "value", offset, UNWRITTEN)
    checksum = context_crc(*identity, offset, header[:28])
    require(u32(header, 28) == checksum, "checksum", offset + 28, "checksum of the header")
    record = Record(header[0], header[1], header[2], u32(header, 4), u64(header, 8), u64(header, 16))
    require(record.type <= 3, "value", offset, f"record type {record.type}")
    require(header[3] == 0, "value", offset + 3, "reserved byte")
    require(u32(header, 24) == 0, "value", offset + 24, "reserved bytes")
    if record.type == 1:
        require(record.codec <= 2, "value", offset + 1, "codec")
        require(3 <= record.alignment_log2 <= 12, "value", offset + 2, "alignment")
        fits = _lengths_hold(record.codec, record.first, record.second)
        require(fits, "limit", offset + 8, "lengths")
    else:
        require(record.codec == 0, "value", offset + 1, "codec")
        require(record.alignment_log2 == 0, "value", offset + 2, "alignment")
        require(record.checksum == 0, "value", offset + 4, "value checksum")
    if record.type == 2:
        require(record.second == 0, "value", offset + 16, "second number")
    return record


def _find_header(data, end):
    """Where the record behind `end` begins: behind the zeros."""
    at = (end + 7) & ~7
    if not is_zero(data[end:at]):
        raise Damage("value record", "value", end, "bytes between records")
    for found in range(at, min(at + 8 * 512, len(data) - 7), 8):
        if data[found : found + 8] != bytes(8):
            return found
    if at + RECORD_HEADER > len(data):
        raise Damage("value record", "truncated", min(at, len(data)), "no end record")
    raise Damage("value record", "value", at, UNWRITTEN)


def _place(record, end):
    """Where the header of this record must begin behind `end`."""
    if record.type != 1:
        return (end + 7) & ~7
    alignment = 1 << record.alignment_log2
    return (end + RECORD_HEADER + alignment - 1) // alignment * alignment - RECORD_HEADER


def _read_value(data, record, identity, offset):
    stored = data[offset : offset + record.first]
    if len(stored) < record.first:
        raise Damage("value record", "truncated", len(data), "value")
    if context_crc(*identity, offset, stored) != record.checksum:
        raise Damage("value record", "checksum", offset, "checksum of the value")
    return decompress(record.codec, stored, record.second, offset)


def walk(data, identity):
    """All records: (header offset, record, value or None). Ends behind the end record."""
    end = HEADER_LENGTH
    count = total = 0
    while True:
        offset = _find_header(data, end)
        record = parse_record(data, identity, offset)
        if offset != _place(record, end):
            raise Damage("value record", "value", offset, "place of the record")
        begin = offset + RECORD_HEADER
        if record.type == 3:
            if record.first != count:
                raise Damage("value record", "value", offset + 8, "count of values")
            if record.second != total:
                raise Damage("value record", "value", offset + 16, "sum of stored lengths")
            if begin != len(data):
                raise Damage("value record", "excess", begin, "bytes behind the end record")
            yield offset, record, None
            return
        value = None
        if record.type == 1:
            value = _read_value(data, record, identity, begin)
            count += 1
            total += record.first
        elif begin + record.first > len(data):
            raise Damage("value record", "truncated", len(data), "gap")
        end = begin + record.first
        yield offset, record, value


def is_sealed(data, identity):
    """Whether a valid end record ends the file."""
    try:
        return parse_record(data, identity, len(data) - RECORD_HEADER).type == 3
    except Damage:
        return False


def decode(data, sealed=None):
    """A whole value file. One without an end record is growing, or a crash left it behind: then its
    records are given up to the first place that none was written to."""
    header = parse_header(data, "values")
    if sealed is None:
        sealed = is_sealed(data, header.identity)
    values, gaps = [], []
    result = {"sealed": sealed, "values": values, "gaps": gaps}
    try:
        for offset, record, value in walk(data, header.identity):
            if record.type == 1:
                values.append(
                    {
                        "offset": offset + RECORD_HEADER,
                        "codec": CODECS[record.codec],
                        "alignment": 1 << record.alignment_log2,
                        "stored_length": record.first,
                        "value": value.hex(),
                    }
                )
            elif record.type == 2:
                gaps.append({"offset": offset, "length": record.first})
    except Damage as damage:
        unwritten = damage.fault == "truncated" or damage.what == UNWRITTEN
        if sealed or not unwritten:
            raise
        result["end"] = damage.json()
    return {"kind": "values", "header": header.json(), **result}


def resolve(data, identity, pointer, sealed):
    """The value that a pointer into this file stands for: steps 2 to 6."""
    size = len(data) - (RECORD_HEADER if sealed else 0)
    if pointer.offset % 8 or pointer.offset < 96 or pointer.offset + pointer.stored > size:
        raise Damage("value pointer", "limit", 8, "it points outside the file")
    record = parse_record(data, identity, pointer.offset - RECORD_HEADER)
    if record.type != 1:
        raise Damage("value record", "value", pointer.offset - RECORD_HEADER, "not a value")
    found = (record.first, record.second, record.checksum, record.codec)
    if found != (pointer.stored, pointer.full, pointer.checksum, pointer.codec):
        raise Damage("value pointer", "value", 16, "it differs from the record")
    return _read_value(data, record, identity, pointer.offset)
