"""The command line of tools/spec-decoder."""

import argparse
import json
import os
import sys

from . import bucket, log, manifest, segment, store, values, vectors
from .directory import kind_of
from .primitives import Damage

DECODERS = {
    "log": log.decode,
    "manifest": manifest.decode,
    "segment": segment.decode,
    "values": values.decode,
}


def _decode(path):
    with open(path, "rb") as file:
        data = file.read()
    if bucket.is_object(data):
        return bucket.decode(data)
    kind = kind_of(data)
    if kind is None:
        fault = "truncated" if len(data) < 8 else "magic"
        raise Damage("file header", fault, 0, "the magic of no kind of file")
    return DECODERS[kind](data)


def _print_files(paths):
    whole = True
    for path in paths:
        try:
            result = _decode(path)
        except Damage as damage:
            whole = False
            result = {"error": damage.json()}
        print(json.dumps({"file": os.path.basename(path), **result}, indent=1))
    return whole


def main():
    parser = argparse.ArgumentParser(
        prog="spec-decoder",
        description="Reads the files of a Varve store by format-spec alone and prints JSON. "
        "The exit status is 1 where anything is damaged or a vector does not hold.",
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="a log, segment, value file, manifest")
    parser.add_argument("--entries", metavar="STORE", help="print all live entries of a store")
    parser.add_argument("--bucket", metavar="FOLDER", help="print all live entries of a bucket")
    parser.add_argument("--now", type=int, metavar="MS", help="the time that decides what expired")
    parser.add_argument("--vectors", metavar="FOLDER", help="check the test vectors")
    arguments = parser.parse_args()
    if not (arguments.files or arguments.entries or arguments.bucket or arguments.vectors):
        parser.error("nothing to do")
    try:
        sys.exit(0 if _run(arguments) else 1)
    except OSError as error:
        print(f"spec-decoder: {error}", file=sys.stderr)
        sys.exit(2)


def _lend(folder, body):
    body(folder)


def _run(arguments):
    """Does what was asked; whether nothing was damaged."""
    whole = True
    if arguments.files:
        whole = _print_files(arguments.files)
    for folder, lend in ((arguments.entries, _lend), (arguments.bucket, bucket.with_store)):
        if not folder:
            continue
        try:
            lend(folder, lambda path: store.print_entries(path, arguments.now))
        except Damage as damage:
            print(json.dumps({"error": damage.json()}))
            whole = False
    if arguments.vectors:
        whole = vectors.run(arguments.vectors) and whole
    return whole
