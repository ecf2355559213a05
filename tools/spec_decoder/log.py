"""The write-ahead log (log.md): one log's records, batches, and which logs of a store are replayed."""

from typing import NamedTuple

from .directory import HEADER_LENGTH, parse_header
from .primitives import (
    MAX_SEQUENCE,
    MAX_USER_KEY,
    MAX_VALUE,
    Damage,
    Reader,
    context_crc,
    is_zero,
    u16,
    u32,
    u64,
)
from .values import POINTER_LENGTH, parse_pointer

RECORD_HEADER = 32
ENTRY_HEADER = 24
MAX_PAYLOAD = 2**30 + 2**26
MAX_LOG_FILE = 2**31 + 2**27
BATCH, WATERMARK = 1, 2
PUT, DELETE, POINTER = 0x11, 0x12, 0x14
ENTRIES = (PUT, DELETE, POINTER)


def has_short_header(kind):
    """Whether records of a type, known or not, are laid out as entry records."""
    return kind & 0xF0 == 0x10
EXPIRES = 0x10


class Entry(NamedTuple):
    """One entry of a batch. The value of a pointer is its 32 bytes."""

    kind: int
    keyspace: int
    key: bytes
    expiry: int
    value: bytes

    def json(self):
        return {**self._asdict(), "key": self.key.hex(), "value": self.value.hex()}


def parse_batch(payload, base=0):
    """The entries of a batch; offsets in errors count from `base`."""
    reader = Reader(payload, "batch", base)
    count = reader.u32("count")
    if count == 0:
        reader.fail("value", base, "no entries")
    if count > reader.left // 6:
        reader.fail("limit", base, f"{count} entries in {reader.left} bytes")
    entries = [_parse_entry(reader) for _ in range(count)]
    if reader.left:
        reader.fail("excess", reader.offset, "bytes behind the last entry")
    return entries


def _parse_entry(reader):
    at = reader.offset
    kind = reader.u8("kind")
    if kind not in (1, 2, 4, 0x11, 0x14):
        reader.fail("value", at, f"kind {kind:#x}")
    at = reader.offset
    length = reader.varint("key length")
    if length > MAX_USER_KEY:
        reader.fail("limit", at, f"key length {length}")
    engine_key = reader.take(4 + length, "keyspace number and key")
    keyspace, key = int.from_bytes(engine_key[:4], "big"), engine_key[4:]
    expiry = 0
    if kind & EXPIRES:
        at = reader.offset
        expiry = reader.varint("expiry")
        if expiry == 0:
            reader.fail("value", at, "an expiry of never")
    value = b""
    if kind & 0x0F == 1:
        at = reader.offset
        length = reader.varint("value length")
        if length > MAX_VALUE:
            reader.fail("limit", at, f"value length {length}")
        value = reader.take(length, "value")
    elif kind & 0x0F == 4:
        at = reader.offset
        value = reader.take(POINTER_LENGTH, "value pointer")
        parse_pointer(value, at)
    return Entry(kind & 0x0F, keyspace, key, expiry, value)


class Header(NamedTuple):
    """The fields of a record's header, and where its sequence number and its payload begin."""

    type: int
    payload_crc: int
    length: int
    key_length: int
    first_sequence: int
    lag: int
    watermark: int
    size: int
    sequence_at: int

    @classmethod
    def parse(cls, data):
        kind = data[12]
        if has_short_header(kind):
            lag, key_length = data[10], data[11]
            sequence = int.from_bytes(data[13:20], "little")
            fields = (key_length, sequence, lag, 16 * u32(data, 20), ENTRY_HEADER, 13)
            return cls(kind, u32(data, 4), u16(data, 8), *fields)
        fields = (0, u64(data, 16), u16(data, 14), u64(data, 24), RECORD_HEADER, 16)
        return cls(kind, u32(data, 4), u32(data, 8), *fields)

    @property
    def is_entry(self):
        return has_short_header(self.type)

    def lengths_hold(self):
        """Whether an entry's value is as long as its kind wants."""
        value = self.length - 4 - self.key_length
        return value >= 0 if self.type == PUT else value == (32 if self.type == POINTER else 0)


