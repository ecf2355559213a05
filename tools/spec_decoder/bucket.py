"""The objects of a bucket, and the file `bucket` (bucket.md)."""

import hashlib
import os
import tempfile

from . import log, manifest
from .primitives import Damage, Reader, context_crc, crc32c, u16, u32, u64

MAGIC = b"VarveObj"
FRAME = 48
MAX_BODY = 2**29
KINDS = {1: "store", 2: "bucket manifest", 3: "pin", 4: "bucket file", 5: "bucket log"}
FILE_KINDS = {1: "segment", 2: "values"}
MAX_NUMBER = 2**56
MAX_TAIL = 2**29
MAX_BATCH = 2**28
POINTER = 4


def is_object(data):
    return data[:8] == MAGIC


def _frame(data):
    """Kind, number, store id and body of an object whose checksums hold."""

    def require(condition, fault, offset, what):
        if not condition:
            raise Damage("bucket object", fault, offset, what)

    size = len(data)
    require(size >= FRAME, "truncated", size, "frame")
    require(crc32c(data[:44]) == u32(data, 44), "checksum", 44, "checksum of the frame")
    require(u16(data, 8) == 0, "version", 8, "format version")
    kind = u16(data, 10)
    require(kind in KINDS, "value", 10, "kind")
    require(u32(data, 12) == 0, "features", 12, "flags")
    number, store = u64(data, 16), [u64(data, 24), u64(data, 32)]
    length = u32(data, 40)
    require(length <= MAX_BODY, "limit", 40, "body length")
    end = FRAME + length
    require(size >= end + 4, "truncated", size, "body")
    body = data[FRAME:end]
    checksum = crc32c(b"".join(n.to_bytes(8, "little") for n in (kind, number, *store)) + body)
    require(checksum == u32(data, end), "checksum", end, "checksum of the body")
    require(size == end + 4, "excess", end + 4, "bytes behind the checksum")
    return KINDS[kind], number, store, body


def _id(reader, what):
    return [reader.u64(what), reader.u64(what)]


def _object(reader):
    epoch = reader.varint("epoch")
    digest = reader.take(32, "digest").hex()
    return {"epoch": epoch, "digest": digest, "tail": reader.varint("tail")}


def _garbage(reader):
    at = reader.offset
    kind = reader.u8("kind")
    if kind not in FILE_KINDS:
        reader.fail("value", at, "kind")
    item = {"kind": FILE_KINDS[kind], "number": reader.varint("number"), **_object(reader)}
    return {**item, "since": reader.varint("since")}


def _manifest(reader, number, store):
    found = {"predecessor_digest": reader.take(32, "digest").hex(), "epoch": reader.u64("epoch")}
    found |= {"writer": _id(reader, "writer"), "nonce": _id(reader, "nonce")}
    found["server_time"] = reader.u64("server time")
    found["log_floor"] = reader.u64("log floor")
    at = reader.offset
    length = reader.u32("version length")
    if length > reader.left:
        reader.fail("limit", at, "version length")
    version = manifest.decode(reader.take(length, "version"))
    if version["store_id"] != store:
        reader.fail("value", at, "store id")
    if version["logs"] or not version["cleanly_closed"]:
        reader.fail("value", at, "logs")
    files = [("segment", file) for file in version["segments"]]
    files += [("values", file) for file in version["value_files"]]
    objects = []
    for kind, file in files:
        item = _object(reader)
        objects.append({"name": _name(kind, file["number"], item), "size": file["size"], **item})
    found["garbage"] = _all_garbage(reader)
    manifest._fields(reader, set())
    found = {"number": number, **found, "objects": objects, "version": version}
    _check_manifest(found)
    return found


def _all_garbage(reader):
    items, last = [], None
    for _ in range(reader.varint("garbage count")):
        at = reader.offset
        item = _garbage(reader)
        place = (item["kind"] == "values", item["number"], item["epoch"])
        if last is not None and place <= last:
            reader.fail("order", at, "garbage")
        last = place
        items.append(item)
    return items


def _check_manifest(found):
    def require(condition, fault, what):
        if not condition:
            raise Damage("bucket manifest", fault, FRAME, what)

    require(1 <= found["number"] <= MAX_NUMBER, "limit", "number")
    require(1 <= found["epoch"] <= MAX_NUMBER, "limit", "epoch")
    require(found["log_floor"] <= MAX_NUMBER, "limit", "log floor")
    for item in found["objects"] + found["garbage"]:
        require(1 <= item["epoch"] <= found["epoch"], "value", "epoch")
    for item in found["objects"]:
        require(item["size"] <= MAX_NUMBER, "limit", "size")
        require(item["tail"] <= item["size"], "value", "tail")
        require(item["tail"] <= MAX_TAIL, "limit", "tail")
    live = {item["name"] for item in found["objects"]}
    for item in found["garbage"]:
        require(_name(item["kind"], item["number"], item) not in live, "value", "garbage")


