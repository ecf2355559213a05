"""What fuzz campaigns did in all: .soak/fuzz.json, from which tools/soak report makes its tables.

One row for each target and way, and their sums by target. Written after each run, so that a campaign that is
broken off keeps what it had done, and the next one goes on from there. Where there is no such file yet, on another
machine, it begins with what RELIABILITY.md says.
"""
import json
import os
import re
import subprocess
import threading
import time


def reported(path):
    """The rows of the table by way that a report wrote."""
    with open(path) as file:
        found = re.search(r"^### fuzz$.*?^By way:$(.*?)^#", file.read(), re.M | re.S)
    lines = [[cell.strip() for cell in line.strip("|").split("|")]
             for line in (found[1] if found else "").splitlines() if line.startswith("|")]
    return [{name: int(cell.replace(",", "")) if re.fullmatch(r"[\d,]+", cell) and name != "commits" else cell
             for name, cell in zip(lines[0], cells)} for cells in lines[2:]]


class Totals:
    def __init__(self, root):
        self.root = root
        self.path = os.path.join(root, ".soak", "fuzz.json")
        self.lock = threading.Lock()
        self.rows = []
        if os.path.exists(self.path):
            with open(self.path) as file:
                self.rows = json.load(file)["figures"]["by way"]
        else:
            self.rows = reported(os.path.join(root, "RELIABILITY.md"))
        self.commit = subprocess.run(
            ["git", "-C", root, "describe", "--always", "--dirty"], capture_output=True,
            text=True).stdout.strip()

    def of(self, target, name, way=None):
        """A figure of a target, in one way or all of them together."""
        with self.lock:
            return sum(row[name] for row in self.rows
                       if row["target"] == target and way in (None, row["way"]))

    def add(self, run, command):
        """Counts one more run, and keeps the file."""
        with self.lock:
            row = next((row for row in self.rows
                        if (row["target"], row["way"]) == (run.target, run.way)), None)
            if row is None:
                row = {"target": run.target, "way": run.way, "executions": 0, "processor seconds": 0,
                       "edges": 0, "findings": 0, "commits": ""}
                self.rows.append(row)
            row["executions"] += run.executions
            row["processor seconds"] += max(1, round(run.seconds))
            row["edges"] = max(row["edges"], run.edges)
            row["findings"] += run.failed
            commits = row["commits"].split() + [self.commit]
            row["commits"] = " ".join(dict.fromkeys(commits))
            self.write(command)

    def write(self, command):
        names = sorted({row["target"] for row in self.rows})
        sums = [{"target": name, **{figure: sum(row[figure] for row in self.rows if row["target"] == name)
                                    for figure in ("executions", "processor seconds", "findings")}}
                for name in names]
        figures = {
            "campaign": "fuzz", "targets": len(names),
            **{figure: sum(row[figure] for row in sums)
               for figure in ("executions", "processor seconds", "findings")},
            "by target": sums, "by way": sorted(self.rows, key=lambda row: (row["target"], row["way"]))}
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        # Beside it first: what is broken off here must not cost the earlier totals.
        with open(self.path + "-new", "w") as file:
            json.dump({"command": command, "commit": self.commit, "date": time.strftime("%Y-%m-%d"),
                       "figures": figures}, file, indent=1)
        os.replace(self.path + "-new", self.path)
