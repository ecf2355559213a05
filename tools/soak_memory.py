"""tools/soak memory: how much memory an import holds, by the system's own count, and how fast its store opens."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time


def small_entries(mebibytes):
    random.seed(1)
    parts = ["%016x" % random.getrandbits(64) * 3 for _ in range(4096)]
    for _ in range(mebibytes * 1024 * 1024 // 114_000):
        keys = [random.getrandbits(64) for _ in range(1000)]
        yield "".join(
            "%016x\t%s%s\n" % (key, parts[key & 4095], parts[key >> 12 & 4095]) for key in keys
        ).encode(), keys[0]


def run(program, mebibytes, budget):
    """Imports both kinds of entries."""
    directory = tempfile.mkdtemp()
    try:
        store = os.path.join(directory, "small.varve")
        watched_import(program, store, ["--format", "tsv"], budget,
                       (piece for piece, _ in small_entries(mebibytes)))
        time_reading(program, store, "%016x" % next(small_entries(1))[1], [])
        shutil.rmtree(store)
        store = os.path.join(directory, "vectors.varve")
        keys = os.path.join(directory, "keys")
        rows = mebibytes * 1024 * 1024 // 1536
        with open(keys, "w") as file:
            file.writelines("%010d\n" % number for number in random.sample(range(rows), rows))
        watched_import(
            program, store, ["--format", "f32", "--keys", keys, "--dimension", "384", "-k", "vectors"], budget,
            (os.urandom(1536 * min(1000, rows - at)) for at in range(0, rows, 1000)))
        time_reading(program, store, "%010d" % (rows // 2), ["-k", "vectors"])
    finally:
        shutil.rmtree(directory)


def watched_import(program, store, words, budget, pieces):
    writer = subprocess.Popen(
        [program, "import", store, "-", *words, "--durability", "buffered", "--memory", f"{budget}M",
         "--quiet"], stdin=subprocess.PIPE)
    peaks = [0]
    watcher = threading.Thread(target=watch, args=(writer, peaks))
    watcher.start()
    total = 0
    for piece in pieces:
        writer.stdin.write(piece)
        total += len(piece)
    writer.stdin.close()
    code = writer.wait()
    watcher.join()
    allowed = 1.1 * budget + 24
    print(f"{os.path.basename(store)}: {total >> 20} MiB imported, anonymous memory at most"
          f" {peaks[0] >> 10} MiB of {allowed:.0f} allowed by a budget of {budget}")
    if code or peaks[0] / 1024 > allowed or peaks[0] == 0:
        sys.exit("the memory promise was broken" if code == 0 else f"import ended with {code}")
    flushed = subprocess.run([program, "flush", store], capture_output=True, text=True)
    if flushed.returncode:
        sys.exit(flushed.stderr)


def watch(process, peaks):
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                for line in status:
                    if line.startswith("RssAnon:"):
                        peaks[0] = max(peaks[0], int(line.split()[1]))
        except OSError:
            pass
        time.sleep(0.01)


def time_reading(program, store, key, words):
    def best(*arguments):
        times = []
        for _ in range(9):
            start = time.monotonic()
            code = subprocess.run([program, *arguments], stdout=subprocess.DEVNULL).returncode
            times.append(time.monotonic() - start)
            if code:
                sys.exit(f"{arguments} ended with {code}")
        return sorted(times)[4] * 1000
    print(f"  get, a process of its own: {best('get', store, key, *words):.1f} ms"
          f" (of that {best('--version'):.1f} ms to start it)")
