"""The manifest (manifest.md)."""

from .directory import HEADER_LENGTH, parse_header
from .primitives import (
    MAX_ENGINE_KEY,
    MAX_FILE_NUMBER,
    MAX_SEQUENCE,
    Damage,
    Reader,
    context_crc,
    u32,
    u64,
)

BODY = 72
MAX_BODY = 2**28
SMALLEST = {"uploads": 52, "logs": 3, "segments": 38, "value_files": 21, "references": 3, "fields": 2,
            "garbage": 37, "batches": 22}
DIGEST_TAG = 1
ORDERED_TAG = 1


def _count(reader, what):
    at = reader.offset
    count = reader.varint(f"count of {what}")
    if count > reader.left // SMALLEST[what]:
        reader.fail("limit", at, f"{count} {what} in {reader.left} bytes")
    return count


def _fields(reader, known):
    """Fields by tag."""
    fields, before = {}, -1
    for _ in range(_count(reader, "fields")):
        at = reader.offset
        tag = reader.varint("tag")
        if tag <= before:
            reader.fail("order", at, f"tag {tag}")
        if tag % 2 == 0 and tag not in known:
            reader.fail("features", at, f"tag {tag}")
        length = reader.varint("field length")
        fields[tag] = reader.take(length, "field")
        before = tag
    return fields


def _log(reader):
    start = reader.offset
    log = {name: reader.varint(name) for name in ("number", "length", "last_sequence")}
    if log["length"] % 16 or log["length"] < HEADER_LENGTH:
        reader.fail("value", start, "length of a log")
    if log["last_sequence"] > MAX_SEQUENCE:
        reader.fail("limit", start, "last sequence of a log")
    if log["length"] == HEADER_LENGTH and log["last_sequence"] != 0:
        reader.fail("value", start, "last sequence of an empty log")
    return log


def _key(reader, what):
    at = reader.offset
    length = reader.varint(what)
    if length < 4:
        reader.fail("value", at, what)
    if length > MAX_ENGINE_KEY:
        reader.fail("limit", at, what)
    return reader.take(length, what)


def _id(reader):
    return [reader.u64("id"), reader.u64("id")]


def _references(reader):
    references = []
    for _ in range(_count(reader, "references")):
        at = reader.offset
        reference = {name: reader.varint(name) for name in ("file", "count", "bytes")}
        if reference["count"] == 0:
            reader.fail("value", at, "no pointers")
        if references and references[-1]["file"] >= reference["file"]:
            reader.fail("order", at, "references")
        references.append(reference)
    return references


def _segment(reader):
    start = reader.offset
    segment = {"number": reader.varint("number"), "id": _id(reader)}
    segment["level"] = reader.u8("level")
    segment["size"] = reader.varint("size")
    smallest, largest = _key(reader, "smallest key"), _key(reader, "largest key")
    segment |= {"smallest_key": smallest.hex(), "largest_key": largest.hex()}
    for name in (
        "smallest_sequence",
        "largest_sequence",
        "entry_count",
        "key_count",
        "delete_count",
        "expiring_count",
        "earliest_expiry",
        "latest_expiry",
        "raw_bytes",
    ):
        segment[name] = reader.varint(name)
    segment["references"] = _references(reader)
    at = reader.offset
    fields = _fields(reader, {DIGEST_TAG})
    digest = fields.get(DIGEST_TAG, b"")
    if DIGEST_TAG in fields and len(digest) != 32:
        reader.fail("value", at, "digest")
    segment["digest"] = digest.hex()
    _check_segment(reader, start, segment, smallest, largest)
    return segment


def _check_segment(reader, start, segment, smallest, largest):
    """The rules within the record of a segment."""

    def require(condition, fault, what):
        if not condition:
            reader.fail(fault, start, what)

    entries, expiring = segment["entry_count"], segment["expiring_count"]
    earliest, latest = segment["earliest_expiry"], segment["latest_expiry"]
    require(segment["level"] <= 15, "limit", "level")
    require(segment["size"] >= 64, "value", "size")
    require(smallest <= largest, "order", "keys")
    require(segment["smallest_sequence"] <= segment["largest_sequence"], "order", "sequences")
    require(entries >= 1, "value", "entry count")
    require(1 <= segment["key_count"] <= entries, "value", "key count")
    require(segment["delete_count"] <= entries, "value", "delete count")
    require(expiring <= entries, "value", "expiring count")
    require((expiring == 0) == (earliest == 0) == (latest == 0), "value", "expiries")
    require((earliest == 0) == (latest == 0), "value", "expiries")
    require(earliest <= latest, "value", "expiries")