class Record(NamedTuple):
    """A valid record of a log."""

    offset: int
    end: int
    type: int
    first_sequence: int
    entries: int
    watermark: tuple
    payload: bytes
    key_length: int = 0

    @property
    def sequence_at(self):
        return self.offset + (13 if self.type in ENTRIES else 16)

    def parse(self):
        """The entries of a record that holds any; more than the reader of a log has checked."""
        if self.type == BATCH:
            return parse_batch(self.payload, self.offset + RECORD_HEADER)
        key, value = self.payload[: 4 + self.key_length], self.payload[4 + self.key_length :]
        if self.type == POINTER:
            parse_pointer(value, self.offset + ENTRY_HEADER + len(key))
        return [Entry(self.type & 0x0F, int.from_bytes(key[:4], "big"), key[4:], 0, value)]

    def json(self):
        watermark = self.watermark
        return {
            "offset": self.offset,
            "end": self.end,
            "type": self.type if self.type in (BATCH, WATERMARK, *ENTRIES) else None,
            "first_sequence": self.first_sequence,
            "entries": self.entries,
            "watermark": {"log": watermark[0], "offset": watermark[1]} if watermark else None,
            "key_length": self.key_length,
            "payload": self.payload.hex(),
        }


class End(NamedTuple):
    """Where a log's valid records end, and why: clean, torn or broken."""

    offset: int
    reason: str
    fault: str = None
    fault_offset: int = 0

    def damage(self, fault_if_clean="missing"):
        if self.reason == "clean":
            return Damage("log record", fault_if_clean, self.offset, "what was here is gone")
        return Damage("log record", self.fault, self.fault_offset, f"{self.reason} record")

    def json(self):
        result = {"offset": self.offset, "reason": self.reason}
        if self.reason != "clean":
            result["error"] = self.damage().json()
        return result


class Log:
    """One log, read to its end, with the later headers behind a torn end."""

    def __init__(self, data):
        if len(data) > MAX_LOG_FILE:
            raise Damage("log record", "limit", MAX_LOG_FILE, "size of the log")
        self.data = data
        self.header = parse_header(data, "log")
        self.number = self.header.number
        self.salt = self.header.identity[0]
        self.records = []
        self.end = self._read()
        self.later = list(self._later_headers()) if self.end.reason == "torn" else []

    def _checksum(self, offset, data):
        return context_crc(self.number, self.salt, offset, data)

    def _is_intact(self, header, offset):
        """Whether the 32 bytes begin with a header whose checksum holds."""
        size = ENTRY_HEADER if has_short_header(header[12]) else RECORD_HEADER
        return self._checksum(offset, header[4:size]) == u32(header, 0)

    def _header_fault(self, data, offset):
        """(fault, offset) of the rule of the header that is broken, its checksum holding."""
        header = Header.parse(data)
        fault = self._entry_fault(header) if header.is_entry else self._plain_fault(header, data)
        if fault:
            return fault[0], offset + fault[1]
        if not 1 <= header.first_sequence <= MAX_SEQUENCE:
            return "limit", offset + header.sequence_at
        lag, watermark = header.lag, header.watermark
        if watermark == 0:
            holds = lag == 0
        else:
            holds = watermark % 16 == 0 and watermark >= 64 and lag < self.number
            holds = holds and (lag > 0 or watermark <= offset)
        return None if holds else ("value", offset + (20 if header.is_entry else 24))

    @staticmethod
    def _entry_fault(header):
        if header.type not in ENTRIES:
            return "features", 12
        return None if header.lengths_hold() else ("value", 8)

    @staticmethod
    def _plain_fault(header, data):
        if header.length > MAX_PAYLOAD:
            return "limit", 8
        if header.type == 0:
            return "value", 12
        if header.type not in (BATCH, WATERMARK) and header.type < 0x80:
            return "features", 12
        return ("value", 13) if data[13] != 0 else None

    def _watermark(self, data):
        header = Header.parse(data)
        return (self.number - header.lag, header.watermark) if header.watermark else None

    def _read(self):
        """Takes records until one is not valid."""
        data, size = self.data, len(self.data)
        offset, following = HEADER_LENGTH, None
        while True:
            header = data[offset : offset + RECORD_HEADER]
            if is_zero(header) or len(header) < RECORD_HEADER:
                if is_zero(data[offset:]):
                    return End(offset, "clean")
            if len(header) < RECORD_HEADER:
                return End(offset, "torn", "truncated", offset)
            if is_zero(header):
                return End(offset, "torn", "value", offset)
            if not self._is_intact(header, offset):
                return End(offset, "torn", "checksum", offset)
            fault = self._header_fault(header, offset)
            if fault:
                return End(offset, "broken", *fault)
            outcome = self._read_record(offset, Header.parse(header), following)
            if isinstance(outcome, End):
                return outcome
            self.records.append(outcome)
            following = outcome.first_sequence + outcome.entries
            offset = outcome.end

    def _read_record(self, offset, header, following):
        """The record whose header holds, or the end of the log."""
        data, size = self.data, len(self.data)
        begin, length, kind = offset + header.size, header.length, header.type
        first = header.first_sequence
        if begin + length > size:
            return End(offset, "torn", "truncated", size)
        payload = data[begin : begin + length]
        if length == 0:
            if header.payload_crc != 0:
                return End(offset, "broken", "value", offset + 4)
        elif self._checksum(offset, payload) != header.payload_crc:
            return End(offset, "torn", "checksum", begin)
        if following is not None and first != following:
            return End(offset, "broken", "order", offset + header.sequence_at)
        if kind == WATERMARK and length:
            return End(offset, "broken", "excess", begin)
        count = 1 if header.is_entry else 0
        if kind == BATCH:
            count = u32(payload, 0) if length >= 4 else 0
            if count == 0:
                return End(offset, "broken", "value", begin)
        if first + count > MAX_SEQUENCE and count:
            return End(offset, "broken", "limit", offset + header.sequence_at)
        end = (begin + length + 15) & ~15
        if end > size:
            return End(offset, "torn", "truncated", size)
        if not is_zero(data[begin + length : end]):
            return End(offset, "torn", "value", begin + length)
        watermark = (self.number - header.lag, header.watermark) if header.watermark else None
        return Record(offset, end, kind, first, count, watermark, payload, header.key_length)

    def _later_headers(self):
        """(offset, watermark) of intact headers behind a torn end."""
        for offset in range(self.end.offset + 16, len(self.data) - RECORD_HEADER + 1, 16):
            header = self.data[offset : offset + RECORD_HEADER]
            if is_zero(header) or not self._is_intact(header, offset):
                continue
            if self._header_fault(header, offset) is None:
                yield offset, self._watermark(header)

    def watermarks(self):
        """All that this log states to be durable."""
        stated = [record.watermark for record in self.records]
        stated += [watermark for _, watermark in self.later]
        return [watermark for watermark in stated if watermark]

    def last_sequence(self, length=None):
        """Of the last entry within the length; 0 without a record."""
        within = [record for record in self.records if length is None or record.end <= length]
        return within[-1].first_sequence + within[-1].entries - 1 if within else 0


