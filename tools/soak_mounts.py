"""Small file systems of their own for tools/soak disks: made, filled to the brim, broken, and gone
afterwards, whatever happens between.

A file system lies in a sparse file behind a loop device, which goes by itself with the mount.
"""

import errno
import functools
import os
import shutil
import subprocess
import tempfile
import time

MEBIBYTE = 1 << 20
# What makes them, their sizes in MiB, how they are mounted. ext4 without extents cannot reserve room. Nothing is set
# aside for root, whose processes these are: they would have it, and never meet a full disk.
KINDS = {
    "ext4": (["mkfs.ext4", "-q", "-F", "-m", "0"], 96, ["-o", "loop"]),
    "ext4 without extents": (
        ["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^extent,^64bit"], 96, ["-o", "loop"]),
    "xfs": (["mkfs.xfs", "-q", "-f", "-m", "reflink=1"], 320, ["-o", "loop"]),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], 256, ["-o", "loop"]),
    "tmpfs": (None, 96, ["-t", "tmpfs", "-o", "size=96m"]),
}
THIN_MEBIBYTES = 192
REFLINKS = {"xfs", "btrfs"}


def missing(kind):
    """Why there is no such file system here; None where there is."""
    if os.geteuid() != 0:
        return "mounting needs root"
    make = KINDS[kind][0]
    if make and not shutil.which(make[0]):
        return f"{make[0]} is not installed"
    with open("/proc/filesystems") as known:
        if kind.split()[0] not in known.read().split():
            return f"this kernel does not know {kind}"
    if make and not os.path.exists("/dev/loop-control"):
        return "there are no loop devices"
    return refusal(kind)


@functools.cache
def refusal(kind):
    """What this machine says when such a file system is mounted; None where it does it. Root in a container
    is told that it has all it needs, and then may not."""
    try:
        with Disk(kind):
            return None
    except OSError as error:
        return str(error)


def call(*words):
    ran = subprocess.run(words, capture_output=True, text=True)
    if ran.returncode:
        raise OSError(f"{' '.join(words)}: {ran.stderr.strip()}")
    return ran.stdout.strip()


def is_mounted(path):
    """Asks the kernel and not the file system, which may be broken."""
    with open("/proc/mounts") as mounts:
        return any(line.split()[1] == path for line in mounts)


def patiently(*words):
    """Calls again and again: the kernel may not have let go yet of what a process had that is gone."""
    for _ in range(50):
        try:
            return call(*words)
        except OSError:
            time.sleep(0.1)
    return call(*words)


class Disk:
    """A mounted file system; `path` is its root. A thin one has a device whose room can be taken."""

    def __init__(self, kind, options="", is_thin=False):
        self.kind = kind
        self.make, self.size, self.mounting = KINDS[kind]
        if options:
            self.mounting = [*self.mounting[:-1], f"{self.mounting[-1]},{options}"]
        self.directory = tempfile.mkdtemp(prefix="varve-disk-")
        self.path = os.path.join(self.directory, "mounted")
        self.behind = os.path.join(self.directory, "behind") if is_thin else None
        self.image = os.path.join(self.behind or self.directory, "image") if self.make else "none"

    def __enter__(self):
        try:
            os.mkdir(self.path)
            if self.behind:
                os.mkdir(self.behind)
                call("mount", "-t", "tmpfs", "-o", f"size={THIN_MEBIBYTES}m", "none", self.behind)
            if self.make:
                with open(self.image, "wb") as file:
                    file.truncate(self.size * MEBIBYTE)
                call(*self.make, self.image)
            self.mount()
        except OSError:
            self.clear()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.unmount()
        finally:
            self.clear()

    def clear(self):
        if self.behind and is_mounted(self.behind):
            call("umount", "--lazy", self.behind)
        shutil.rmtree(self.directory)

    def take_device(self):
        """From now on the device takes nothing that was never written before."""
        with open(os.path.join(self.behind, "taken"), "wb") as file:
            try:
                while file.write(bytes(MEBIBYTE)):
                    file.flush()
            except OSError:
                pass

    def give_device(self):
        os.remove(os.path.join(self.behind, "taken"))

    def mount(self):
        patiently("mount", *self.mounting, self.image, self.path)
        if self.behind:
            # A loop device takes a short write for a whole one: so let each be one page.
            with open(f"/sys/block/{self.device}/queue/max_sectors_kb", "w") as most:
                most.write("4")

    def unmount(self):
        if not is_mounted(self.path):
            return
        try:
            patiently("umount", self.path)
        except OSError:
            call("umount", "--lazy", self.path)
            raise

    @property
    def device(self):
        """The loop device's name."""
        return os.path.basename(call("findmnt", "-n", "-o", "SOURCE", self.path))


class Ballast:
    """Files that take the room of a disk until they are removed."""

    def __init__(self, disk):
        self.directory = os.path.join(disk.path, "ballast")
        os.mkdir(self.directory)
        self.pieces = []

    def add(self, count):
        """Takes `count` bytes; False where there is no more room."""
        path = os.path.join(self.directory, str(len(self.pieces)))
        try:
            with open(path, "wb") as file:
                self.pieces.append(path)
                os.posix_fallocate(file.fileno(), 0, count)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return False
        return True

    def leave(self, room, pieces):
        """Leaves so much room, and as many pieces of an eighth of that to give back."""
        status = os.statvfs(self.directory)
        free = status.f_bavail * status.f_bsize
        if free > room + pieces * room // 8:
            self.add(free - room - pieces * room // 8)
        for _ in range(pieces):
            self.add(room // 8)

    def fill(self):
        """Takes all that there is, down to the last block."""
        for size in (8 * MEBIBYTE, MEBIBYTE, 64 << 10, 4 << 10):
            while self.add(size):
                pass

    def give(self):
        """Gives one piece back; False where there is none."""
        if not self.pieces:
            return False
        path = self.pieces.pop()
        if os.path.exists(path):
            os.remove(path)
        return True

    def remove(self):
        while self.give():
            pass
        # btrfs gives room back with its next transaction.
        os.sync()
