"""What tools/soak can be asked for."""

import argparse
import functools
import os

import planted_bugs
import soak_disks

# Campaigns of VarveSoak: how much of them, how much usually (see Campaign.swift there), and of what.
SIMULATED = [
    ("crash", "--images", 100_000, "disks to judge, about"),
    ("syncs", "--images", 150_000, "disks after which a sync counts as not missed; fewer may not show what it is for"),
    ("sweep", "--every", 1, "every so many-th damage alone"),
    ("faults", "--every", 1, "every so many-th way to fail and call alone"),
    ("model", "--operations", 2_000_000, "operations in all"),
    ("threads", "--seconds", 60, "how long"),
    ("bucket", "--schedules", 30_000, "schedules"),
    ("takeover", "--schedules", 3_000, "schedules"),
]
# What a whole campaign does: so much at least, or every so many-th of all there is at most.
WHOLE = {"kill": ("--rounds", 1000), "inject": ("--every", 1), "disks": ("--rounds", 10)} | {
    campaign: (option, usual) for campaign, option, usual, _ in SIMULATED}


def amount(word, least=1):
    """A whole number that is not less."""
    number = int(word)
    if number < least:
        raise argparse.ArgumentTypeError(f"{word} is less than {least}")
    return number


def program_file(path):
    """A program that there is."""
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{path} is no program")
    return path


def directory_there(path):
    """A directory that there is."""
    if not os.path.isdir(path):
        raise argparse.ArgumentTypeError(f"{path} is no directory")
    return path


def add_campaigns(parser):
    """Each campaign with what it takes."""
    natural = functools.partial(amount, least=0)
    natural.__name__ = amount.__name__
    campaigns = parser.add_subparsers(
        dest="campaign", required=True,
        parser_class=functools.partial(argparse.ArgumentParser, allow_abbrev=False))
    seed = dict(type=natural, default=1, help="what chance begins with (1)")

    killing = campaigns.add_parser("kill")
    killing.add_argument("--rounds", "--kills", type=amount, default=1000, help="kills in all (1000)")
    killing.add_argument("--imports", type=natural, help="how many of them are of imports (a quarter)")
    injecting = campaigns.add_parser("inject")
    injecting.add_argument("--every", type=amount, default=1, help="every so many-th call and way alone (1)")
    injecting.add_argument("--directory", type=directory_there, default="/tmp", help="where stores lie (/tmp)")
    mounting = campaigns.add_parser("disks")
    mounting.add_argument("--rounds", type=amount, default=10, help="of each case (10)")
    mounting.add_argument("--only", choices=soak_disks.names(), help="one kind of disk, or one case")
    for real_one in (killing, injecting, mounting):
        real_one.add_argument("--seed", **seed)
    campaigns.add_parser("kernels")
    remembering = campaigns.add_parser("memory")
    remembering.add_argument("--mebibytes", type=amount, default=2048, help="of each kind of entries (2048)")
    remembering.add_argument("--budget", type=amount, default=256, help="of memory, in MiB (256)")
    for campaign, option, usual, what in SIMULATED:
        simulated = campaigns.add_parser(campaign)
        simulated.add_argument(option, type=amount, help=f"{what} ({usual})")
        simulated.add_argument("--seed", type=natural, help=seed["help"])
        if campaign == "faults":
            simulated.add_argument("--only", metavar="TEXT", help="operations with this in their names")
        if campaign == "threads":
            simulated.add_argument("--sanitize", choices=["thread", "address"],
                                   help="built with this sanitizer, beside the usual build")
    planting = campaigns.add_parser("planted")
    planting.add_argument("--campaign", dest="of", choices=sorted({bug[4][0] for bug in planted_bugs.BUGS}),
                          help="bugs that this one must find")
    planting.add_argument("--only", metavar="TEXT", help="bugs with this in what they are called")
    fuzzing = campaigns.add_parser("fuzz", prefix_chars="\0")
    fuzzing.add_argument("words", nargs="*", help="see tools/fuzz --help")
    campaigns.add_parser("report")


def asked(doc):
    """The arguments of tools/soak."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--varve", type=program_file, help="the tool that is used, instead of one built here")
    parser.add_argument("--program", type=program_file, help="VarveSoak, instead of one built here")
    add_campaigns(parser)
    return parser.parse_args()


def is_part(arguments):
    """Whether less is asked for than the whole campaign."""
    if getattr(arguments, "only", None):
        return True
    option, whole = WHOLE.get(arguments.campaign, ("", 0))
    given = getattr(arguments, option.strip("-"), None) if option else None
    return given is not None and (given > whole if option == "--every" else given < whole)
