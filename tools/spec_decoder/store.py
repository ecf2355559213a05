"""A whole store directory, read as its chapters say, without changing anything (directory.md)."""

import json
import os
import time

from . import log, manifest, segment, values
from .directory import parse_header, parse_keyspace_record, parse_name
from .primitives import Damage

SYSTEM_KEYSPACE = 0
DEFAULT_KEYSPACE = 1
PUT, DELETE, POINTER = 1, 2, 4


class ValueFile:
    """A value file that pointers are read through."""

    def __init__(self, path, named):
        with open(path, "rb") as file:
            self.data = file.read()
        self.identity = parse_header(self.data, "values").identity
        self.sealed = named is not None
        if named is not None:
            if list(self.identity) != named["id"]:
                raise Damage("file header", "value", 32, "not the identity that the manifest names")
            record = values.parse_record(self.data, self.identity, len(self.data) - 32)
            if record.type != 3:
                raise Damage("value record", "value", len(self.data) - 32, "no end record")


class Store:
    """The newest version of every key, and what is needed to read its value."""

    def __init__(self, path):
        self.path = path
        self.names = {name: parse_name(name) for name in os.listdir(path)}
        self.names = {name: parsed for name, parsed in self.names.items() if parsed}
        self.manifest = self._read_manifest()
        self.value_files = {}
        self.newest = {}
        if self.manifest is None:
            return
        self._check_sizes()
        for record in self.manifest["segments"]:
            self._add_segment(record)
        self._add_logs()
        self.keyspaces = self._read_keyspaces()

    def _read(self, name):
        with open(os.path.join(self.path, name), "rb") as file:
            return file.read()

    def _of_kind(self, kind):
        return sorted(number for found, number in self.names.values() if found == kind)

    def _read_manifest(self):
        """The highest manifest, or None for an empty store."""
        numbers = self._of_kind("manifest")
        if not numbers:
            if self.names:
                raise Damage("manifest", "missing", 0, "files of a store, but no manifest")
            return None
        name = f"manifest-{numbers[-1]:016x}"
        with in_file(name):
            header, fields = manifest.parse(self._read(name))
            if header.number != numbers[-1]:
                raise Damage("file header", "value", 24, "not the number of the name")
        return fields

    def _check_sizes(self):
        """Live segments and value files are there with the sizes that the manifest names."""
        for kind, records in (("segment", "segments"), ("values", "value_files")):
            for record in self.manifest[records]:
                name = f"{kind}-{record['number']:016x}"
                with in_file(name):
                    if name not in self.names:
                        raise Damage("file", "missing", 0, "a file that the manifest names")
                    size = os.path.getsize(os.path.join(self.path, name))
                    if size != record["size"]:
                        raise Damage("file", "value", size, f"{record['size']} bytes wanted")

    def _add(self, key, sequence, kind, expiry, value):
        before = self.newest.get(key)
        if before is None or sequence > before[0]:
            self.newest[key] = sequence, kind, expiry, value

    def _add_segment(self, record):
        name = f"segment-{record['number']:016x}"
        with in_file(name):
            opened, entries, _ = segment.read(self._read(name), record["id"])
            self._compare(record, opened.properties)
        for entry in entries:
            self._add(*entry)

    @staticmethod
    def _compare(record, properties):
        """What the manifest says of a segment is what the segment says of itself."""
        pairs = {
            "smallest_key": "smallest_key",
            "largest_key": "largest_key",
            "smallest_sequence": "smallest_sequence",
            "largest_sequence": "largest_sequence",
            "entry_count": "entries",
            "key_count": "keys",
            "delete_count": "deletes",
            "expiring_count": "expiring",
            "earliest_expiry": "earliest_expiry",
            "latest_expiry": "latest_expiry",
            "raw_bytes": "raw_bytes",
            "references": "references",
        }
        for field, name in pairs.items():
            if record[field] != properties[name]:
                what = f"{field}: the manifest says {record[field]}, not {properties[name]}"
                raise Damage("properties", "value", 0, what)

    def _add_logs(self):
        """Replays the logs by the rules; entries up to the manifest's last sequence are known."""
        files = {number: self._read(log.log_name(number)) for number in self._of_kind("log")}
        self.replay = log.Replay(self.manifest, files)
        for source, record in self.replay.batches():
            with in_file(log.log_name(source.number)):
                batch = record.parse()
            for index, entry in enumerate(batch):
                sequence = record.first_sequence + index
                if sequence > self.manifest["last_sequence"]:
                    key = entry.keyspace.to_bytes(4, "big") + entry.key
                    self._add(key, sequence, entry.kind, entry.expiry, entry.value)

    def _read_keyspaces(self):
        """Names by number, from the system keyspace."""
        names = {DEFAULT_KEYSPACE: "default"}
        for key, (_, kind, _, value) in self.newest.items():
            if key[:4] != bytes(4) or key[4:5] != b"k" or kind == DELETE:
                continue
            record = parse_keyspace_record(self._value(kind, value))
            try:
                name = key[5:].decode()
            except UnicodeDecodeError:
                raise Damage("keyspace record", "value", 0, "a name that is not UTF-8")
            if not 1 <= len(key) - 5 <= 255:
                raise Damage("keyspace record", "limit", 0, "length of a name")
            names[record["number"]] = name
        return names

    def _value(self, kind, value):
        if kind != POINTER:
            return value
        pointer = values.parse_pointer(value)
        name = f"values-{pointer.file:016x}"
        with in_file(name):
            if pointer.file not in self.value_files:
                if name not in self.names:
                    raise Damage("value pointer", "missing", 0, "the value file is not there")
                records = self.manifest["value_files"]
                named = [record for record in records if record["number"] == pointer.file]
                path = os.path.join(self.path, name)
                self.value_files[pointer.file] = ValueFile(path, named[0] if named else None)
            file = self.value_files[pointer.file]
            return values.resolve(file.data, file.identity, pointer, file.sealed)

    def entries(self, now):
        """(keyspace name, user's key, value) of all live entries in order."""
        for key in sorted(self.newest):
            _, kind, expiry, value = self.newest[key]
            name = self.keyspaces.get(int.from_bytes(key[:4], "big"))
            if name is None or kind == DELETE or 0 < expiry <= now:
                continue
            yield name, key[4:], self._value(kind, value)


class in_file:
    """Names the file in damage that is met inside."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, Damage) and error.file is None:
            error.file = self.name


def print_entries(path, now=None):
    """One JSON line for each live entry."""
    store = Store(path)
    if store.manifest is None:
        return
    if now is None:
        now = time.time_ns() // 1_000_000
    now = max(now, store.manifest["time_floor"])
    for name, key, value in store.entries(now):
        print(json.dumps({"keyspace": name, "key": key.hex(), "value": value.hex()}))
