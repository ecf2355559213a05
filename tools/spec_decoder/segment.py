"""Segments (segment.md): everything is read and every rule checked, as the deep check does."""

from typing import NamedTuple

from .directory import HEADER_LENGTH, parse_header
from .primitives import (
    CODECS,
    MAX_ENGINE_KEY,
    MAX_SEQUENCE,
    MAX_U64,
    MAX_VALUE,
    Damage,
    context_crc,
    decompress,
    is_zero,
    u16,
    u32,
    u64,
    xxh64,
)
from .values import POINTER_LENGTH, parse_pointer

KINDS = {1: "put", 2: "delete", 4: "pointer"}
PUT, DELETE, POINTER = 1, 2, 4
MAX_SHARED_BLOCK = 65_535
MAX_SEGMENT_TAIL = 2**30
MAX_SINGLE_BLOCK = 2**30 + 65_539 + 192
MAX_LEAF = 2**20
TAIL = 32
# Type: name, structure in errors, alignment.
SECTIONS = {
    1: ("data blocks", "data block", 8),
    2: ("filter", "filter", 64),
    3: ("index leaves", "block index", 8),
    4: ("index top", "block index", 8),
    5: ("properties", "properties", 8),
}
PROPERTIES = (
    *("entries", "deletes", "pointers", "keys", "raw_bytes", "key_bytes", "stored_bytes"),
    *("full_bytes", "smallest_sequence", "largest_sequence", "expiring", "earliest_expiry"),
    "latest_expiry",
)


class Entry(NamedTuple):
    """One entry; `key` is the engine key."""

    key: bytes
    sequence: int
    kind: int
    expiry: int
    value: bytes

    @property
    def place(self):
        """Its place in the order of entries: newest version first."""
        return self.key, -self.sequence

    def json(self):
        return {
            "key": self.key.hex(),
            "sequence": self.sequence,
            "kind": KINDS[self.kind],
            "expiry": self.expiry,
            "value": self.value.hex(),
        }


class Section(NamedTuple):
    """An entry of the section table."""

    type: int
    checksum: int
    offset: int
    length: int

    @property
    def end(self):
        return self.offset + self.length


class Item(NamedTuple):
    """An item of an index node, and where its own 32 bytes stand."""

    at: int
    offset: int
    stored: int
    full: int
    checksum: int
    codec: int
    count: int
    block: int
    separator: tuple


def require(condition, structure, fault, offset, what):
    if not condition:
        raise Damage(structure, fault, offset, what)


