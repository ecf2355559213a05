"""The objects of a bucket, and the file `bucket` (bucket.md)."""

import hashlib
import os
import tempfile

from . import log, manifest
from .primitives import MAX_SEQUENCE, Damage, Reader, crc32c, u16, u32, u64

MAGIC = b"VarveObj"
FRAME = 48
MAX_BODY = 2**29
KINDS = {1: "store", 2: "manifest", 3: "pin", 4: "bucket", 5: "log"}
STRUCTURES = {"store": "bucket object", "manifest": "bucket manifest", "pin": "bucket pin",
              "bucket": "bucket file", "log": "bucket log"}
SMALLEST_OBJECT = 34
FILE_KINDS = {1: "segment", 2: "values"}
MAX_NUMBER = 2**56
APART_TAG = 2
UPLOADS_TAG = 3
MAX_TAIL = 2**29
MAX_BATCH = 2**28
POINTER = 4


def is_object(data):
    return data[:8] == MAGIC


def _frame(data, wanted=None):
    """Kind, number, store id and body of an object of the `wanted` kind, whose checksums hold."""

    def require(condition, fault, offset, what):
        if not condition:
            raise Damage("bucket object", fault, offset, what)

    size = len(data)
    require(size >= 8, "truncated", 0, "magic")
    require(is_object(data), "magic", 0, "no object of a bucket")
    require(size >= FRAME, "truncated", size, "frame")
    require(crc32c(data[:44]) == u32(data, 44), "checksum", 44, "checksum of the frame")
    require(u16(data, 8) == 0, "version", 8, "format version")
    kind = u16(data, 10)
    require(kind in KINDS and wanted in (None, KINDS[kind]), "value", 10, "kind")
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


def _end(reader):
    """The fields at the end of a body: none is defined."""
    manifest._fields(reader, set())
    if reader.left:
        reader.fail("excess", reader.offset, "bytes behind the body")


def _within(data, base, decode):
    """What `decode` makes of bytes that stand at `base`: its errors tell where in the whole object."""
    try:
        return decode(data)
    except Damage as damage:
        raise Damage(damage.structure, damage.fault, base + damage.offset, damage.what) from None


def _object(reader):
    epoch = reader.varint("epoch")
    digest = reader.take(32, "digest").hex()
    return {"epoch": epoch, "digest": digest, "tail": reader.varint("tail")}


def _garbage(reader):
    at = reader.offset
    kind = reader.u8("kind")
    if kind not in FILE_KINDS:
        reader.fail("value", at, "kind")
    number = reader.varint("number")
    if not 1 <= number < MAX_NUMBER:
        reader.fail("limit", at, "number of a file")
    item = {"kind": FILE_KINDS[kind], "number": number, **_object(reader)}
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
    base = reader.offset
    version = _within(reader.take(length, "version"), base, manifest.decode)
    if version["store_id"] != store:
        reader.fail("value", at, "store id")
    if version["logs"] or not version["cleanly_closed"]:
        reader.fail("value", at, "logs")
    files = [("segment", file) for file in version["segments"]]
    files += [("values", file) for file in version["value_files"]]
    if len(files) > reader.left // SMALLEST_OBJECT:
        reader.fail("truncated", reader.offset, f"{len(files)} objects in {reader.left} bytes")
    objects = []
    for kind, file in files:
        item = _object(reader)
        objects.append({"name": _name(kind, file["number"], item), "size": file["size"], **item})
    found["garbage"] = _all_garbage(reader)
    _end(reader)
    found = {"number": number, **found, "objects": objects, "version": version}
    _check_manifest(found)
    return found


def _all_garbage(reader):
    items, last = [], None
    for _ in range(manifest._count(reader, "garbage")):
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
    objects = found["objects"]
    require(all(item["size"] <= MAX_NUMBER for item in objects), "limit", "size")
    require(all(item["tail"] <= item["size"] for item in objects), "value", "tail")
    require(all(item["tail"] <= MAX_TAIL for item in objects), "limit", "tail")
    live = {item["name"] for item in found["objects"]}
    for item in found["garbage"]:
        require(_name(item["kind"], item["number"], item) not in live, "value", "garbage")


def _log(reader, number):
    if not 1 <= number <= MAX_NUMBER:
        raise Damage("bucket object", "value", 16, "number")
    at = reader.offset
    found = {"number": number, "epoch": reader.u64("epoch")}
    if not 1 <= found["epoch"] <= MAX_NUMBER:
        reader.fail("limit", at, "epoch")
    found |= {"writer": _id(reader, "writer"), "nonce": _id(reader, "nonce"), "batches": []}
    expected = None
    for _ in range(manifest._count(reader, "batches")):
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
    _end(reader)
    return found


