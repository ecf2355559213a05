"""A process that writes to a real store (VarveSoak write), watched, and the judgement of what it left.

The watcher knows what was acknowledged, since each line of the process is one write to a pipe: whatever
ends the process, the store must hold the state after some act between the last that was done and the last
that was begun.
"""

import fcntl
import os
import queue
import re
import signal
import subprocess
import termios
import threading
import time

# Longer than any act may take, on a busy machine and under a sanitizer.
SECONDS = 120
ENVIRONMENT = dict(os.environ, SWIFT_BACKTRACE="enable=no", ASAN_OPTIONS="detect_leaks=0")

DONE, VIOLATION, USAGE, FAILURE = range(4)


class Violation(Exception):
    """A promise was broken; says which, and what repeats it."""


def check_ending(code, what, may_be=(DONE, FAILURE)):
    """Raises where a process ended in a way in which none may."""
    if code not in may_be:
        ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise Violation(f"{what}: ended with {ended}")


class Writer:
    """A running `VarveSoak write`."""

    def __init__(self, program, store, workload, durable=0, invoked=0, wrap=(), more=()):
        self.words = [*workload, "--durable", str(durable), "--invoked", str(invoked), *more]
        self.begun, self.done, self.durable = invoked, durable, durable
        # After how many acts the bucket has everything for certain.
        self.put = 0
        self.failures = []
        self.violation = None
        self.lines = queue.Queue()
        self.process = subprocess.Popen(
            [*wrap, program, "write", store, *self.words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.complaints = []
        self.listener = threading.Thread(
            target=lambda: self.complaints.append(self.process.stderr.read()))
        self.listener.start()

    def read(self):
        for line in self.process.stdout:
            # A line that the end of the process cut off says nothing.
            if line.endswith(b"\n"):
                self.understand(line.decode().split(None, 1)[1].strip())
        self.lines.put(None)

    def understand(self, words):
        verb, _, rest = words.partition(" ")
        if verb == "begun":
            self.begun = int(rest)
        elif verb == "opened":
            # What was found is there again after every end of a process.
            self.begun = self.done = int(rest)
        elif verb == "done":
            number, how = rest.split()
            self.done = int(number)
            if how != "buffered":
                self.durable = self.done
        elif verb == "put":
            self.put = int(rest)
        elif verb == "failed":
            self.failures.append(rest)
        elif verb == "violation":
            self.violation = rest
        self.lines.put(words)

    def wait_for(self, *verbs):
        """The next line that begins with one of these words; None where the process ends before."""
        while True:
            try:
                words = self.lines.get(timeout=SECONDS)
            except queue.Empty:
                self.process.kill()
                raise Violation(f"hangs after act {self.begun} was begun: {self.words}") from None
            if words is None or words.split()[0] in verbs:
                return words

    def answer(self, word):
        """Tells the process that it may go on ("go"), or not."""
        try:
            self.process.stdin.write(word.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass

    def ended(self):
        """Waits for the end, which a signal of the process's own must not be: its exit code."""
        while self.wait_for("closed") is not None:
            pass
        return self.collected()

    def kill(self):
        self.process.kill()
        return self.collected()

    def collected(self):
        try:
            code = self.process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Violation(f"hangs: {self.words}") from None
        self.reader.join()
        self.listener.join()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        if self.violation:
            raise Violation(f"{self.violation} ({' '.join(self.words)})")
        return code

    def settle(self):
        """Waits until all was read that a process that stands still has said."""
        unread = bytearray(4)
        while True:
            fcntl.ioctl(self.process.stdout.fileno(), termios.FIONREAD, unread)
            if not any(unread):
                # The reader may hold the last line in its hands.
                time.sleep(0.05)
                return
            time.sleep(0.001)

    def stopped_while(self, act):
        """Does something while no thread of the process runs: it sees what a kill would leave."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            return act()
        finally:
            self.process.send_signal(signal.SIGCONT)


def judge(program, store, workload, durable, invoked, wrap=(), more=(), may_be=(DONE,)):
    """Asks a new process about the store: (exit code, the state that it found, what it said)."""
    words = [*workload, "--durable", str(durable), "--invoked", str(invoked), *more]
    try:
        ran = subprocess.run(
            [*wrap, program, "judge", store, *words], capture_output=True, text=True, env=ENVIRONMENT,
            timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Violation(f"judging hangs: {words}") from None
    said = ran.stdout.strip()
    if ran.returncode not in may_be:
        check_ending(ran.returncode, f"{said} {ran.stderr.strip()[-300:]} {' '.join(words)}", may_be)
    found = re.search(r"^\d+ state (\d+)$", said, re.M)
    return ran.returncode, int(found[1]) if found else None, said
