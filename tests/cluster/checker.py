#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Did the cluster keep its word? Reads the histories of a run (README.md) and nothing else.

Exit status: 0 every rule was kept, 4 one was not, 3 the histories cannot be judged, 2 bad input.
"""
import argparse
import collections
import pathlib
import sys

import history
from audit_chain import AuditRules
from history import OK, REFUSED, UNKNOWN
from session_rules import SessionRules
from state_rules import StateRules

KEPT, BAD_INPUT, NOT_JUDGED, VIOLATED = 0, 2, 3, 4
MOST_SHOWN = 20
FOREVER = 1 << 62
PROMISE = ("stale_us", "outlive_us", "twins_us")


class Run:
    """The records, sorted by what they are about. The benefit of every doubt is the cluster's."""

    def __init__(self, records):
        self.records = records
        self.violations = []  # (rule, subject, what, records that show it)
        self.by_kind = collections.defaultdict(list)
        for record in records:
            self.by_kind[record.k].append(record)
        for kind in self.by_kind.values():
            kind.sort(key=lambda record: (record.start or 0, record.end or 0))
        if len(self.by_kind["run"]) != 1:
            raise history.Broken("there must be exactly one record of kind run")
        self.promise = self.by_kind["run"][0].promise or {}
        if any(not isinstance(self.promise.get(name), int) for name in PROMISE):
            raise history.Broken("the run does not say what was promised: " + ", ".join(PROMISE))
        for record in records:
            if record.k in ("op", "connect", "read") and record.outcome not in (OK, REFUSED, UNKNOWN):
                raise history.Broken(f"an outcome that is none: {record}")
        self.ops = collections.defaultdict(list)  # (act, on)
        self.ops_on = collections.defaultdict(list)
        for op in self.by_kind["op"]:
            self.ops[op.act, op.on].append(op)
            self.ops_on[op.on].append(op)

    def violate(self, rule, subject, what, *shown):
        self.violations.append((rule, subject, what, shown))

    @staticmethod
    def last_moment(op):
        """When an act had its effect at the latest: one without an answer may have it at any time."""
        return op.end if op.outcome == OK else FOREVER

    def possible(self, acts, on, after, before):
        """May one of these acts have had its effect between the two moments?"""
        return any(op.outcome != REFUSED and op.start <= before and self.last_moment(op) >= after
                   for act in acts for op in self.ops.get((act, on), ()))


def judge(records):
    """The run and its violations."""
    run = Run(records)
    for rules in (SessionRules, StateRules, AuditRules):
        rules(run).check()
    return run


def check_coverage(run, connects, faults):
    accepted = sum(connect.outcome == OK for connect in run.by_kind["connect"])
    if len(run.by_kind["connect"]) < connects or (connects and accepted < connects // 2):
        run.violate("too-little", "the run", f"{len(run.by_kind['connect'])} connects, {accepted} of them accepted; "
                    f"{connects} are asked for, half of them accepted")
    kinds = {fault.what for fault in run.by_kind["fault"]}
    if len(kinds) < faults:
        run.violate("too-little", "the run", f"{len(kinds)} kinds of fault; {faults} are asked for")


def longest_refusal_us(run):
    """The longest time in which nobody was let in although somebody tried: what an outage was for the fleet."""
    longest, last, tried = 0, None, False
    for connect in sorted(run.by_kind["connect"], key=lambda connect: connect.end):
        if connect.outcome == OK:
            if last is not None and tried:
                longest = max(longest, connect.end - last)
            last, tried = connect.end, False
        else:
            tried = True
    return longest


def tell(run, out):
    shown = collections.Counter()
    begin = min((record.start for record in run.records if record.start), default=0)
    for rule, subject, what, records in run.violations:
        shown[rule] += 1
        if shown[rule] > MOST_SHOWN:
            continue
        at = f" at {(records[0].start - begin) / 1e6:.3f} s" if records and records[0].start else ""
        print(f"{rule}: {subject}{at}: {what}", file=out)
        for record in records:
            print(f"  {record}", file=out)
    kinds = collections.Counter(connect.outcome for connect in run.by_kind["connect"])
    ops = collections.Counter(op.outcome for op in run.by_kind["op"])
    faults = collections.Counter(fault.what for fault in run.by_kind["fault"])
    print(f"connects: {kinds[OK]} accepted, {kinds[REFUSED]} refused, {kinds[UNKNOWN]} without an answer; the longest "
          f"time in which nobody was let in {longest_refusal_us(run) / 1e6:.1f} s", file=out)
    print(f"operations: {ops[OK]} acknowledged, {ops[REFUSED]} refused, {ops[UNKNOWN]} unknown", file=out)
    print("faults: " + (", ".join(f"{count} {what}" for what, count in sorted(faults.items())) or "none"), file=out)
    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(shown.items()))
    print(f"{len(run.records)} records: " + (f"{len(run.violations)} violations ({rules})" if shown else
                                             "every rule was kept"), file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--connects", type=int, default=0, help="a run with fewer is no proof")
    parser.add_argument("--faults", type=int, default=0, help="a run with fewer kinds of fault is no proof")
    options = parser.parse_args()
    try:
        run = judge(history.read(options.folder))
    except history.Broken as broken:
        print(f"checker: {broken}", file=sys.stderr)
        return NOT_JUDGED
    check_coverage(run, options.connects, options.faults)
    tell(run, sys.stdout)
    return VIOLATED if run.violations else KEPT


if __name__ == "__main__":
    sys.exit(main())