class Segment:
    """A segment, opened: header, footer, properties and the top of the index are verified."""

    def __init__(self, data, identity=None):
        self.data = data
        self.header = parse_header(data, "segment")
        self.identity = self.header.identity
        if identity is not None:
            same = self.identity == tuple(identity)
            require(same, "file header", "value", 32, "not the identity that the manifest names")
        self._parse_footer()
        self._verify(5)
        self.properties = self._parse_properties()
        self._verify(4)
        top = self.sections[4]
        self.top = self._parse_node(top.offset, top.length, 1)

    def _crc(self, offset, data):
        return context_crc(*self.identity, offset, data)

    # Footer

    def _parse_footer(self):
        data, size = self.data, len(self.data)
        at = size - TAIL
        require(at >= HEADER_LENGTH, "footer", "truncated", max(at, 0), "no room for a tail")
        tail = data[at:]
        require(tail[24:] == b"VarveEnd", "footer", "magic", at + 24, "magic of the tail")
        require(u64(tail, 0) == size, "footer", "value", at, "file length")
        count = u32(tail, 8)
        fits = count <= 64 and 32 * count <= at - HEADER_LENGTH
        require(fits, "footer", "limit", at + 8, f"{count} sections")
        self.footer = at - 32 * count
        covered = data[self.footer : at + 12] + bytes(4) + tail[16:]
        holds = self._crc(self.footer, covered) == u32(tail, 12)
        require(holds, "footer", "checksum", at + 12, "checksum of the footer")
        require(is_zero(tail[16:24]), "footer", "value", at + 16, "reserved bytes")
        require(self.footer % 8 == 0, "footer", "value", self.footer, "place of the footer")
        self.sections, self.passed_over = {}, []
        end = HEADER_LENGTH
        for place in range(self.footer, at, 32):
            end = self._parse_section(place, end)
        self._check_gap("footer", end, self.footer)
        for kind in (1, 3, 4, 5):
            require(kind in self.sections, "footer", "missing", self.footer, SECTIONS[kind][0])
        is_held = self.footer - self.sections[1].end <= MAX_SEGMENT_TAIL
        require(is_held, "footer", "limit", self.footer, "bytes behind the data blocks")

    def _parse_section(self, at, before):
        """Takes one entry of the table; the end of the section."""
        data = self.data
        section = Section(u16(data, at), u32(data, at + 4), u64(data, at + 8), u64(data, at + 16))
        known = section.type in SECTIONS
        optional = section.type & 0x8000 != 0
        require(known or optional, "footer", "features", at, f"section type {section.type}")
        require(u16(data, at + 2) == 0, "footer", "value", at + 2, "reserved bytes")
        require(u64(data, at + 24) == 0, "footer", "value", at + 24, "reserved bytes")
        require(section.offset >= before, "footer", "order", at + 8, "section over another")
        require(section.end <= self.footer, "footer", "limit", at + 16, "section over the footer")
        self._check_gap("footer", before, section.offset)
        seen = section.type in self.sections or section.type in self.passed_over
        require(not seen, "footer", "value", at, f"section type {section.type} twice")
        if not known:
            self.passed_over.append(section.type)
            return section.end
        aligned = section.offset % SECTIONS[section.type][2] == 0
        require(aligned, "footer", "value", at + 8, "alignment of a section")
        if section.type in (1, 3):
            require(section.checksum == 0, "footer", "value", at + 4, "checksum of a section")
        self.sections[section.type] = section
        return section.end

    def _check_gap(self, structure, start, end):
        """Fewer than 64 zeros lie between two pieces."""
        require(end - start < 64, structure, "value", start, f"{end - start} bytes between")
        require(is_zero(self.data[start:end]), structure, "value", start, "bytes between pieces")

    def _verify(self, kind):
        section = self.sections[kind]
        stored = self.data[section.offset : section.end]
        holds = self._crc(section.offset, stored) == section.checksum
        name, structure, _ = SECTIONS[kind]
        require(holds, structure, "checksum", section.offset, f"checksum of the {name}")

    # Properties

    def _parse_properties(self):
        section = self.sections[5]
        base, data = section.offset, self.data[section.offset : section.end]

        def rule(condition, at, what, fault="value"):
            require(condition, "properties", fault, base + at, what)

        rule(len(data) >= 136, 0, "fields", "truncated")
        p = {name: u64(data, 8 * index) for index, name in enumerate(PROPERTIES)}
        p["blocks"], p["longest_delete_run"] = u32(data, 104), u32(data, 108)
        p["blocks_by_codec"] = [u32(data, 112 + 4 * codec) for codec in range(3)]
        count, small, large = u32(data, 124), u32(data, 128), u32(data, 132)
        keys_end = 136 + small + large
        aligned = (keys_end + 7) & ~7
        rule(small <= MAX_ENGINE_KEY and aligned <= len(data), 128, "key length", "limit")
        rule(large <= MAX_ENGINE_KEY, 132, "key length", "limit")
        rule(aligned + 24 * count == len(data), 124, "value references", "limit")
        rule(is_zero(data[keys_end:aligned]), keys_end, "zeros behind the keys")
        smallest, largest = data[136 : 136 + small], data[136 + small : keys_end]
        p["smallest_key"], p["largest_key"] = smallest.hex(), largest.hex()
        p["references"] = [
            {"file": u64(data, at), "count": u64(data, at + 8), "bytes": u64(data, at + 16)}
            for at in range(aligned, len(data), 24)
        ]
        files = [reference["file"] for reference in p["references"]]
        rule(files == sorted(set(files)), aligned, "order of references", "order")
        rule(p["entries"] >= 1, 0, "no entries")
        rule(p["deletes"] + p["pointers"] <= p["entries"], 8, "deletes and pointers")
        rule(1 <= p["keys"] <= p["entries"], 24, "distinct keys")
        rule(p["key_bytes"] <= p["raw_bytes"], 40, "key bytes")
        first, last = p["smallest_sequence"], p["largest_sequence"]
        rule(first <= last <= MAX_SEQUENCE, 64, "sequence numbers")
        earliest, latest, expiring = p["earliest_expiry"], p["latest_expiry"], p["expiring"]
        rule(earliest <= latest, 88, "expiries")
        rule((earliest == 0) == (expiring == 0), 88, "earliest expiry")
        rule((latest == 0) == (expiring == 0), 96, "latest expiry")
        rule(expiring <= p["entries"], 80, "expiring entries")
        rule(1 <= p["blocks"] <= p["entries"], 104, "blocks")
        rule(p["blocks"] <= self.sections[1].length // 16, 104, "blocks")
        rule(p["longest_delete_run"] <= p["deletes"], 108, "longest delete run")
        rule(sum(p["blocks_by_codec"]) == p["blocks"], 112, "blocks by codec")
        rule(smallest <= largest, 136, "keys", "order")
        return p

    # Index

    def _parse_node(self, base, length, level):
        """The items of a node, and the number of its first block."""
        data = self.data[base : base + length]

        def rule(condition, at, what, fault="value"):
            require(condition, "block index", fault, base + at, what)

        rule(length >= 16, 0, "head of a node", "truncated")
        count, heap, shared = u32(data, 0), u32(data, 4), u16(data, 8)
        rule(count >= 1, 0, "no items")
        rule(16 + 40 * count + shared + heap == length, 0, "length of a node")
        rule(data[10] == level, 10, "level")
        rule(data[11] == 0, 11, "reserved byte")
        prefix_at = 16 + 40 * count
        prefix = data[prefix_at : prefix_at + shared]
        heap_bytes = data[prefix_at + shared :]
        items, start = [], 0
        for index in range(count):
            at = 16 + 8 * count + 32 * index
            end = u32(data, at + 24)
            flags = data[at + 21]
            rule(flags <= 1, at + 21, "flags")
            rule(start <= end <= heap, at + 24, "separator end", "limit")
            rule(end - start >= 8 * flags, at + 24, "separator", "limit")
            key_end = end - 8 * flags
            suffix = heap_bytes[start:key_end]
            sequence = u64(heap_bytes, key_end) if flags else None
            rule(len(prefix) + len(suffix) <= MAX_ENGINE_KEY, at + 24, "separator", "limit")
            if flags:
                rule(1 <= sequence <= MAX_SEQUENCE, at + 21, "sequence of a separator")
            # A key alone stands behind all its versions, so behind every (key, -sequence).
            separator = prefix + suffix, 1 if sequence is None else -sequence
            number = int.from_bytes(suffix[:8].ljust(8, b"\0"), "big")
            rule(u64(data, 16 + 8 * index) == number, 16 + 8 * index, "number of an item")
            item = Item(
                *(base + at, u64(data, at), u32(data, at + 8), u32(data, at + 12)),
                *(u32(data, at + 16), data[at + 20], u16(data, at + 22), u32(data, at + 28)),
                separator,
            )
            self._check_item(item, level)
            if items:
                rule(items[-1].separator < separator, at + 24, "order of separators", "order")
            items.append(item)
            start = end
        rule(start == heap, 4, "heap")
        rule(u32(data, 12) == items[0].block, 12, "first block number")
        return items

    def _check_item(self, item, level):
        """The rules of one item; `level` 1: an item of the top node."""
        section = self.sections[3 if level else 1]

        def rule(condition, at, what, fault="value"):
            require(condition, "block index", fault, item.at + at, what)

        rule(item.codec <= (0 if level else 2), 20, "codec")
        inside = section.offset <= item.offset and item.offset + item.stored <= section.end
        rule(inside and item.offset % 8 == 0, 0, "place", "limit")
        rule(item.count >= 1, 22, "item count")
        if item.codec == 0:
            rule(item.stored == item.full, 8, "lengths")
        else:
            ratio = 255 if item.codec == 1 else 32_768
            rule(item.stored <= item.full <= ratio * item.stored, 8, "lengths", "limit")
        most = MAX_LEAF if level else MAX_SHARED_BLOCK if item.count > 1 else MAX_SINGLE_BLOCK
        rule(item.full <= most, 12, "full length", "limit")

    def _stored(self, item, structure):
        """The stored bytes of a block or leaf, verified."""
        stored = self.data[item.offset : item.offset + item.stored]
        holds = self._crc(item.offset, stored) == item.checksum
        require(holds, structure, "checksum", item.offset, "checksum")
        return stored

    def blocks(self):
        """(item, entries) of every data block in order, with all rules of the index."""
        leaf_end, block_end, number = self.sections[3].offset, self.sections[1].offset, 0
        before = None
        for top in self.top:
            require(top.offset >= leaf_end, "block index", "order", top.at, "leaf over another")
            self._check_gap("block index", leaf_end, top.offset)
            leaf_end = top.offset + top.stored
            self._stored(top, "block index")
            leaf = self._parse_node(top.offset, top.stored, 0)
            whole = top.count == len(leaf) and top.block == leaf[0].block
            require(whole, "block index", "value", top.offset, "not the leaf of its item")
            last = leaf[-1].separator
            require(last == top.separator, "block index", "order", top.at, "separator of a leaf")
            for item in leaf:
                require(item.block == number, "block index", "order", item.at + 28, "block number")
                in_order = item.offset >= block_end
                require(in_order, "block index", "order", item.at, "block over another")
                self._check_gap("data block", block_end, item.offset)
                block_end = item.offset + item.stored
                entries = self._parse_block(item)
                if before is not None:
                    apart = before < entries[0].place
                    require(apart, "block index", "order", item.at, "separator before a block")
                behind = entries[-1].place <= item.separator
                require(behind, "block index", "order", item.at, "separator of a block")
                before = item.separator
                number += 1
                yield item, entries
        self._check_gap("block index", leaf_end, self.sections[3].end)
        self._check_gap("data block", block_end, self.sections[1].end)
        blocks = self.properties["blocks"]
        at = self.sections[5].offset + 104
        require(number == blocks, "properties", "value", at, f"{number} blocks")

    # Data blocks

    def _parse_block(self, item):
        stored = self._stored(item, "data block")
        data = decompress(item.codec, stored, item.full, item.offset)
        raw = item.codec == 0

        def rule(condition, at, what, fault="value"):
            offset = item.offset + (at if raw else 0)
            require(condition, "data block", fault, offset, what)

        rule(len(data) >= 16, 0, "head of a block", "truncated")
        count, shared = u16(data, 0), u16(data, 2)
        log2, widths = data[4], (data[5], data[6], data[7])
        base = u64(data, 8)
        rule(count >= 1, 0, "no entries")
        rule(count == item.count, 0, "entry count")
        rule(16 + 5 * count + shared <= len(data), 0, "entries", "limit")
        rule(count > 1 or shared == 0, 2, "prefix of one entry")
        rule(log2 <= 6, 4, "alignment")
        rule(not raw or item.offset % max(8, 1 << log2) == 0, 4, "alignment in the file")
        rule(widths[0] <= 7, 5, "sequence width")
        rule(1 <= widths[1] <= 3, 6, "key width")
        rule(1 <= widths[2] <= 4, 7, "value width")
        rule(1 <= base <= MAX_SEQUENCE, 8, "base sequence", "limit")
        at = 16 + 5 * count
        prefix = data[at : at + shared]
        at += shared
        entries = []
        for index in range(count):
            slot = u32(data, 16 + count + 4 * index)
            slot_at = 16 + count + 4 * index
            rule(slot & 0xFFFF == at, slot_at, "offset of an entry")
            entry, suffix, at = _parse_entry(data, at, prefix, 1 << log2, widths, base, rule)
            head = int.from_bytes(suffix[:2].ljust(2, b"\0"), "big")
            rule(slot >> 16 == head, slot_at + 2, "head of an entry")
            rule(data[16 + index] == xxh64(entry.key) >> 56, 16 + index, "tag of an entry")
            if entries:
                ascends = entries[-1].place < entry.place
                rule(ascends, slot_at, "order of entries", "order")
            entries.append(entry)
        rule(at == len(data), at, "bytes behind the last entry", "excess")
        return entries

    # Filter

    def check_filter(self, keys):
        """Every key must be found; the filter's fields, or None where there is no filter."""
        if 2 not in self.sections:
            return None
        self._verify(2)
        section = self.sections[2]
        data = self.data[section.offset : section.end]

        def rule(condition, at, what, fault="value"):
            require(condition, "filter", fault, section.offset + at, what)

        rule(len(data) >= 64, 0, "head", "truncated")
        blocks, probes, count = u32(data, 0), data[4], u64(data, 8)
        rule(blocks >= 1 and 64 + 64 * blocks == len(data), 0, "block count")
        rule(1 <= probes <= 16, 4, "probes")
        rule(is_zero(data[5:8]) and is_zero(data[16:64]), 5, "reserved bytes")
        rule(count == len(keys), 8, f"{len(keys)} distinct keys")
        for key in keys:
            state = xxh64(key)
            block = (state >> 32) * blocks >> 32
            for _ in range(probes):
                state = state * 0x9E3779B97F4A7C15 & MAX_U64
                bit = state >> 55
                found = data[64 + 64 * block + bit // 8] >> bit % 8 & 1
                rule(found, 64 + 64 * block, f"false negative for {key.hex()}")
        return {"blocks": blocks, "probes": probes, "keys": count}


def _parse_entry(data, at, prefix, alignment, widths, base, rule):
    """(entry, suffix, end) of the entry at `at`."""
    start, size = at, len(data)
    rule(at + 1 + sum(widths) <= size, at, "head of an entry", "truncated")
    kind, expires = data[at] & 0x0F, data[at] & 0x10
    rule(data[at] & ~0x1F == 0 and kind in KINDS, at, f"kind {data[at]:#x}")
    at += 1
    numbers = []
    for width in widths:
        numbers.append(int.from_bytes(data[at : at + width], "little"))
        at += width
    sequence, key_length, length = base + numbers[0], numbers[1], numbers[2]
    rule(sequence <= MAX_SEQUENCE, start, "sequence number", "limit")
    rule(length <= MAX_VALUE, start, "value length", "limit")
    rule(kind != DELETE or length == 0, start, "a delete with a value")
    rule(kind != POINTER or length == POINTER_LENGTH, start, "length of a pointer")
    expiry = 0
    if expires:
        rule(at + 8 <= size, at, "expiry", "truncated")
        expiry = u64(data, at)
        rule(expiry != 0, at, "an expiry of never")
        at += 8
    rule(at + key_length <= size, at, "key", "truncated")
    rule(len(prefix) + key_length <= MAX_ENGINE_KEY, at, "key", "limit")
    suffix = data[at : at + key_length]
    at += key_length
    if length:
        begin = (at + alignment - 1) // alignment * alignment
        rule(is_zero(data[at:begin]), at, "zeros before a value")
        at = begin
    rule(at + length <= size, at, "value", "truncated")
    value = data[at : at + length]
    if kind == POINTER:
        parse_pointer(value)
    return Entry(prefix + suffix, sequence, kind, expiry, value), suffix, at + length


def read(data, identity=None):
    """(segment, entries, filter): everything is verified."""
    segment = Segment(data, identity)
    entries, codecs, stored, full = [], [0, 0, 0], 0, 0
    for item, found in segment.blocks():
        entries += found
        codecs[item.codec] += 1
        stored += item.stored
        full += item.full
    keys = list(dict.fromkeys(entry.key for entry in entries))
    found_filter = segment.check_filter(keys)
    _check_counts(segment, entries, keys, codecs, stored, full)
    return segment, entries, found_filter


def _check_counts(segment, entries, keys, codecs, stored, full):
    """The properties equal what was counted."""
    expiries = [entry.expiry for entry in entries if entry.expiry]
    references = {}
    longest = run = 0
    for entry in entries:
        run = run + 1 if entry.kind == DELETE else 0
        longest = max(longest, run)
        if entry.kind == POINTER:
            pointer = parse_pointer(entry.value)
            count, total = references.get(pointer.file, (0, 0))
            references[pointer.file] = count + 1, total + pointer.stored
    sequences = [entry.sequence for entry in entries]
    key_bytes = sum(len(entry.key) for entry in entries)
    counted = {
        "entries": len(entries),
        "deletes": sum(entry.kind == DELETE for entry in entries),
        "pointers": sum(entry.kind == POINTER for entry in entries),
        "keys": len(keys),
        "raw_bytes": key_bytes + sum(len(entry.value) for entry in entries),
        "key_bytes": key_bytes,
        "stored_bytes": stored,
        "full_bytes": full,
        "smallest_sequence": min(sequences),
        "largest_sequence": max(sequences),
        "expiring": len(expiries),
        "earliest_expiry": min(expiries, default=0),
        "latest_expiry": max(expiries, default=0),
        "longest_delete_run": min(longest, 2**32 - 1),
        "blocks_by_codec": codecs,
        "smallest_key": entries[0].key.hex(),
        "largest_key": entries[-1].key.hex(),
        "references": [
            {"file": file, "count": count, "bytes": total}
            for file, (count, total) in sorted(references.items())
        ],
    }
    offset = segment.sections[5].offset
    for name, value in counted.items():
        stated = segment.properties[name]
        require(stated == value, "properties", "value", offset, f"{name}: {stated}, not {value}")


def decode(data, identity=None):
    """A whole segment."""
    segment, entries, found_filter = read(data, identity)
    return {
        "kind": "segment",
        "header": segment.header.json(),
        "properties": segment.properties,
        "filter": found_filter,
        "sections": [
            {"type": SECTIONS[kind][0], "offset": section.offset, "length": section.length}
            for kind, section in segment.sections.items()
        ],
        "leaves": len(segment.top),
        **{
            f"{codec}_blocks": count
            for codec, count in zip(CODECS, segment.properties["blocks_by_codec"])
            if count
        },
        "entries": [entry.json() for entry in entries],
    }
