"""Puts the figures that campaigns left in .soak into RELIABILITY.md, between its marks, and counts what was found."""

import json
import os
import re

import planted_bugs

FIGURES = ("<!-- figures: written by tools/soak report -->", "<!-- end of figures -->")
TOTALS = ("<!-- totals: written by tools/soak report -->", "<!-- end of totals -->")
KINDS = ("lost", "wrong", "untold", "guard", "error", "ended", "waste", "harness", "not ours")
HARNESSES = (
    "bucket", "crash", "disks", "faults", "fuzz", "inject", "kill", "model", "sweep", "syncs", "takeover", "threads")


def table(rows):
    """Rows of equal dictionaries as a table in Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(cell(row.get(name, 0)) for name in names) + " |" for row in rows]
    return lines


def cell(value):
    if value is True or value is False:
        return "yes" if value else "no"
    # A line or a bar would end the cell.
    return f"{value:,}" if isinstance(value, int) else (
        " ".join(str(value).split("\n")).replace(" | ", " / ") if value is not None else "none")


def read_cell(text):
    """What a cell was made of."""
    if text in ("yes", "no"):
        return text == "yes"
    return int(text.replace(",", "")) if re.fullmatch(r"\d{1,3}(,\d{3})*", text) else text


def told(root, campaign, title):
    """The rows of one of a campaign's tables in RELIABILITY.md; none where there is no such table."""
    with open(os.path.join(root, "RELIABILITY.md")) as file:
        section = kept(file.read().split(FIGURES[1], 1)[0]).get(campaign, "")
    found = re.search(rf"^{title}:\n\n((?:\|.*\n)+)", section, re.M)
    cells = [line[2:-2].split(" | ") for line in found.group(1).splitlines()] if found else [[], []]
    rows = [dict(zip(cells[0], map(read_cell, row))) for row in cells[2:]]
    # What a row does not have is 0 in the table.
    return [{name: value for name, value in row.items() if name != "skipped" or value} for row in rows]


def section(run):
    """One campaign: how it was run, its single figures, and its tables."""
    figures = run["figures"]
    lines = [
        f"### {figures.get('campaign', 'planted')}", "",
        f"`{run['command']}` {commits(run)} on {run['date']}:", ""]
    single = [(name, value) for name, value in figures.items()
              if not isinstance(value, list) and name != "campaign"]
    lines += table([{"figure": name, "value": value} for name, value in single]) + [""]
    for name, rows in figures.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            lines += [f"{name[0].upper()}{name[1:]}:", ""] + table(rows) + [""]
        elif isinstance(rows, list) and rows:
            lines += [f"{name[0].upper()}{name[1:]}:", ""] + [f"- {row}" for row in rows] + [""]
    return lines


def commits(run):
    """When it was run: the sums of many slices tell their commits themselves."""
    own = any("commits" in row for row in run["figures"].get("by way", []))
    return "at the commits that are told by way, the last one" if own else f"at commit {run['commit']}"


def with_unlooked(figures):
    """The figures of planted bugs, and how many there are besides that no campaign has looked for yet."""
    looked = {row["bug"] for row in figures["by bug"]}
    names = [bug[0] for bug in planted_bugs.BUGS if bug[0] not in looked]
    return figures | {"not looked for yet": len(names)} | ({"not looked for": names} if names else {})


def kept(figures):
    """The sections that are there, by their campaigns."""
    parts = re.split(r"^### (.+)$", figures, flags=re.M)
    return {name: f"### {name}{text.rstrip()}\n" for name, text in zip(parts[1::2], parts[2::2])}


def totals(text):
    """How many of each kind were found by each harness, and by whom else: from the rows of the table of bugs."""
    rows = [line.split(" | ") for line in text.split(TOTALS[1], 1)[1].splitlines() if line.startswith("| ")][2:]
    if wrong := [row[0] for row in rows if len(row) != 4 or row[1] not in KINDS]:
        raise SystemExit(f"a row of the table of bugs has no kind, or not four columns: {wrong[0]}")
    found = [(harness(row[0][2:]), row[1]) for row in rows]
    lines = [{"by": by} | {kind: found.count((by, kind)) for kind in KINDS} for by in sorted({by for by, _ in found})]
    lines.append({"by": "all"} | {kind: sum(line[kind] for line in lines) for kind in KINDS})
    return table([line | {"together": sum(line[kind] for kind in KINDS)} for line in lines])


def harness(by):
    """What a row's first column names: a campaign, a test, a user, or else those who read."""
    words = re.findall(r"[a-z]+", by)
    if words[0] in ("review", "reading", "writing"):
        return "reading"
    named = [word for word in words if word in HARNESSES]
    return named[0] if named else by if by == "a user" else "a test" if by.startswith("a test") else "reading"


def between(text, marks, lines):
    """The text with other lines between two marks."""
    begin, end = marks
    if begin not in text or end not in text:
        raise SystemExit(f"RELIABILITY.md has no place for {begin}")
    before, rest = text.split(begin, 1)
    return "\n".join([before + begin, "", *lines, end]) + rest.split(end, 1)[1]


def report(root):
    """Campaigns that left nothing in .soak, on another machine perhaps, keep what is said of them."""
    path = os.path.join(root, "RELIABILITY.md")
    with open(path) as file:
        text = file.read()
    sections = kept(text.split(FIGURES[0], 1)[-1].split(FIGURES[1], 1)[0])
    folder = os.path.join(root, ".soak")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name)) as file:
            run = json.load(file)
        if "by bug" in run["figures"]:
            run["figures"] = with_unlooked(run["figures"])
        lines = section(run)
        sections.update(kept("\n".join(lines)))
    text = between(text, FIGURES, [sections[name] for name in sorted(sections)])
    text = between(text, TOTALS, [*totals(text), ""])
    with open(path, "w") as file:
        file.write(text)
