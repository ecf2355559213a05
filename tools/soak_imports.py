"""tools/soak kill, its other half: imports (varve import) that are killed at random moments.

    varve import    a commit of 7 entries, its number on a pipe, the next one ...   killed
    afterwards      the store opens; the verifier finds nothing; a contiguous run from the first entry on is there, with
                    the values written, ending at the boundary of a batch, and with all that was acknowledged
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BATCH = 7
SECONDS = 0.25
# A fresh store so often, so that young ones are killed often too.
KILLS_OF_A_STORE = 20


def call(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def lines(first):
    number = first
    while True:
        size = 2_000 if number % 11 == 0 else 60
        yield '{"key": "%012d", "value": "%s"}\n' % (number, value_of(number, size))
        number += 1


def value_of(number, size):
    return ("%d-" % number * size)[:size]


def write_until_killed(program, store, first, durability, seconds):
    """Kills the writer after `seconds`; returns how many entries it had acknowledged."""
    writer = subprocess.Popen(
        [program, "import", store, "-", "--batch", str(BATCH), "--quiet", "--acknowledge",
         "--durability", durability, "--memory", "8M"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    feeder = threading.Thread(target=feed, args=(writer.stdin, first))
    feeder.start()
    said = []
    reader = threading.Thread(target=lambda: said.append(writer.stdout.read()))
    reader.start()
    time.sleep(seconds)
    writer.kill()
    ended = writer.wait()
    reader.join()
    feeder.join()
    # Its input never ends: whatever else ended it is no kill.
    if ended != -signal.SIGKILL:
        sys.exit(f"the writer ended by itself with {ended}")
    # A line that the kill cut off is no acknowledgement.
    whole = said[0].split(b"\n")[:-1]
    return int(whole[-1]) if whole else 0


def feed(pipe, first):
    try:
        for line in lines(first):
            pipe.write(line.encode())
    except BrokenPipeError:
        pass
    try:
        pipe.close()
    except BrokenPipeError:
        pass


def check(program, store, acknowledged):
    """How many entries are there."""
    code, out, err = call(program, "scan", store)
    if code not in (0, 1):
        sys.exit(f"scan failed with {code}: {err}")
    entries = out.splitlines()
    count = len(entries)
    for number, entry in enumerate(entries):
        size = 2_000 if number % 11 == 0 else 60
        if entry != "%012d\t%s" % (number, value_of(number, size)):
            sys.exit(f"entry {number} of {count} is not what was written: {entry[:80]}")
    if count % BATCH:
        sys.exit(f"{count} entries: part of a batch is there")
    if count < acknowledged:
        sys.exit(f"{acknowledged} entries were acknowledged, {count} are there")
    return count


def run(program, rounds, seed, tell):
    """Figures."""
    random.seed(seed)
    directory = tempfile.mkdtemp()
    kills = {"synced": 0, "buffered": 0}
    total = count = met = 0
    try:
        for number in range(1, rounds + 1):
            generation, position = divmod(number - 1, KILLS_OF_A_STORE)
            store = os.path.join(directory, f"kill-{generation}.varve")
            if position == 0:
                count = 0
            durability = random.choice(["synced", "buffered"])
            said = write_until_killed(program, store, count, durability, random.uniform(0.0, SECONDS))
            acknowledged = count + said
            met += said > 0
            kills[durability] += 1
            before, count = count, recover_and_check(program, store, number, acknowledged)
            total += count - before
            if number % 20 == 0:
                tell({"kills": number, "entries": total})
    finally:
        shutil.rmtree(directory)
    if rounds >= 10 and met == 0:
        sys.exit(f"no writer of {rounds} had acknowledged anything when it was killed")
    return {"kills of synced imports": kills["synced"], "kills of buffered imports": kills["buffered"],
            "imports that had acknowledged something": met, "entries": total}


def recover_and_check(program, store, number, acknowledged):
    # The first opening after the kill recovers; what it found must be there ever after.
    code, _, err = call(program, "flush", store)
    if code and acknowledged == 0 and "there is no store" in err:
        # Killed before the first manifest was there.
        return 0
    if code:
        sys.exit(f"round {number}: opening after the kill failed: {err}")
    code, out, err = call(program, "verify", store, "--deep")
    if code:
        sys.exit(f"round {number}: {out}{err}")
    return check(program, store, acknowledged)
