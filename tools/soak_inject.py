"""tools/soak inject: the kernel refuses, or the process dies, at each system call of a small workload.

    strace without a fault    openat 31, pwrite64 1, fdatasync 1, pwrite64 2 ...   the calls on the store
    for each of them, for each way:
        strace with a fault   pwrite64 1, fdatasync 1, pwrite64 2 = EIO            and what comes of it
        judged                without one

Ways: EIO and ENOSPC, once and for good; EINTR once, which must not be noticed; SIGKILL. strace counts the
calls of each thread by itself, so the process does everything on one. The same is done to recoveries:
a process that judges a store whose writer was killed.

A fault of this kind takes nothing from the kernel's memory: what was acknowledged, buffered or synced,
must be there. And once each sync fails for good, no commit may be acknowledged as synced any more.

Who of the two processes, of all runs of a kind of call or of a way met no fault has shown nothing: a violation.
"""

import collections
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile
import threading

from soak_writer import (
    DONE, ENVIRONMENT, FAILURE, SECONDS, Violation, Writer, check_ending, judge)

ACTS = 26
# From so many on each way to fail, and some error, must be among them.
ENOUGH_RUNS = 30
# From so many faults of one call on somebody must be told, but of what is advice, done again later, or done otherwise.
ENOUGH_FAULTS = 8
MADE_UP_FOR = {"fstatfs", "lseek", "madvise", "mmap", "unlinkat"}
WAYS = {
    "EIO once": "error=EIO:when={}", "EIO for good": "error=EIO:when={}+",
    "ENOSPC once": "error=ENOSPC:when={}", "ENOSPC for good": "error=ENOSPC:when={}+",
    "EINTR once": "error=EINTR:when={}", "SIGKILL": "signal=KILL:when={}",
}
# Those that a signal interrupts.
INTERRUPTED = {"openat", "pread64", "pwrite64", "pwritev", "fdatasync", "fsync", "fallocate",
               "ftruncate", "flock"}
CALL = re.compile(r"^\d+ +(\w+)\(")
# A refusal to give memory back is no fault of a device; the others change nothing that can fail.
IGNORED = {"execve", "munmap", "fcntl", "readlink"}


def missing():
    """Why this cannot be done here; None where it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    ran = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True)
    return f"strace may not trace: {ran.stderr.strip()}" if ran.returncode else None


class Setting:
    """Where it is done, and how much of it."""

    def __init__(self, program, directory, seed, every):
        self.program, self.directory, self.every = program, directory, every
        self.workload = ["--acts", str(ACTS), "--seed", str(seed), "--inline"]

    def traced(self, path, more=()):
        return ["strace", "-f", "-y", "-s", "0", "-o", path, *more]


def calls(trace, store):
    """Each call on the store: (its name, its number among all of that name)."""
    numbers = collections.Counter()
    found = []
    with open(trace) as file:
        for line in file:
            name = CALL.match(line)
            if not name or name[1] in IGNORED:
                continue
            numbers[name[1]] += 1
            if store in line or "MADV_POPULATE_WRITE" in line:
                found.append((name[1], numbers[name[1]]))
    return found


def durable_before(lines):
    """The act that was synced when the last of these lines failed: the one that had begun, where its last sync was
    of another file. What failed then is a log that is prepared for the next one."""
    act = synced = None
    for line in lines:
        begun = re.search(r"write\(1.* begun (\d+)", line)
        if begun:
            act, synced = begun[1], None
        sync = re.search(r"fdatasync\(\d+<([^>]*)>\)\s+= 0", line)
        if sync:
            synced = sync[1]
    failed = re.search(r"fdatasync\(\d+<([^>]*)>", lines[-1]) if lines else None
    return act if failed and synced and synced != failed[1] else None


class Attempt:
    """One process with one fault, in a directory of its own."""

    def __init__(self, setting, call, number, way):
        self.setting, self.call, self.way = setting, call, way
        self.what = f"{call} {number}, {way}, {' '.join(setting.workload)}"
        self.fault = f"{call}:" + WAYS[way].format(number)
        # A call that is made to fail is not done.
        self.more = ["--unclosed"] if call == "close" else []
        self.directory = tempfile.mkdtemp(prefix="varve-inject-", dir=setting.directory)
        # Names of equal length, so that processes do the same.
        self.store = os.path.join(self.directory, "store")
        self.trace = os.path.join(self.directory, "trace")

    @property
    def wrap(self):
        # What the process says is in the trace as well, to be seen beside the fault.
        return self.setting.traced(
            self.trace, ["-s", "32", "-e", f"trace={self.call},write", "--inject", self.fault])

    @property
    def may_end(self):
        if self.way == "SIGKILL":
            return (DONE, -9)
        return (DONE,) if self.way == "EINTR once" else (DONE, FAILURE)

    def was_met(self):
        """Whether the fault met a call on the store, and none of the process's own start."""
        with open(self.trace) as file:
            hits = [line for line in file if "INJECTED" in line or "killed by SIGKILL" in line]
        own = (self.store, "MADV_POPULATE_WRITE", "killed by SIGKILL")
        return bool(hits) and any(word in hits[0] for word in own)

    def written(self):
        """A writer meets the fault: (what it ended with, the judgement)."""
        setting = self.setting
        writer = Writer(setting.program, self.store, setting.workload, wrap=self.wrap, more=self.more)
        code = writer.ended()
        check_ending(code, f"{self.what}: {writer.complaints}", self.may_end)
        judge(setting.program, self.store, setting.workload, writer.done, writer.begun)
        if self.call == "fdatasync" and self.way.endswith("for good"):
            self.check_silence()
        return code

    def check_silence(self):
        """No commit was acknowledged as synced after all syncs failed, but for one that was durable before."""
        with open(self.trace) as file:
            lines = file.readlines()
        first = next((number for number, line in enumerate(lines) if "INJECTED" in line), len(lines))
        durable = durable_before(lines[:first + 1])
        for line in lines[first:]:
            done = re.search(r"write\(1.* done (\d+) synced", line)
            if done and done[1] != durable:
                raise Violation(f"acknowledged after a failed sync: {line.strip()}")

    def recovered(self, crashed, progress):
        """A recovery meets the fault."""
        setting = self.setting
        shutil.copytree(crashed, self.store)
        code, _, said = judge(
            setting.program, self.store, setting.workload, *progress, wrap=self.wrap,
            more=["--unverified", *self.more], may_be=self.may_end)
        if "violation" in said:
            raise Violation(f"{self.what}: {said}")
        judge(setting.program, self.store, setting.workload, *progress)
        return code

    def result(self, act):
        """(met a call of the store, ended with an error, violation)."""
        try:
            code = act(self)
            return self.was_met(), code == FAILURE, None
        except Violation as violation:
            return True, False, f"{self.what}: {violation}"
        finally:
            shutil.rmtree(self.directory)


