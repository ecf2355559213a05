"""What all chapters share: errors, numbers, CRC-32C, XXH64, codecs (README.md)."""

import struct

MAX_SEQUENCE = 2**56 - 1
MAX_FILE_NUMBER = 2**56 - 1
MAX_USER_KEY = 65_535
MAX_ENGINE_KEY = 65_539
MAX_VALUE = 2**30
MAX_U64 = 2**64 - 1


class Damage(Exception):
    """A rule of the format that is broken: in which structure, which rule, at which offset."""

    def __init__(self, structure, fault, offset, what="", file=None):
        super().__init__(f"{structure}: {fault} at {offset}: {what}")
        self.structure = structure
        self.fault = fault
        self.offset = offset
        self.what = what or fault
        self.file = file

    def json(self):
        """The error as the program prints it."""
        error = {
            "structure": self.structure,
            "fault": self.fault,
            "offset": self.offset,
            "what": self.what,
        }
        if self.file is not None:
            error["file"] = self.file
        return error


def u16(data, at):
    return int.from_bytes(data[at : at + 2], "little")


def u32(data, at):
    return int.from_bytes(data[at : at + 4], "little")


def u64(data, at):
    return int.from_bytes(data[at : at + 8], "little")


def is_zero(data):
    """Whether all bytes are zero; an empty run is."""
    return data.count(0) == len(data)


class Reader:
    """Takes fields from the front of bytes; offsets of errors are `base` plus the position."""

    def __init__(self, data, structure, base=0):
        self.data = data
        self.structure = structure
        self.base = base
        self.at = 0

    @property
    def offset(self):
        return self.base + self.at

    @property
    def left(self):
        return len(self.data) - self.at

    def fail(self, fault, offset, what=""):
        raise Damage(self.structure, fault, offset, what)

    def take(self, count, what="bytes"):
        if count > self.left:
            self.fail("truncated", self.offset, f"{what}: {count} bytes wanted, {self.left} left")
        run = self.data[self.at : self.at + count]
        self.at += count
        return run

    def u8(self, what="u8"):
        return self.take(1, what)[0]

    def u16(self, what="u16"):
        return u16(self.take(2, what), 0)

    def u32(self, what="u32"):
        return u32(self.take(4, what), 0)

    def u64(self, what="u64"):
        return u64(self.take(8, what), 0)

    def varint(self, what="varint"):
        start = self.offset
        number = 0
        for index in range(10):
            if self.left == 0:
                self.fail("truncated", start, what)
            byte = self.u8(what)
            if index == 9 and byte > 1:
                self.fail("limit", start, f"{what}: not below 2^64")
            number |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if byte == 0 and index > 0:
                    self.fail("value", start, f"{what}: not the shortest form")
                return number
        self.fail("limit", start, f"{what}: not below 2^64")


def _crc_tables():
    first = []
    for byte in range(256):
        total = byte
        for _ in range(8):
            total = (total >> 1) ^ 0x82F63B78 if total & 1 else total >> 1
        first.append(total)
    tables = [first]
    for _ in range(7):
        tables.append([(total >> 8) ^ first[total & 0xFF] for total in tables[-1]])
    return tables


_T0, _T1, _T2, _T3, _T4, _T5, _T6, _T7 = _crc_tables()


def crc32c(data):
    """CRC-32C, eight bytes a step."""
    total = 0xFFFFFFFF
    whole = len(data) & ~7
    for (word,) in struct.iter_unpack("<Q", data[:whole]):
        word ^= total
        total = (
            _T7[word & 0xFF]
            ^ _T6[word >> 8 & 0xFF]
            ^ _T5[word >> 16 & 0xFF]
            ^ _T4[word >> 24 & 0xFF]
            ^ _T3[word >> 32 & 0xFF]
            ^ _T2[word >> 40 & 0xFF]
            ^ _T1[word >> 48 & 0xFF]
            ^ _T0[word >> 56]
        )
    for byte in data[whole:]:
        total = (total >> 8) ^ _T0[(total ^ byte) & 0xFF]
    return total ^ 0xFFFFFFFF


def context_crc(first, second, third, data):
    """CRC-32C of three u64 of context and the bytes."""
    return crc32c(struct.pack("<QQQ", first, second, third) + data)


_P1 = 0x9E3779B185EBCA87
_P2 = 0xC2B2AE3D27D4EB4F
_P3 = 0x165667B19E3779F9
_P4 = 0x85EBCA77C2B2AE63
_P5 = 0x27D4EB2F165667C5


def _rotate(number, bits):
    return (number << bits | number >> (64 - bits)) & MAX_U64


def _round(lane, word):
    return _rotate((lane + word * _P2) & MAX_U64, 31) * _P1 & MAX_U64


def xxh64(data):
    """XXH64 with seed 0."""
    at = 0
    if len(data) >= 32:
        lanes = [(_P1 + _P2) & MAX_U64, _P2, 0, -_P1 & MAX_U64]
        while at + 32 <= len(data):
            for index, word in enumerate(struct.unpack_from("<4Q", data, at)):
                lanes[index] = _round(lanes[index], word)
            at += 32
        total = sum(_rotate(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MAX_U64
        for lane in lanes:
            total = ((total ^ _round(0, lane)) * _P1 + _P4) & MAX_U64
    else:
        total = _P5
    total = (total + len(data)) & MAX_U64
    while at + 8 <= len(data):
        total = (_rotate(total ^ _round(0, u64(data, at)), 27) * _P1 + _P4) & MAX_U64
        at += 8
    if at + 4 <= len(data):
        total = (_rotate(total ^ u32(data, at) * _P1 & MAX_U64, 23) * _P2 + _P3) & MAX_U64
        at += 4
    for byte in data[at:]:
        total = _rotate(total ^ byte * _P5 & MAX_U64, 11) * _P1 & MAX_U64
    total = (total ^ total >> 33) * _P2 & MAX_U64
    total = (total ^ total >> 29) * _P3 & MAX_U64
    return total ^ total >> 32


CODECS = ("none", "lz4", "zstd")


def decompress(codec, stored, full, offset):
    """The uncompressed bytes, exactly `full` of them; errors are of `compressed bytes`."""
    if codec == 0:
        return stored
    if full == 0:
        raise Damage("compressed bytes", "value", offset, "nothing is not compressed")
    try:
        data = _lz4(stored, full) if codec == 1 else _zstd(stored, full)
    except ImportError:
        raise SystemExit("the packages zstandard and lz4 are missing: run tools/setup")
    except Exception as error:
        raise Damage("compressed bytes", "value", offset, f"{CODECS[codec]}: {error}")
    if len(data) != full:
        raise Damage("compressed bytes", "value", offset, f"{len(data)} bytes, not {full}")
    return data


def _lz4(stored, full):
    import lz4.block

    return lz4.block.decompress(stored, uncompressed_size=full)


def _zstd(stored, full):
    import zstandard

    frame = zstandard.get_frame_parameters(stored)
    if frame.dict_id != 0:
        raise ValueError("a dictionary is wanted")
    if frame.content_size not in (full, zstandard.CONTENTSIZE_UNKNOWN):
        raise ValueError(f"the frame holds {frame.content_size} bytes")
    decompressor = zstandard.ZstdDecompressor()
    return decompressor.decompress(stored, max_output_size=full, allow_extra_data=False)
