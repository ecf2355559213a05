"""Puts the bugs of planted_bugs.py into a copy of the sources, and lets the campaigns look for them.

One build has all bugs, each behind the question whether the environment names it. So first every campaign
runs with none of them: it must find nothing. Then it runs once for each bug: found means that it ended with
1 and its figures tell of violations; whatever else happens (a trap, a hang, a harness that cannot go on) is
not found. What a machine cannot do at all is skipped, with the reason. Of a fuzzer, which has a build of its
own, a crash is what is looked for.
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
# Campaigns of real processes: VarveSoak is what they run.
REAL = {"kill", "inject", "disks"}

SWITCH_SOURCE = f"""import Foundation

/// The number of the bug that the environment asks for.
package let plantedBug = Int(ProcessInfo.processInfo.environment["{SWITCH}"] ?? "") ?? -1
"""


# The same for a file in C, before it says what its headers are to declare.
SWITCH_IN_C = f"""extern char *getenv(const char *);
extern int atoi(const char *);
static int planted_bug(void) {{
  const char *number = getenv("{SWITCH}");
  return number ? atoi(number) : -1;
}}
#define plantedBug planted_bug()
"""


def run(root, built, campaign, text):
    """Runs everything, or what concerns one campaign, or the bugs with a text in their names; returns the figures."""
    bugs = [(number, *bug) for number, bug in enumerate(planted_bugs.BUGS)
            if campaign in (None, bug[4][0]) and (text or "") in bug[0]]
    if not bugs:
        sys.exit("there is no such bug")
    copy = tempfile.mkdtemp()
    try:
        for part in ("Package.swift", "Sources", "Tests", "Fuzz", "tools", "format-spec", "RELIABILITY.md"):
            path, target = os.path.join(root, part), os.path.join(copy, part)
            shutil.copytree(path, target) if os.path.isdir(path) else shutil.copy(path, target)
        for bug in bugs:
            plant(copy, *bug[:5])
        with open(os.path.join(copy, "Sources/VarveFormat/PlantedBug.swift"), "w") as file:
            file.write(SWITCH_SOURCE)
        # Of the fuzzers each campaign builds its own.
        needs_program = any(bug[5][0] != "fuzz" for bug in bugs)
        return look(copy, built(copy) if needs_program else None, bugs)
    finally:
        shutil.rmtree(copy)


def plant(copy, number, what, path, there, instead):
    path = os.path.join(copy, path)
    with open(path) as file:
        text = file.read()
    pairs = [(there, instead)] if isinstance(there, str) else list(zip(there, instead))
    for there, instead in pairs:
        if text.count(there) != 1:
            sys.exit(f"{path} has changed: the bug has no place any more ({what})")
        text = text.replace(there, re.sub(r"\bBUG\b", f"(plantedBug == {number})", instead))
    if path.endswith(".c"):
        text = SWITCH_IN_C + text
    elif "/VarveFormat/" not in path and "import VarveFormat\n" not in text:
        text = "import VarveFormat\n" + text
    with open(path, "w") as file:
        file.write(text)


def look(copy, program, bugs):
    without = [attempt(copy, program, words, None) for words in unique(bug[5] for bug in bugs)]
    rows = [attempt(copy, program, bug[5], bug) for bug in bugs]
    return summed(without, rows)


def summed(without, rows):
    """All figures, from the rows of campaigns without a bug and with one."""
    # What a machine cannot do it does in neither.
    tried = [row for row in rows if "skipped" not in row]
    looked = [row for row in without if "skipped" not in row]
    return {
        "bugs": len(tried), "found": sum(row["found"] for row in tried), "skipped": len(rows) - len(tried),
        "campaigns without a bug that found nothing": sum(row["clean"] for row in looked),
        "of": len(looked), "without a bug": without, "by bug": rows,
    }


def joined(before, figures, commit):
    """The figures with the rows of other campaigns from before, but for bugs that are no more; each row says of
    which commit it is."""
    rows, known = {}, {bug[0] for bug in planted_bugs.BUGS}
    for name in ("without a bug", "by bug"):
        new = [row | {"commit": commit} for row in figures[name]]
        ran = {row["campaign"].split(" ")[0] for row in new}
        old = [row for row in before.get(name, [])
               if row["campaign"].split(" ")[0] not in ran and row.get("bug") in known | {None}]
        rows[name] = sorted(old + new, key=lambda row: row["campaign"])
    return summed(rows["without a bug"], rows["by bug"])


def unique(lists):
    return [list(words) for words in dict.fromkeys(tuple(words) for words in lists)]


def attempt(copy, program, words, bug):
    """One campaign, with a bug or without."""
    environment = dict(os.environ, **{SWITCH: str(bug[0]) if bug else ""})
    if words[0] == "fuzz" and not os.path.exists(os.path.join(copy, ".build-fuzz")):
        # Not part of what it takes to find anything.
        subprocess.run([os.path.join(copy, "tools", "fuzz"), "run", "canary", "checked", "-runs=0"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    start = time.monotonic()
    try:
        done = subprocess.run(
            command(copy, program, words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment, timeout=LONGEST)
        code, output, complaints = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        code, output, complaints = None, "", ""
    figures = fuzzed(code, complaints) if words[0] == "fuzz" else understood(output)
    # A sweep tells of each of its parts by itself.
    counts = [count for name, count in figures.items() if name.split(" ")[0] == "violations"]
    violations = sum(counts) if counts else -1
    row = {"bug": bug[1]} if bug else {}
    row["campaign"] = " ".join(words)
    if reason := skipped(figures):
        row["skipped"] = reason
    elif bug:
        row["found"] = code == 1 and violations > 0
    else:
        row["clean"] = code == 0 and violations == 0
    row["violations"] = violations if violations >= 0 else f"none told; ended with {code}"
    row["seconds"] = round(time.monotonic() - start)
    if bug or violations > 0:
        told = [list_ for name, list_ in figures.items() if name.startswith("first violations")]
        row["first"] = (sum(told, []) or [figures.get("first violation", "none")])[0]
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def command(copy, program, words):
    """What runs a campaign."""
    if words[0] == "fuzz":
        return [os.path.join(copy, "tools", "fuzz"), "campaign", *words[1:]]
    if words[0] in REAL:
        return [os.path.join(copy, "tools", "soak"), "--program", program, *words]
    return [program, *words]


def understood(output):
    try:
        return json.loads(output)
    except ValueError:
        return {}


def fuzzed(code, complaints):
    """Figures of a fuzzer: an input that ends it, or takes too much, is what is looked for."""
    found = re.findall(r"^.*(?:broken promise|ERROR: (?:Address|lib)).*$", complaints, re.M)
    if code == 0:
        return {"violations": 0}
    return {"violations": len(found), "first violations": found[:1]} if found else {}


def skipped(figures):
    """Why nothing was done; None where something was."""
    reasons = {row.get("skipped") for row in figures.get("by case", [])} or {figures.get("skipped")}
    return "; ".join(sorted(reasons)) if all(isinstance(reason, str) for reason in reasons) else None
