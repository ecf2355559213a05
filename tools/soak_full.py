"""tools/soak disks: writers on disks without room.

    by itself   the writer fills the rest, is refused, told to go on when a piece of ballast is gone, ...
    at once     the writer stands still in the midst of an act; all room is taken, down to the last block;
                and where files can share blocks, a copy of the open store shares all of its blocks, so
                that every write in place must allocate

However it ends, it must be by an error of the store: an append that dies by SIGBUS is what this looks for.
With room again the store must hold what was acknowledged and go on, and so must each copy.
"""

import os
import random
import re
import shutil
import subprocess
import tempfile

from soak_mounts import MEBIBYTE, REFLINKS, Ballast, Disk
from soak_writer import DONE, FAILURE, Violation, Writer, check_ending, judge

ACTS = 160
ROOM = 32 * MEBIBYTE
# A store that fills takes 9 to 14 MiB where nothing stops it: with all pieces that are given back there is less.
TIGHT = 6 * MEBIBYTE
FILLING = {
    "filling": ["--filling"], "filling, buffered": ["--filling", "--buffered"],
    "filling, synced": ["--filling", "--synced"]}
# Small writes go on in the log that is there when all room is gone; where nothing is synced, by storing
# into its mapping on ext4, and only there.
SHAPES = FILLING | {
    "small": [], "small, buffered": ["--buffered"],
    "stream": ["--buffered", "--commits-only"]}


class FullDisk:
    """One store on one disk that has no room at times."""

    def __init__(self, program, disk, seed, shape, row):
        self.program, self.disk, self.row = program, disk, row
        self.random = random.Random(seed)
        self.workload = ["--acts", str(ACTS), "--seed", str(seed), *SHAPES[shape]]
        self.store = os.path.join(disk.path, "store")
        self.copies = []
        self.ballast = Ballast(disk)

    # The two ways in which a disk becomes full

    def fill_by_itself(self):
        self.ballast.leave(TIGHT, pieces=4)
        writer = self.writer(0, 0)
        while words := writer.wait_for("failed", "closed"):
            if words == "closed":
                break
            if words.startswith("failed full"):
                self.row["full"] += 1
                if self.random.random() < 0.2:
                    writer.process.kill()
                else:
                    writer.answer("go" if self.ballast.give() else "no")
        self.end(writer)

    def fill_at_once(self):
        self.ballast.leave(ROOM, pieces=0)
        # A store that was closed is copied too: its logs and segments share their blocks from now on.
        first = self.writer(0, 0, ["--most", str(self.random.randrange(5, 30))])
        check_ending(first.ended(), "a writer with room", (DONE,))
        self.copy(first.done, first.done)
        writer = self.writer(first.done, first.done)
        last = first.done + self.random.randrange(2, 40)
        words = "begun"
        while words and words.startswith("begun") and writer.begun < last:
            words = writer.wait_for("begun", "closed", "failed")
        if words and words.startswith("begun") and writer.process.poll() is None:
            writer.stopped_while(lambda: self.copy_and_fill(writer))
            words = writer.wait_for("failed", "closed")
        # Many small value files, each with room ahead, may take all that there is before.
        while words and words.startswith("failed"):
            self.row["full"] += words.startswith("failed full")
            writer.answer("no")
            words = writer.wait_for("failed", "closed")
        self.end(writer)

    def copy_and_fill(self, writer):
        # What it said before it stood still is in the pipe, and read by now or soon: see `copy`.
        writer.settle()
        self.copy(writer.done, writer.begun)
        self.ballast.fill()

    # Parts of both

    def writer(self, durable, invoked, more=()):
        return Writer(
            self.program, self.store, self.workload, durable, invoked, more=["--asks", *more])

    def copy(self, done, begun):
        """A copy whose files share all blocks with the store's; it must hold what the store does."""
        if self.disk.kind not in REFLINKS:
            return
        target = os.path.join(self.disk.path, f"copy-{len(self.copies)}")
        subprocess.run(["cp", "-r", "--reflink=always", self.store, target], check=True)
        self.copies.append((target, done, begun))
        self.row["copies"] += 1

    def end(self, writer):
        """Judges what the writer left: on the full disk, which may be too full, and with room."""
        code = writer.collected()
        check_ending(code, f"{self.row['disk']}, {self.workload}: {writer.complaints}",
                     (DONE, FAILURE, -9))
        is_poisoned = any(failure.startswith("poisoned") for failure in writer.failures)
        self.check_failures(writer)
        self.row["runs"] += 1
        self.row["poisoned"] += is_poisoned
        # Where a sync failed the system may have forgotten what no sync made durable.
        bounds = (writer.durable if is_poisoned else writer.done), writer.begun
        self.row["not opened while full"] += self.is_too_full(*bounds, more=["--unverified"])
        self.ballast.remove()
        _, state, _ = judge(self.program, self.store, self.workload, *bounds)
        self.judge_copies()
        self.go_on(state)

    def judge_copies(self):
        for path, done, begun in self.copies:
            with tempfile.TemporaryDirectory(prefix="varve-copy-") as elsewhere:
                target = os.path.join(elsewhere, "store")
                shutil.copytree(path, target)
                judge(self.program, target, self.workload, done, begun)
            shutil.rmtree(path)

    def go_on(self, state):
        writer = self.writer(state, state, ["--most", "10"])
        while words := writer.wait_for("failed", "closed"):
            if words.startswith("failed"):
                writer.answer("no")
        # Half of a filled disk is the store's by now: it may be full again, and must say so.
        check_ending(writer.collected(), "going on with room")
        self.check_failures(writer)
        self.is_too_full(writer.done, writer.begun)

    def check_failures(self, writer):
        """A full disk must be said to be full, and nothing else."""
        for failure in writer.failures:
            if not failure.startswith(("full", "poisoned")):
                raise Violation(f"{self.row['disk']}, {self.workload}: a full disk is said to be {failure}")

    def is_too_full(self, durable, invoked, more=()):
        """Judges the store; true where the disk has no room for that, which must be what is said."""
        code, _, said = judge(
            self.program, self.store, self.workload, durable, invoked, more=more, may_be=(DONE, FAILURE))
        if code == FAILURE and not re.search(r"^\d+ failed (full|poisoned)", said, re.M):
            raise Violation(f"{self.row['disk']}, {self.workload}: a full disk is said to be {said}")
        return code == FAILURE


def run(program, kind, seed, way, shapes=None):
    """Disks of one kind, filled in one way by each shape of workload; a row of figures."""
    row = {"disk": kind, "case": f"full, {way}", "runs": 0, "full": 0, "poisoned": 0, "copies": 0,
           "not opened while full": 0}
    for number, shape in enumerate(shapes or (FILLING if way == "by itself" else SHAPES)):
        with Disk(kind) as disk:
            full = FullDisk(program, disk, seed * 10 + number, shape, row)
            full.fill_by_itself() if way == "by itself" else full.fill_at_once()
    return row