def _value_file(reader):
    start = reader.offset
    file = {"number": reader.varint("number"), "id": _id(reader)}
    for name in ("size", "value_count", "value_bytes"):
        file[name] = reader.varint(name)
    at = reader.offset
    order = _fields(reader, {ORDERED_TAG}).get(ORDERED_TAG)
    if order:
        reader.fail("value", at, "order")
    file["ordered"] = 0 if order is None else 1
    if file["size"] < 64:
        reader.fail("value", start, "size")
    if file["value_bytes"] > file["size"]:
        reader.fail("value", start, "value bytes")
    return file


def parse(data):
    """All fields, with the header."""
    header = parse_header(data, "manifest")
    if header.store_tag != header.identity[0]:
        raise Damage("file header", "value", 48, "not the low half of the store id")
    body = _body_bytes(data, header)
    reader = Reader(body, "manifest", BODY)
    manifest = {"number": header.number, "store_id": list(header.identity)}
    manifest["predecessor_digest"] = reader.take(32, "digest").hex()
    for name in ("next_file_number", "last_sequence", "log_floor", "time_floor"):
        manifest[name] = reader.u64(name)
    at = reader.offset
    flags = reader.u8("flags")
    if flags > 1:
        reader.fail("value", at, "flags")
    manifest["cleanly_closed"] = flags
    manifest["logs"] = [_log(reader) for _ in range(_count(reader, "logs"))]
    manifest["segments"] = [_segment(reader) for _ in range(_count(reader, "segments"))]
    manifest["value_files"] = [_value_file(reader) for _ in range(_count(reader, "value_files"))]
    _fields(reader, set())
    if reader.left:
        reader.fail("excess", reader.offset, "bytes behind the body")
    _check(manifest)
    return header, manifest


def _body_bytes(data, header):
    """The body, its length and checksum verified."""
    size = len(data)

    def require(condition, fault, offset, what):
        if not condition:
            raise Damage("manifest", fault, offset, what)

    require(size >= BODY, "truncated", size, "body length")
    length = u32(data, 64)
    end = BODY + length
    require(length <= MAX_BODY, "limit", 64, "body length")
    require(size >= end + 4, "truncated", size, "body")
    require(size == end + 4, "excess", end + 4, "bytes behind the checksum")
    checksum = context_crc(header.number, *header.identity, data[64:end])
    require(checksum == u32(data, end), "checksum", end, "checksum of the body")
    require(u32(data, 68) == 0, "value", 68, "reserved bytes")
    return data[BODY:end]


def _check(manifest):
    """The rules between records."""

    def require(condition, fault, what):
        if not condition:
            raise Damage("manifest", fault, BODY, what)

    following = manifest["next_file_number"]
    logs, segments = manifest["logs"], manifest["segments"]
    files = manifest["value_files"]
    require(1 <= following <= MAX_FILE_NUMBER + 1, "limit", "next file number")
    require(manifest["number"] <= MAX_FILE_NUMBER + 1, "limit", "number")
    require(manifest["last_sequence"] <= MAX_SEQUENCE, "limit", "last sequence")
    require(manifest["log_floor"] <= following, "value", "log floor")
    for below, above in zip(logs, logs[1:]):
        require(below["number"] < above["number"], "order", "logs")
    for log in logs:
        require(log["number"] >= manifest["log_floor"], "value", "a log below the floor")
    for below, above in zip(files, files[1:]):
        require(below["number"] < above["number"], "order", "value files")
    numbers = [record["number"] for record in logs + segments + files]
    require(len(set(numbers)) == len(numbers), "value", "one number for two files")
    require(0 not in numbers, "value", "number 0")
    require(all(number < following for number in numbers), "limit", "number")
    for below, above in zip(segments, segments[1:]):
        require(below["level"] <= above["level"], "order", "levels")
        if below["level"] != above["level"]:
            continue
        if below["level"] == 0:
            require(below["number"] < above["number"], "order", "level 0")
        else:
            keys = bytes.fromhex(below["largest_key"]), bytes.fromhex(above["smallest_key"])
            require(keys[0] < keys[1], "order", "keys of a level")
    listed = {file["number"] for file in files}
    for segment in segments:
        in_range = segment["largest_sequence"] <= manifest["last_sequence"]
        require(in_range, "limit", "sequence of a segment")
        for reference in segment["references"]:
            require(reference["file"] in listed, "value", "a value file that is not listed")


def decode(data):
    """A whole manifest."""
    header, manifest = parse(data)
    return {"kind": "manifest", "header": header.json(), **manifest}
