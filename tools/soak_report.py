"""Puts the figures that campaigns left in .soak into RELIABILITY.md, between its two marks."""

import json
import os
import re

MARKS = ("<!-- figures: written by tools/soak report -->", "<!-- end of figures -->")


def table(rows):
    """Rows of equal dictionaries as a table in Markdown."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(cell(row.get(name, 0)) for name in names) + " |" for row in rows]
    return lines


def cell(value):
    if value is True or value is False:
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value if value is not None else "none")


def section(run):
    """One campaign: how it was run, its single figures, and its tables."""
    figures = run["figures"]
    lines = [
        f"### {figures.get('campaign', 'planted')}", "",
        f"`{run['command']}` at commit {run['commit']} on {run['date']}:", ""]
    single = [(name, value) for name, value in figures.items()
              if not isinstance(value, list) and name != "campaign"]
    lines += table([{"figure": name, "value": value} for name, value in single]) + [""]
    for name, rows in figures.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            lines += [f"{name[0].upper()}{name[1:]}:", ""] + table(rows) + [""]
        elif isinstance(rows, list) and rows:
            lines += [f"{name[0].upper()}{name[1:]}:", ""] + [f"- {row}" for row in rows] + [""]
    return lines


def kept(figures):
    """The sections that are there, by their campaigns."""
    parts = re.split(r"^### (.+)$", figures, flags=re.M)
    return {name: f"### {name}{text.rstrip()}\n" for name, text in zip(parts[1::2], parts[2::2])}


def report(root):
    """Campaigns that left nothing in .soak, on another machine perhaps, keep what is said of them."""
    path = os.path.join(root, "RELIABILITY.md")
    with open(path) as file:
        text = file.read()
    begin, end = MARKS
    if begin not in text or end not in text:
        raise SystemExit(f"{path} has no place for figures")
    before, rest = text.split(begin, 1)
    figures, after = rest.split(end, 1)
    sections = kept(figures)
    folder = os.path.join(root, ".soak")
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as file:
            lines = section(json.load(file))
        sections.update(kept("\n".join(lines)))
    with open(path, "w") as file:
        file.write("\n".join([before + begin, "", *(sections[name] for name in sorted(sections)), end]) + after)