def _name(kind, number, item):
    digest = item["digest"][:16]
    return f"file/{digest[:2]}/{item['epoch']:016x}-{number:016x}-{digest}.{kind}"


def _tie(reader, number, store):
    at = reader.offset
    location = reader.take(reader.u16("location length"), "location")
    try:
        location = location.decode()
    except UnicodeDecodeError:
        reader.fail("value", at, "location")
    writers = [_id(reader, "writer") for _ in range(reader.u8("writer count"))]
    at = reader.offset
    state = reader.u8("state")
    if state > 2:
        reader.fail("value", at, "state")
    head = _head(reader, number, store)
    at = reader.offset
    fields = manifest._fields(reader, {APART_TAG, UPLOADS_TAG})
    apart = fields.get(APART_TAG)
    if apart is not None and (len(apart) != 16 or u64(apart, 8) > MAX_SEQUENCE):
        reader.fail("value", at, "apart since")
    try:
        uploads = _uploads(Reader(fields.get(UPLOADS_TAG, bytes(1)), STRUCTURES["bucket"], 0))
    except Damage:
        reader.fail("value", at, "uploads")
    if reader.left:
        reader.fail("excess", reader.offset, "bytes behind the body")
    return {
        "location": location, "writers": writers, "state": state, "head": head,
        "apart_since": None if apart is None else [u64(apart, 0), u64(apart, 8)],
        "uploads": uploads}


def _uploads(reader):
    uploads = []
    for _ in range(manifest._count(reader, "uploads")):
        kind, number = reader.u8("kind"), reader.varint("number")
        if kind not in FILE_KINDS or not 1 <= number < MAX_NUMBER:
            reader.fail("value", reader.offset, "kind or number of a file")
        upload = {"kind": FILE_KINDS[kind], "number": number, "id": _id(reader, "id"), **_object(reader)}
        if not 1 <= upload["epoch"] <= MAX_NUMBER or upload["tail"] > MAX_TAIL:
            reader.fail("limit", reader.offset, "epoch or tail of a file")
        uploads.append(upload)
    if reader.left:
        reader.fail("excess", reader.offset, "bytes behind the uploads")
    return uploads


def _head(reader, number, store):
    at = reader.offset
    length = reader.u32("head length")
    if length > reader.left:
        reader.fail("limit", at, "head length")
    if not length:
        if number:
            raise Damage("bucket object", "value", 16, "number")
        return None
    base = reader.offset
    head = _within(reader.take(length, "head"), base, lambda data: decode(data, "manifest", number))
    if head["store_id"] != store:
        reader.fail("value", at, "store id")
    return head


def _pin(reader, number):
    if not 1 <= number <= MAX_NUMBER:
        raise Damage("bucket object", "limit", 16, "number")
    at = reader.offset
    kind = reader.u8("kind")
    if kind not in (1, 2):
        reader.fail("value", at, "kind")
    found = {"manifest": number, "pin": kind, "expires": reader.u64("expires")}
    found["nonce"] = _id(reader, "nonce")
    _end(reader)
    return found


def _store(reader, number):
    if number != 0:
        raise Damage("bucket object", "value", 16, "number")
    found = {"created": reader.u64("created")}
    _end(reader)
    return found


def decode(data, wanted=None, named=None):
    """A whole object, or the file `bucket`: of the `wanted` kind, under a name with the number `named`."""
    kind, number, store, body = _frame(data, wanted)
    if kind in ("manifest", "log") and named not in (None, number):
        raise Damage("bucket object", "value", 16, "number")
    reader = Reader(body, STRUCTURES[kind], FRAME)
    if kind == "store":
        found = _store(reader, number)
    elif kind == "manifest":
        found = _manifest(reader, number, store)
    elif kind == "pin":
        found = _pin(reader, number)
    elif kind == "log":
        found = _log(reader, number)
    else:
        found = _tie(reader, number, store)
    return {"kind": STRUCTURES[kind], "store_id": store, **found}


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
    folder = os.path.join(root, "log")
    behind = [name for name in os.listdir(folder) if int(name) > number] if number and os.path.isdir(folder) else []
    if behind:
        raise Damage("bucket log", "value", 0, "one is missing before others", file=f"log/{number:020}")
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
