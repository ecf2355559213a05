"""tools/soak disks: stores on real file systems that are full, shared, read-only, broken or wanted by many.

Each case is a module: soak_full, soak_broken, soak_lock. Every case on every kind of disk is a row of
figures; what a machine cannot do is a row that says why. A row in which what the case is about never happened
(no disk was full, no writer failed) is a violation: it has shown nothing.
"""

import os
import shutil

import soak_broken
import soak_full
import soak_lock
import soak_mounts
from soak_writer import Violation

# What must have happened in each case, or it has shown nothing.
HAPPENS = {
    "full, by itself": ["full"], "full, at once": ["full"], "read-only": ["refused"],
    "shut down": ["failed", "acknowledged before"], "thin": ["failed", "acknowledged before"],
    "error": ["failed", "acknowledged before"], "lock": ["told that it is locked"],
}


def cases(program, rounds, seed):
    """(kind of disk, case, why it cannot be done, what does it), of all there are."""
    for kind in soak_mounts.KINDS:
        no = soak_mounts.missing(kind)
        for way in ("by itself", "at once"):
            yield kind, f"full, {way}", no, repeated(
                soak_full.run, rounds, program, kind, seed, way)
        yield kind, "read-only", no, repeated(soak_broken.read_only, 1, program, kind, seed)
        if kind in soak_broken.SHUT_DOWN:
            yield (kind, "shut down", no or missing("xfs_io"), repeated(
                soak_broken.cut, 1, program, kind, seed, rounds * 10))
        if kind != "tmpfs":
            yield kind, "thin", no, repeated(soak_broken.thin, 1, program, kind, seed, rounds * 2)
    no = soak_mounts.missing("ext4") or missing("e2fsck") or soak_broken.no_errors()
    yield "ext4", "error", no, repeated(soak_broken.found_error, 1, program, seed, rounds)
    yield "any", "lock", None, repeated(soak_lock.run, 1, program, seed, rounds * 10)


def names():
    """What a part of the campaign can be called: the kinds of disks, and the cases."""
    return sorted({*soak_mounts.KINDS, "any", *HAPPENS})


def sample(program, seed):
    """Some of each, for less than half a minute."""
    no = soak_mounts.missing("xfs")
    yield "xfs", "full, at once", no, lambda: soak_full.run(
        program, "xfs", seed, "at once", ["filling", "stream"])
    no = soak_mounts.missing("tmpfs")
    yield "tmpfs", "full, by itself", no, lambda: soak_full.run(program, "tmpfs", seed, "by itself", ["filling"])
    no = soak_mounts.missing("ext4")
    yield "ext4", "thin", no, lambda: soak_broken.thin(program, "ext4", seed, 1)
    yield "ext4", "read-only", no, lambda: soak_broken.read_only(program, "ext4", seed)
    yield "any", "lock", None, lambda: soak_lock.run(program, seed, 3)


def missing(tool):
    return None if shutil.which(tool) else f"{tool} is not installed"


def repeated(act, rounds, program, *words):
    """The sum of a case's rows, each from a seed of its own."""
    def run():
        total = {}
        for number in range(rounds):
            own = [word + number if isinstance(word, int) and index == seed_index else word
                   for index, word in enumerate(words)]
            for name, value in act(program, *own).items():
                total[name] = value if isinstance(value, str) else total.get(name, 0) + value
        return total
    seed_index = next(index for index, word in enumerate(words) if isinstance(word, int))
    return run


def run(program, rounds, seed, only, tell):
    """All cases, or those whose kind or case is named; figures."""
    chosen = [case for case in cases(program, rounds, seed) if not only or only in case[:2]]
    return {"campaign": "disks", "seed": seed, "rounds": rounds} | figures(chosen, tell)


def check_happened(row):
    """Raises where nothing came of a case."""
    wanted = list(HAPPENS[row["case"]])
    if row["case"] == "full, at once" and row["disk"] in soak_mounts.REFLINKS:
        wanted.append("copies")
    never = [name for name in wanted if not row[name]]
    if never:
        raise Violation(f"in {row['runs']} runs never: {', '.join(never)}")


def figures(chosen, tell):
    """What came of these cases."""
    rows, violations = [], []
    for kind, case, reason, act in chosen:
        row = {"disk": kind, "case": case}
        if reason:
            row["skipped"] = reason
        else:
            try:
                row = act()
                check_happened(row)
            except (Violation, OSError) as violation:
                violations.append(f"{kind}, {case}: {violation}")
                row["violated"] = True
        tell(row)
        rows.append(row)
    return {
        "kernel": os.uname().release, "cases": len(rows),
        "skipped": sum("skipped" in row for row in rows),
        "runs": sum(row.get("runs", 0) for row in rows),
        "violations": len(violations), "first violations": violations[:5], "by case": rows}