def _log(reader, number):
    at = reader.offset
    found = {"number": number, "epoch": reader.u64("epoch")}
    if not 1 <= number <= MAX_NUMBER:
        raise Damage("bucket object", "value", 16, "number")
    if not 1 <= found["epoch"] <= MAX_NUMBER:
        reader.fail("limit", at, "epoch")
    found |= {"writer": _id(reader, "writer"), "nonce": _id(reader, "nonce"), "batches": []}
    expected = None
    for _ in range(reader.varint("batch count")):
        at = reader.offset
        first, length = reader.u64("first sequence"), reader.u32("payload length")
        if length > MAX_BATCH:
            reader.fail("limit", at, "payload length")
        base = reader.offset
        entries = log.parse_batch(reader.take(length, "payload"), base)
        if any(entry.kind == POINTER for entry in entries):
            raise Damage("batch", "value", base, "a pointer")
        if not 1 <= first or first + len(entries) >= MAX_NUMBER:
            reader.fail("limit", at, "sequence")
        if expected not in (None, first):
            reader.fail("order", at, "first sequence")
        expected = first + len(entries)
        found["batches"].append({"first": first, "entries": [entry.json() for entry in entries]})
    manifest._fields(reader, set())
    return found


def _name(kind, number, item):
    digest = item["digest"][:16]
    return f"file/{digest[:2]}/{item['epoch']:016x}-{number:016x}-{digest}.{kind}"


def _tie(reader, number, store):
    location = reader.take(reader.u16("location length"), "location").decode()
    writers = [_id(reader, "writer") for _ in range(reader.u8("writer count"))]
    at = reader.offset
    state = reader.u8("state")
    if state > 2:
        reader.fail("value", at, "state")
    length = reader.u32("head length")
    head = decode(reader.take(length, "head")) if length else None
    manifest._fields(reader, set())
    return {"location": location, "writers": writers, "state": ("whole", "restoring", "fenced")[state], "head": head}


def decode(data):
    """A whole object, or the file `bucket`."""
    kind, number, store, body = _frame(data)
    structure = "bucket object" if kind == "store" else kind
    reader = Reader(body, structure, FRAME)
    if kind == "store":
        if number != 0:
            raise Damage("bucket object", "value", 16, "number")
        found = {"created": reader.u64("created")}
        manifest._fields(reader, set())
    elif kind == "bucket manifest":
        found = _manifest(reader, number, store)
    elif kind == "pin":
        if not 1 <= number <= MAX_NUMBER:
            raise Damage("bucket object", "limit", 16, "number")
        at = reader.offset
        found = {"manifest": number, "pin": reader.u8("kind"), "expires": reader.u64("expires")}
        if found["pin"] not in (1, 2):
            reader.fail("value", at, "kind")
        found["nonce"] = _id(reader, "nonce")
        manifest._fields(reader, set())
    elif kind == "bucket log":
        found = _log(reader, number)
    else:
        found = _tie(reader, number, store)
    if reader.left:
        reader.fail("excess", reader.offset, "bytes behind the body")
    return {"kind": kind, "store_id": store, **found}


# A bucket that is a directory, or a copy of one.


def _read(root, name):
    try:
        with open(os.path.join(root, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise Damage("file", "missing", 0, "named, and not there", file=name) from None


def head(root):
    """The newest manifest, of the store that the bucket says it holds."""
    identity = decode(_read(root, "store"))
    names = sorted(os.listdir(os.path.join(root, "manifest")))
    name = f"manifest/{names[-1]}"
    found = decode(_read(root, name))
    if found["store_id"] != identity["store_id"] or found["number"] != int(names[-1]):
        raise Damage("bucket manifest", "value", 16, "of another store, or another number", file=name)
    return found


def check(root):
    """The newest manifest; every file it names is there, of its size and SHA-256."""
    found = head(root)
    for item in found["objects"]:
        data = _read(root, item["name"])
        if len(data) != item["size"] or hashlib.sha256(data).hexdigest() != item["digest"]:
            raise Damage("file", "checksum", 0, "not the bytes that the manifest names", file=item["name"])
    found["logs"] = logs(root, found)
    return found


def logs(root, found):
    """The logs behind a manifest: one after the other, of no earlier epoch than the one before."""
    items, number, epoch, last = [], found["log_floor"], 0, found["version"]["last_sequence"]
    while number and os.path.exists(os.path.join(root, f"log/{number:020}")):
        name = f"log/{number:020}"
        item = decode(_read(root, name))
        if item["number"] != number or item["store_id"] != found["store_id"] or item["epoch"] < epoch:
            raise Damage("bucket log", "value", 16, "number, store id or epoch", file=name)
        for batch in item["batches"]:
            end = batch["first"] + len(batch["entries"]) - 1
            if end > last and batch["first"] != last + 1:
                raise Damage("bucket log", "order", FRAME, "a gap before a batch", file=name)
            last = max(last, end)
        items.append(item)
        number, epoch = number + 1, item["epoch"]
    return items


def with_store(root, body):
    """Calls `body` with a directory that holds the newest version as a store on disk."""
    found = check(root)
    with tempfile.TemporaryDirectory() as folder:
        for item in found["objects"]:
            number, kind = item["name"].split("-")[1], item["name"].split(".")[1]
            os.symlink(os.path.abspath(os.path.join(root, item["name"])),
                       os.path.join(folder, f"{kind}-{number}"))
        name = f"manifest/{found['number']:020}"
        _, _, _, data = _frame(_read(root, name))
        length = u32(data, 88)
        with open(os.path.join(folder, f"manifest-{found['version']['number']:016x}"), "wb") as file:
            file.write(data[92:92 + length])
        return body(folder)
