# SPDX-License-Identifier: Apache-2.0
"""Histories: what clients, operators and the nemesis saw, one JSON object a line (README.md has the members).

A recorder stands beside a client and never in the program under test. All times are microseconds of the recording
machine's CLOCK_BOOTTIME, which every process and every network namespace of a machine shares and no skewed wall clock
moves.
"""
import json
import threading
import time

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"


def now_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class Recorder:
    """Writes one file; may be used by several threads. `close` is the proof that nothing is missing behind."""

    def __init__(self, folder, name):
        self.name = name
        self._file = open(folder / f"history-{name}.jsonl", "w", encoding="ascii", buffering=1 << 16)
        self._lock = threading.Lock()
        self._records = 0

    def record(self, kind, **members):
        line = json.dumps({"k": kind, **members}, separators=(",", ":"))
        with self._lock:
            self._file.write(line + "\n")
            self._records += 1

    def close(self):
        with self._lock:
            self._file.write(json.dumps({"k": "close", "records": self._records}) + "\n")
            self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def longest_pause(moments, begin, end):
    """Since and until when nothing happened for longest, of all pauses that begin..end has a part of. A pause that has
    not ended is one: it lasts until `end` at least."""
    moments = sorted(moment for moment in moments if moment < end)
    before = [moment for moment in moments if moment <= begin][-1:] or [begin]
    at = before + [moment for moment in moments if moment > begin] + [end]
    return max(zip(at, at[1:]), key=lambda pause: pause[1] - pause[0])


class Broken(Exception):
    """A history that nobody can vouch for."""


class Record:
    """One line and where it stands; members by name, None for those it does not have."""

    __slots__ = ("file", "line", "members")

    def __init__(self, file, line, members):
        self.file, self.line, self.members = file, line, members

    def __getattr__(self, name):
        return self.members.get(name)

    def __str__(self):
        text = json.dumps(self.members, separators=(",", ":"))
        return f"{self.file}:{self.line}: {text if len(text) < 400 else text[:400] + '...'}"


def _parse(file, number, text):
    try:
        members = json.loads(text)
        record = Record(file.name, number, members)
        if not isinstance(members, dict) or not isinstance(record.k, str):
            raise ValueError("not a record")
        if record.start is not None and record.end is not None and record.start > record.end:
            raise ValueError("it ends before it starts")
    except ValueError as error:
        raise Broken(f"{file.name}:{number}: {error}") from error
    return record


def read(folder):
    """All records of a folder's histories. Broken: none there, a line that cannot be read, a file without its end."""
    files = sorted(folder.glob("history-*.jsonl"))
    if not files:
        raise Broken(f"there are no histories in {folder}")
    records = []
    for file in files:
        with open(file, encoding="utf-8", errors="replace") as lines:
            mine = [_parse(file, number, text) for number, text in enumerate(lines, 1)]
        if not mine or mine[-1].k != "close" or mine[-1].records != len(mine) - 1:
            raise Broken(f"{file.name}: its end is missing")
        records += mine[:-1]
    return records
