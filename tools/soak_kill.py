"""tools/soak kill, its varied half: a workload of all acts, killed at random moments again and again.

    writer   opened 0  begun 1  done 1  begun 2 ...  killed      opened n ...  killed
    watcher                                 judges, n acts there ─┘

Every other workload has a bucket, a directory, into which it puts, lets go and collects all the time: whatever it
said to have put must be in a store that another machine makes of a copy of the bucket.
"""

import os
import random
import shutil
import tempfile
import time

from soak_writer import DONE, VIOLATION, Violation, Writer, check_ending, judge

ACTS = 400
# Writers live for so long at most; longer where a machine is so busy that they get nothing done.
SECONDS, MOST_SECONDS = 0.25, 4.0
MORE_KILLS = 40


class KilledWorkload:
    """One store and its workload, which goes on after each kill where the store is."""

    def __init__(self, program, directory, seed):
        self.program = program
        self.store = os.path.join(directory, f"workload-{seed}.varve")
        self.bucket = os.path.join(directory, f"workload-{seed}.bucket") if seed % 2 else None
        self.workload = ["--acts", str(ACTS), "--seed", str(seed)]
        if self.bucket:
            os.mkdir(self.bucket)
            self.workload += ["--bucket", self.bucket]
        self.state = self.put = 0

    def kill(self, seconds):
        """Lets the writer live so long: the acts it did, whether it was killed, whether it had acknowledged any."""
        before = self.state
        writer = Writer(self.program, self.store, self.workload, before, before)
        time.sleep(seconds)
        code = writer.kill()
        check_ending(code, f"{self.workload}, {writer.complaints}", (DONE, -9))
        # The end of a process takes nothing with it: buffered acts are there as well.
        _, self.state, _ = judge(
            self.program, self.store, self.workload, writer.done, writer.begun)
        self.put = max(self.put, writer.put)
        if self.put:
            self.judge_elsewhere(writer.begun)
        return self.state - before, code != DONE, writer.done > before

    def judge_elsewhere(self, begun):
        """What the bucket alone makes of it. Of a copy: whoever takes a store over fences the other."""
        bucket, store = self.bucket + ".copy", self.store + ".elsewhere"
        shutil.copytree(self.bucket, bucket)
        workload = [bucket if word == self.bucket else word for word in self.workload]
        judge(self.program, store, workload, self.put, begun, more=["--restored", "--unverified"])
        shutil.rmtree(bucket)
        shutil.rmtree(store)

    def remove(self):
        shutil.rmtree(self.store)
        if self.bucket:
            shutil.rmtree(self.bucket)

    @property
    def is_over(self):
        return self.state == ACTS


def run(program, kills, seed, tell):
    """Kills writers so many times; figures."""
    moments = random.Random(seed)
    directory = tempfile.mkdtemp(prefix="varve-kill-")
    figures = {"kills of workloads": 0, "that had acknowledged something": 0, "workloads": 0, "acts": 0,
               "restored from a bucket": 0}
    current, longest = None, SECONDS
    try:
        # A few kills may all come too early on a slow machine: some more then.
        while figures["kills of workloads"] < kills or (
                kills and not figures["that had acknowledged something"]
                and figures["kills of workloads"] < kills + MORE_KILLS):
            if current is None or current.is_over:
                if current:
                    current.remove()
                figures["workloads"] += 1
                current = KilledWorkload(program, directory, seed * 1_000 + figures["workloads"])
            acts, was_killed, had_acknowledged = current.kill(moments.uniform(0.0, longest))
            longest = max(SECONDS, longest / 1.2) if had_acknowledged else min(MOST_SECONDS, longest * 1.2)
            figures["acts"] += acts
            figures["restored from a bucket"] += current.put > 0
            figures["kills of workloads"] += was_killed
            figures["that had acknowledged something"] += was_killed and had_acknowledged
            if was_killed and figures["kills of workloads"] % 20 == 0:
                tell(figures)
    finally:
        shutil.rmtree(directory)
    check_happened(figures, kills)
    return figures


def check_happened(figures, kills):
    """Raises where kills have shown nothing; a few may all come before anything is in a bucket."""
    if kills and not figures["that had acknowledged something"]:
        raise Violation(f"of {kills} kills none met a writer that had acknowledged anything")
    if kills >= 30 and not figures["restored from a bucket"]:
        raise Violation(f"of {kills} kills none came after anything was put into a bucket")
