"""Holds this decoder against format-spec/vectors: good bytes give the same content, bad ones an error
in the same structure, by the same rule, at the same place."""

import json
import pathlib

from . import bucket, log, manifest, segment, values
from .directory import parse_header, parse_keyspace_record, parse_name
from .primitives import Damage


def _store(vector):
    files = {name: bytes.fromhex(data) for name, data in vector["files"].items()}
    names = {name: parse_name(name) for name in files}
    logs = {number: files[name] for name, (kind, number) in names.items() if kind == "log"}
    newest = max(name for name, (kind, _) in names.items() if kind == "manifest")
    replay = log.Replay(manifest.parse(files[newest])[1], logs)
    for _, record in replay.batches():
        record.parse()
    return replay.json()


def _name(text):
    parsed = parse_name(text)
    if parsed is None:
        raise Damage("file name", "value", 0, text)
    return {"kind": parsed[0], "number": parsed[1]}


DECODERS = {
    "header": lambda v, data: parse_header(data, v["as"]).json(),
    "name": lambda v, data: _name(v["text"]),
    "log": lambda v, data: log.decode(data),
    "store": lambda v, data: _store(v),
    "batch": lambda v, data: {"entries": [entry.json() for entry in log.parse_batch(data)]},
    "manifest": lambda v, data: manifest.decode(data),
    "keyspace": lambda v, data: parse_keyspace_record(data),
    "segment": lambda v, data: segment.decode(data, v["id"]),
    "values": lambda v, data: values.decode(data, sealed=True),
    "object": lambda v, data: bucket.decode(data, v["as"], v.get("number")),
}
# A segment's reader may check in another order: only the structure is binding (segment.md).
STRUCTURE_ONLY = {"segment"}


def _differences(expected, found, path=""):
    """Where `found` lacks or contradicts what is expected; it may say more."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name not in found:
                yield f"{path}.{name}: not given"
            else:
                yield from _differences(value, found[name], f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield f"{path}: {len(found)} items, not {len(expected)}"
        for index, (one, other) in enumerate(zip(expected, found)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif type(expected) is not type(found) or expected != found:
        yield f"{path}: {found!r}, not {expected!r}"


def check(vector):
    """What differs from the vector: nothing where it holds."""
    kind, expect = vector["kind"], vector["expect"]
    if kind not in DECODERS:
        return [f"unknown kind {kind}"]
    try:
        found = DECODERS[kind](vector, bytes.fromhex(vector.get("hex", "")))
    except Damage as damage:
        if "error" not in expect:
            return [str(damage)]
        binding = expect["error"]
        if kind in STRUCTURE_ONLY:
            binding = {"structure": binding["structure"]}
        return list(_differences(binding, damage.json(), "error"))
    if "error" in expect:
        return [f"no error found; {expect['error']} expected"]
    return list(_differences(expect, found))


def run(folder):
    """Checks every vector of the folder; whether all hold."""
    good = bad = wrong = files = 0
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        files += 1
        for vector in json.loads(path.read_text()):
            differences = check(vector)
            for difference in differences:
                print(f"{path.name}: {vector['name']}: {difference}")
            wrong += bool(differences)
            good += "error" not in vector["expect"]
            bad += "error" in vector["expect"]
    print(f"{good + bad} vectors in {files} files: {good} good, {bad} bad, {wrong} mismatches")
    return wrong == 0 and good + bad > 0
