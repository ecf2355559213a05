"""tools/soak disks: file systems that go away under a writer, and such as cannot be written to.

    shut down   xfs_io lets the file system of a working writer refuse everything from now on, its own
                journal included: a real power cut, seen by a real file system. Mounted again, the store
                must hold what was acknowledged as durable before. (Not what was acknowledged at that
                moment: ext4 lets a sync that it interrupts return 0. Of 269 runs of a loop of pwrite and
                fdatasync in C 9 lost what the last one had made "durable", without extents 50 of 235.)
    thin        the device behind ext4, xfs or btrfs can take no more, though the file system has room: syncs
                fail, and the system forgets what it could not write
    error       ext4 finds an error in itself and makes itself read-only, while a writer works
    read-only   a store that was closed, or left by a kill, on a mount that cannot be written to

A mapped file whose device is gone ends the process by SIGBUS: RELIABILITY.md says so, and so that is not
held against these writers, only counted. "failed" are those that were told, by an error or by SIGBUS; "acknowledged
before" those that had made something durable before the device went, which must be there.
"""

import hashlib
import os
import random
import shutil
import subprocess
import time

from soak_mounts import Disk, call
from soak_writer import DONE, FAILURE, Violation, Writer, check_ending, judge

ACTS = 200
SHUT_DOWN = {"ext4", "ext4 without extents", "xfs"}


def cut(program, kind, seed, rounds):
    """The power is cut under a writer again and again; a row of figures."""
    row = figures(kind, "shut down")
    moments = random.Random(seed)
    with Disk(kind) as disk:
        store = os.path.join(disk.path, "store")
        workload = ["--acts", str(ACTS), "--seed", str(seed)]
        state = 0
        for _ in range(rounds):
            if state == ACTS:
                # Or else the next cut brings it back.
                shutil.rmtree(store)
                os.sync()
                state = 0
            writer = Writer(program, store, workload, state, state)
            time.sleep(moments.uniform(0.0, 0.3))
            durable = writer.durable
            call("xfs_io", "-x", "-c", "shutdown", disk.path)
            end_without_device(writer, row, durable > state)
            disk.unmount()
            disk.mount()
            _, state, _ = judge(program, store, workload, durable, writer.begun)
    return row


def thin(program, kind, seed, rounds):
    """The device fails under a writer for want of room of its own; a row of figures."""
    row = figures(kind, "thin")
    moments = random.Random(seed)
    for number in range(rounds):
        with Disk(kind, is_thin=True) as disk:
            store = os.path.join(disk.path, "store")
            workload = ["--acts", str(ACTS), "--seed", str(seed + number)]
            writer = Writer(program, store, workload)
            last = moments.randrange(2, 100)
            while writer.wait_for("done") is not None and writer.done < last:
                pass
            # It takes a while, in which the writer would do the rest.
            if writer.process.poll() is None:
                writer.stopped_while(disk.take_device)
            end_without_device(writer, row, writer.durable > 0)
            # What could not be written is forgotten with the cache.
            disk.unmount()
            disk.give_device()
            disk.mount()
            judge(program, store, workload, writer.durable, writer.begun)
    return row


def figures(kind, case):
    return {"disk": kind, "case": case, "runs": 0, "acknowledged before": 0, "failed": 0, "ended by SIGBUS": 0}


def end_without_device(writer, row, had_acknowledged):
    """Waits for the end of a writer whose device is gone."""
    code = writer.ended()
    check_ending(code, f"{writer.words}: {writer.complaints}", (DONE, FAILURE, -7))
    row["runs"] += 1
    row["acknowledged before"] += had_acknowledged
    row["failed"] += code != DONE
    row["ended by SIGBUS"] += code == -7


def no_errors():
    """Why ext4 cannot be told to find an error in itself; None where it can."""
    try:
        with Disk("ext4") as disk:
            return None if os.path.exists(trigger(disk)) else f"this kernel has no {trigger(disk)}"
    except OSError as error:
        return str(error)


def trigger(disk):
    return f"/sys/fs/ext4/{disk.device}/trigger_fs_error"


def found_error(program, seed, rounds):
    """ext4 becomes read-only under a writer, again and again; a row of figures."""
    row = figures("ext4", "error")
    for number in range(rounds):
        with Disk("ext4", "errors=remount-ro") as disk:
            store = os.path.join(disk.path, "store")
            workload = ["--acts", str(ACTS), "--seed", str(seed + number)]
            writer = Writer(program, store, workload)
            while writer.wait_for("done") is not None and writer.done < 5 + 10 * number:
                pass
            had_acknowledged = writer.durable > 0
            with open(trigger(disk), "w") as file:
                file.write("1")
            end_without_device(writer, row, had_acknowledged)
            # Reading goes on, where there is something to read.
            judge(program, store, workload, writer.durable, writer.begun, more=["--read-only"])
            disk.unmount()
            # Its exit code says that there was something to mend.
            subprocess.run(["e2fsck", "-p", disk.image], capture_output=True)
            disk.mount()
            judge(program, store, workload, writer.durable, writer.begun)
    return row


def read_only(program, kind, seed):
    """Stores that nobody can write to, seen through a mount that is read-only; a row of figures."""
    row = {"disk": kind, "case": "read-only", "runs": 0, "refused": 0}
    with Disk(kind) as disk:
        for is_killed in (False, True):
            store = os.path.join(disk.path, f"store-{is_killed}")
            workload = ["--acts", "60", "--seed", str(seed + is_killed)]
            writer = Writer(program, store, workload)
            while is_killed and writer.done < 40 and writer.wait_for("done") is not None:
                pass
            writer.kill() if is_killed else writer.ended()
            row["refused"] += look_without_writing(program, disk, store, workload, writer)
            judge(program, store, workload, writer.done, writer.begun)
            row["runs"] += 1
    return row


def look_without_writing(program, disk, store, workload, writer):
    """For reading it opens; for writing it says that it cannot; no byte changes by either. Whether it was refused."""
    before = digest(store)
    call("mount", "-o", "remount,ro", disk.path)
    try:
        judge(program, store, workload, writer.done, writer.begun, more=["--read-only"])
        refused = Writer(program, store, workload, writer.done, writer.begun)
        check_ending(refused.ended(), f"{workload}, on a read-only mount", (FAILURE,))
        if not all(failure.startswith("inputOutput") for failure in refused.failures):
            raise Violation(f"a read-only mount is called {refused.failures}")
    finally:
        call("mount", "-o", "remount,rw", disk.path)
    if digest(store) != before:
        raise Violation(f"{workload}: a read-only mount changed")
    return bool(refused.failures)


def digest(directory):
    """Names and contents of all files."""
    sums = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), "rb") as file:
            sums[name] = hashlib.sha256(file.read()).hexdigest()
    return sums