def crashed_store(setting, directory):
    """A store whose writer was killed late: (its path, from which to which act)."""
    store = os.path.join(directory, "store")
    writer = Writer(setting.program, store, setting.workload)
    while True:
        words = writer.wait_for("done")
        if words is None or writer.done >= ACTS - 3:
            break
    writer.kill()
    return store, (writer.done, writer.begun)


def attempts(setting, trace, store):
    """What to try: every n-th of all calls, in all ways."""
    # Large buffers are mapped as well, and those of a sanitizer: a process that gets no memory ends.
    every = [(call, number, way) for call, number in calls(trace, store) for way in WAYS
             if (way != "EINTR once" or call in INTERRUPTED)
             and not (call == "mmap" and way.endswith("for good"))]
    return every[::setting.every]


def rows_of(setting, kind, every, act, violations):
    """Tries everything, two at a time; a row for each call."""
    rows, ways = {}, collections.Counter()
    lock = threading.Lock()

    def one(what):
        met, failed, violation = Attempt(setting, *what).result(act)
        with lock:
            row = rows.setdefault(
                what[0], {"process": kind, "call": what[0], "runs": 0, "faults": 0, "errors": 0, "killed": 0,
                          "missed": 0})
            row["runs"] += 1
            is_fault = met and what[2].startswith(("EIO", "ENOSPC"))
            row["faults"] += is_fault
            row["errors"] += is_fault and failed
            row["killed"] += met and what[2] == "SIGKILL"
            row["missed"] += not met
            ways[what[2]] += met
            if violation:
                violations.append(violation)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, every))
    rows = [rows[name] for name in sorted(rows)]
    violations += nothing_met(kind, rows, {what[2]: ways[what[2]] for what in every}, len(every))
    return rows


def nothing_met(kind, rows, ways, runs):
    """What was tried and never happened; each is a violation. A few runs may meet anything, or nothing."""
    if not rows:
        yield f"{kind}: no call was found to let fail"
    if runs < ENOUGH_RUNS:
        return
    for row in rows:
        if row["missed"] == row["runs"]:
            yield f"{kind}, {row['call']}: no fault was met in {row['runs']} runs"
        elif row["faults"] >= ENOUGH_FAULTS and not row["errors"] and row["call"] not in MADE_UP_FOR:
            yield f"{kind}, {row['call']}: nobody was told of {row['faults']} faults"
        elif row["call"] == "fsync" and row["errors"] < row["faults"]:
            # Of directories: nobody makes up for a name that may not last.
            yield f"{kind}, fsync: of {row['faults']} faults {row['errors']} were told of"
    for way, met in ways.items():
        if not met:
            yield f"{kind}, {way}: no fault was met"
    if rows and not sum(row["errors"] for row in rows):
        yield f"{kind}: no fault was told of"


def run(program, directory, seed, every):
    """The whole campaign in a directory; figures."""
    setting = Setting(program, directory, seed, every)
    violations = []
    with tempfile.TemporaryDirectory(prefix="varve-inject-", dir=directory) as place:
        trace, store = os.path.join(place, "trace"), os.path.join(place, "store")
        Writer(program, store, setting.workload, wrap=setting.traced(trace)).ended()
        rows = rows_of(
            setting, "writer", attempts(setting, trace, store), Attempt.written, violations)
        shutil.rmtree(store)
        store, progress = crashed_store(setting, place)
        copy = os.path.join(place, "copy")
        shutil.copytree(store, copy)
        judge(program, copy, setting.workload, *progress, wrap=setting.traced(trace),
              more=["--unverified"])
        rows += rows_of(
            setting, "recovery", attempts(setting, trace, copy),
            lambda attempt: attempt.recovered(store, progress), violations)
    return {
        "seed": seed, "acts": ACTS, "every n-th": every,
        "runs": sum(row["runs"] for row in rows), "errors": sum(row["errors"] for row in rows),
        "killed": sum(row["killed"] for row in rows), "missed": sum(row["missed"] for row in rows),
        "violations": len(violations), "first violations": violations[:5], "by call": rows}
