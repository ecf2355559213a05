"""tools/soak disks: many processes want one store at once.

All say what they do on one pipe, in whose order it happened: between "opened" and "closing" of one there
must be no "opened" of another. Half of them wait for their turn, go on where the one before has stopped,
and let go after some acts; the others try once, and are told that the store is locked.
"""

import os
import shutil
import subprocess
import tempfile

from soak_writer import DONE, ENVIRONMENT, FAILURE, SECONDS, Violation, check_ending, judge

PROCESSES = 8
TURN = 6
ACTS = PROCESSES // 2 * TURN


class Fight:
    """One store that many processes want."""

    def __init__(self, program, store, seed):
        self.program, self.store = program, store
        self.workload = ["--acts", str(ACTS), "--seed", str(seed), "--held"]
        self.holder = None
        self.done = 0
        self.refused = 0

    def run(self):
        """Lets all of them loose; how many were told that the store is locked."""
        reading, writing = os.pipe()
        fighters = {}
        for number in range(PROCESSES):
            words = ["--invoked", str(ACTS), "--most", str(TURN)] + ["--waits"] * (number % 2)
            child = subprocess.Popen(
                [self.program, "write", self.store, *self.workload, *words], stdout=writing,
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT)
            fighters[child] = number % 2
        os.close(writing)
        try:
            with open(reading) as lines:
                for line in lines:
                    self.understand(*line.split(None, 2))
        except Violation:
            for child in fighters:
                child.kill()
                child.wait()
            raise
        for child, waits in fighters.items():
            complaint = child.communicate(timeout=SECONDS)[1]
            check_ending(child.returncode, f"{self.workload}, fighting: {complaint}",
                         (DONE,) if waits else (DONE, FAILURE))
        judge(self.program, self.store, self.workload, self.done, self.done)
        return self.refused

    def understand(self, process, verb, rest=""):
        if verb == "opened":
            if self.holder:
                raise Violation(f"two processes have the store at once: {self.workload}")
            self.holder = process
        elif verb == "closing":
            self.holder = None
        elif verb == "done":
            self.done = max(self.done, int(rest.split()[0]))
        elif verb == "violation":
            raise Violation(f"{rest} ({self.workload}, fighting)")
        elif verb == "failed":
            if not rest.startswith("locked"):
                raise Violation(f"a second opener is told: {rest}")
            self.refused += 1


def run(program, seed, rounds):
    """Fight after fight; a row of figures."""
    row = {"disk": "any", "case": "lock", "runs": 0, "told that it is locked": 0}
    directory = tempfile.mkdtemp(prefix="varve-lock-")
    try:
        for number in range(rounds):
            fight = Fight(program, os.path.join(directory, f"store-{number}"), seed + number)
            row["told that it is locked"] += fight.run()
            row["runs"] += 1
    finally:
        shutil.rmtree(directory)
    return row
