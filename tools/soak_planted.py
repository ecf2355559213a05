"""Puts the bugs of planted_bugs.py into a copy of the sources, and lets the campaigns look for them.

One build has all bugs, each behind the question whether the environment names it. So first every campaign
runs with none of them: it must find nothing. Then it runs once for each bug: found means that it ended with
1 and its figures tell of violations; whatever else happens (a trap, a hang, a harness that cannot go on) is
not found.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import planted_bugs

SWITCH = "VARVE_PLANTED_BUG"
LONGEST = 1800

SWITCH_SOURCE = f"""import Foundation

/// The number of the bug that the environment asks for.
package let plantedBug = Int(ProcessInfo.processInfo.environment["{SWITCH}"] ?? "") ?? -1
"""


def run(root, built, campaign):
    """Runs everything, or what concerns one campaign; returns the figures."""
    bugs = [(number, *bug) for number, bug in enumerate(planted_bugs.BUGS)
            if campaign in (None, bug[4][0])]
    copy = tempfile.mkdtemp()
    try:
        for part in ("Package.swift", "Sources", "Tests", "Fuzz"):
            path, target = os.path.join(root, part), os.path.join(copy, part)
            shutil.copytree(path, target) if os.path.isdir(path) else shutil.copy(path, target)
        for bug in bugs:
            plant(copy, *bug[:5])
        with open(os.path.join(copy, "Sources/VarveFormat/PlantedBug.swift"), "w") as file:
            file.write(SWITCH_SOURCE)
        return look(built(copy), bugs)
    finally:
        shutil.rmtree(copy)


def plant(copy, number, what, path, there, instead):
    path = os.path.join(copy, path)
    with open(path) as file:
        text = file.read()
    if text.count(there) != 1:
        sys.exit(f"{path} has changed: the bug has no place any more ({what})")
    text = text.replace(there, re.sub(r"\bBUG\b", f"(plantedBug == {number})", instead))
    if "/VarveFormat/" not in path and "import VarveFormat\n" not in text:
        text = "import VarveFormat\n" + text
    with open(path, "w") as file:
        file.write(text)


def look(program, bugs):
    without = [attempt(program, words, None) for words in unique(bug[5] for bug in bugs)]
    rows = [attempt(program, bug[5], bug) for bug in bugs]
    found = sum(row["found"] for row in rows)
    return {
        "bugs": len(rows), "found": found,
        "campaigns without a bug that found nothing": sum(row["clean"] for row in without),
        "of": len(without), "without a bug": without, "by bug": rows,
    }


def unique(lists):
    return [list(words) for words in dict.fromkeys(tuple(words) for words in lists)]


def attempt(program, words, bug):
    """One campaign, with a bug or without."""
    environment = dict(os.environ, **{SWITCH: str(bug[0]) if bug else ""})
    start = time.monotonic()
    try:
        done = subprocess.run(
            [program, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=environment, timeout=LONGEST)
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        code, output = None, ""
    try:
        figures = json.loads(output)
    except ValueError:
        figures = {}
    # A sweep tells of each of its parts by itself.
    counts = [count for name, count in figures.items() if name.split(" ")[0] == "violations"]
    violations = sum(counts) if counts else -1
    row = {"bug": bug[1]} if bug else {}
    row["campaign"] = " ".join(words)
    if bug:
        row["found"] = code == 1 and violations > 0
    else:
        row["clean"] = code == 0 and violations == 0
    row["violations"] = violations if violations >= 0 else f"none told; ended with {code}"
    row["seconds"] = round(time.monotonic() - start)
    if bug:
        told = [list_ for name, list_ in figures.items() if name.startswith("first violations")]
        row["first"] = (sum(told, []) or ["none"])[0]
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row