def decode(data):
    """A whole log by itself. What stands behind its end is not judged: that needs the store."""
    log = Log(data)
    records = []
    for record in log.records:
        json = record.json()
        if record.entries:
            json["batch"] = [
                {"sequence": record.first_sequence + index, **entry.json()}
                for index, entry in enumerate(record.parse())
            ]
        records.append(json)
    later = [{"offset": offset} for offset, _ in log.later]
    return {
        "kind": "log",
        "header": log.header.json(),
        "number": log.number,
        "salt": log.salt,
        "records": records,
        "end": log.end.json(),
        "later_headers": later,
    }


class Position(NamedTuple):
    """A place in the logs of a store."""

    log: int
    offset: int


def log_name(number):
    return f"log-{number:016x}"


class Replay:
    """Which records of a store's logs count: "Reading the logs of a store"."""

    def __init__(self, manifest, files):
        """`files`: the bytes of all logs by number."""
        self.manifest = manifest
        self.named = {log["number"]: log for log in manifest["logs"]}
        self.replayed = []
        self.torn_tail = None
        self._choose(files)
        self._open(files)
        self.watermark = self._highest_watermark()
        for named in manifest["logs"]:
            self._check_named(named, files)
        self._check_log_of_watermark(files)
        stop = self._walk()
        if stop:
            self._stop(stop)

    def _choose(self, files):
        manifest = self.manifest
        self.orphans, self.chosen = [], []
        for number in sorted(files):
            left_over = (
                manifest["cleanly_closed"]
                and number < manifest["next_file_number"]
                and number not in self.named
            )
            orphan = number < manifest["log_floor"] or left_over
            (self.orphans if orphan else self.chosen).append(number)

    def _open(self, files):
        """The used logs; a log that was never begun is passed over."""
        self.logs, self.unused = {}, {}
        for number in self.chosen:
            data = files[number]
            try:
                header = parse_header(data, "log")
                if header.number != number:
                    raise Damage("file header", "value", 24, "not the number of the name")
                if header.store_tag != self.manifest["store_id"][0]:
                    raise Damage("file header", "value", 48, "the tag of another store")
            except Damage as damage:
                begun = not is_zero(data[HEADER_LENGTH:]) or number in self.named
                if begun or damage.fault in ("version", "features"):
                    damage.file = log_name(number)
                    raise
                self.unused[number] = damage
                continue
            self.logs[number] = Log(data)

    def _highest_watermark(self):
        stated = [Position(0, 0)]
        for log in self.logs.values():
            stated += [Position(*watermark) for watermark in log.watermarks()]
        for named in self.named.values():
            if named["length"] > HEADER_LENGTH:
                stated.append(Position(named["number"], named["length"]))
        return max(stated)

    @staticmethod
    def _raise(damage, number):
        damage.file = log_name(number)
        raise damage

    def _check_named(self, named, files):
        number, length = named["number"], named["length"]

        def require(condition, fault, offset, what):
            if not condition:
                self._raise(Damage("log record", fault, offset, what), number)

        require(number in self.logs, "missing", 0, "a log that the manifest names")
        log = self.logs[number]
        if log.end.offset < length:
            self._raise(log.end.damage(), number)
        ends = [HEADER_LENGTH] + [record.end for record in log.records]
        require(length in ends, "value", length, "no record ends here")
        last = log.last_sequence(length)
        require(last == named["last_sequence"], "order", length, f"last sequence {last}")
        if self.manifest["cleanly_closed"]:
            require(len(log.data) == length, "excess", length, "bytes behind a clean close")

    def _check_log_of_watermark(self, files):
        number, offset = self.watermark
        if number < self.manifest["log_floor"] or offset <= HEADER_LENGTH:
            return
        if number in self.unused:
            self._raise(self.unused[number], number)
        if number not in self.logs:
            self._raise(Damage("log record", "missing", 0, "the log of the watermark"), number)
        log = self.logs[number]
        if offset > log.end.offset:
            self._raise(log.end.damage(), number)

    def _walk(self):
        """Replays what continues; the position where the logs stop, or None where they do not."""
        following = torn = before = None
        for number, log in self.logs.items():
            if log.records:
                first = log.records[0].first_sequence
                expected = self.manifest["last_sequence"] + 1 if following is None else following
                if following is not None and first < following:
                    self._raise(Damage("log record", "order", log.records[0].sequence_at, "again"), number)
                if first > expected:
                    return torn or before or Position(number, 0)
                self.replayed.append(log)
                following = log.last_sequence() + 1
                torn = None
            if log.end.reason == "broken" and torn is None:
                self._raise(log.end.damage(), number)
            before = Position(number, log.end.offset)
            if log.end.reason == "torn" and torn is None:
                torn = before
        return torn

    def _stop(self, stop):
        log = self.logs[stop.log]
        if self.watermark > stop:
            if stop.offset == 0:
                damage = Damage("log record", "missing", HEADER_LENGTH, "earlier records are gone")
                self._raise(damage, stop.log)
            self._raise(log.end.damage(), stop.log)
        offset = max(stop.offset, HEADER_LENGTH)
        later = [other for other in self.logs.values() if other.number > stop.log]
        records = len(log.later) if stop.offset else len(log.records) + len(log.later)
        records += sum(len(other.records) + len(other.later) for other in later)
        dropped_logs = [other.number for other in later]
        if stop.offset == 0:
            dropped_logs.insert(0, stop.log)
        torn = stop.offset and log.end.reason != "clean"
        self.torn_tail = {
            "log": stop.log,
            "offset": offset,
            "error": log.end.damage().json() if torn else None,
            "dropped_bytes": len(log.data.rstrip(b"\0")[offset:])
            + sum(len(other.data.rstrip(b"\0")[HEADER_LENGTH:]) for other in later),
            "dropped_records": records,
            "dropped_logs": dropped_logs,
        }

    def batches(self):
        """(log, record) of every batch that is replayed, in order."""
        for log in self.replayed:
            for record in log.records:
                if record.entries:
                    yield log, record

    @property
    def last_sequence(self):
        last = [log.last_sequence() for log in self.replayed]
        return max([self.manifest["last_sequence"]] + last)

    def json(self):
        durable = self.watermark if self.watermark > (0, 0) else None
        return {
            "replay": [{"log": log.number, "offset": log.end.offset} for log in self.replayed],
            "batches": [record.payload.hex() for _, record in self.batches()],
            "last_sequence": self.last_sequence,
            "durable": durable._asdict() if durable else None,
            "torn_tail": self.torn_tail,
            "orphans": self.orphans,
        }
