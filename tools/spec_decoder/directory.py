"""Names, the file header, and the record of a keyspace (directory.md)."""

import re
from typing import NamedTuple

from .primitives import Damage, Reader, crc32c, is_zero, u16, u32, u64

MAGICS = {"log": b"VarveLog", "segment": b"VarveSeg", "values": b"VarveVal", "manifest": b"VarveMan"}
HEADER_LENGTH = 64


def parse_name(text):
    """(kind, number) of a name of ours, or None."""
    match = re.fullmatch(r"(log|segment|values|manifest)-([0-9a-f]{16})", text)
    if match is None:
        return None
    kind, number = match[1], int(match[2], 16)
    return (kind, number) if number < 2**56 + (kind == "manifest") else None


def kind_of(data):
    """The kind of file that begins with these bytes, or None."""
    for kind, magic in MAGICS.items():
        if data[:8] == magic:
            return kind
    return None


class FileHeader(NamedTuple):
    """The first 64 bytes of a file."""

    kind: str
    number: int
    identity: tuple
    store_tag: int
    read_compatible_flags: int
    compatible_flags: int

    def json(self):
        return {**self._asdict(), "identity": list(self.identity)}


def parse_header(data, kind):
    """The header of a file that is read as `kind`."""

    def require(condition, fault, offset, what):
        if not condition:
            raise Damage("file header", fault, offset, what)

    size = len(data)
    require(size >= HEADER_LENGTH, "truncated", size if size >= 8 else 0, f"{size} bytes")
    data = data[:HEADER_LENGTH]
    require(data[:8] == MAGICS[kind], "magic", 0, f"not a {kind} file")
    require(u32(data, 60) == crc32c(data[:60]), "checksum", 60, "checksum of the header")
    require(u16(data, 8) == 0, "version", 8, f"format version {u16(data, 8)}")
    require(u16(data, 10) == HEADER_LENGTH, "value", 10, f"header length {u16(data, 10)}")
    require(u32(data, 12) == 0, "features", 12, f"incompatible flags {u32(data, 12):#x}")
    require(u32(data, 56) == 0, "value", 56, "reserved bytes")
    header = FileHeader(
        kind, u64(data, 24), (u64(data, 32), u64(data, 40)), u64(data, 48), u32(data, 16), u32(data, 20)
    )
    if kind in ("segment", "values"):
        require(header.number == 0, "value", 24, "a number")
        require(header.store_tag == 0, "value", 48, "a store tag")
    if kind == "log":
        require(header.identity[1] == 0, "value", 40, "the salt has 64 bits")
    return header


def parse_keyspace_record(data):
    """The value of an entry `k` + name of the system keyspace."""
    reader = Reader(data, "keyspace record")
    if data and data[0] != 0:
        reader.fail("version", 0, f"record version {data[0]}")
    if len(data) < 32:
        fields = (0, 1, 2, 3, 4, 8, 12, 16, 24, 25, 28)
        reader.fail("truncated", max(at for at in fields if at <= len(data)), "32 bytes wanted")
    if len(data) > 32:
        reader.fail("excess", 32, "32 bytes wanted")
    record = {
        "number": u32(data, 4),
        "compression": data[1],
        "compression_level": data[2],
        "value_alignment_log2": data[3],
        "large_value_bytes": u32(data, 8),
        "block_bytes": u32(data, 12),
        "time_to_live": u64(data, 16),
        "filter_bits_per_key": data[24],
        "value_bytes": u32(data, 28),
    }
    if data[1] > 3:
        reader.fail("value", 1, "compression")
    if data[2] > (22 if data[1] == 3 else 0):
        reader.fail("value", 2, "compression level")
    if not 3 <= data[3] <= 12:
        reader.fail("value", 3, "value alignment")
    if not 1 <= record["number"] <= 2**32 - 2:
        reader.fail("value", 4, "keyspace number")
    if record["block_bytes"] > 65_535:
        reader.fail("limit", 12, "block bytes")
    if not is_zero(data[25:28]):
        reader.fail("value", 25, "reserved bytes")
    if record["value_bytes"] > 1 << 30:
        reader.fail("limit", 28, "value bytes")
    return record
