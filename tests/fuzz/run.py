#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the fuzz targets by clang with address and undefined-behaviour sanitizers and runs each for a while, two at a
time. What they learn stays in build/fuzz/corpus, what they find lies in out/fuzz. Exit status 1: there is a finding.

With --account a run is one of many: the file keeps the CPU seconds of every target over all of them, whoever had least
goes first, and it ends when each has had --total. Ended early (SIGTERM, Ctrl-C), it keeps account of what was done.

A fuzzer that somebody ended has found nothing, but had not its time: without --account, exit status 1 as well."""
import argparse
import concurrent.futures
import contextlib
import fcntl
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/fuzz"
BUILD = ROOT / "build/fuzz"
FINDINGS = ROOT / "out/fuzz"
# Of the clock, for inputs that take milliseconds of a processor: it may be busy elsewhere, the more so when it is to do
# our work in its idle time alone.
TIMEOUT_S, IDLE_TIMEOUT_S = 60, 1800
MEMORY_MB = 1024
# Beyond it all parsers have said kTooLarge.
LONGEST = 20000
AT_A_TIME = 2
# libFuzzer's own status when it was interrupted (FuzzerOptions.h), and signals that no parser raises.
INTERRUPTED = {72, -signal.SIGHUP, -signal.SIGINT, -signal.SIGKILL, -signal.SIGTERM}


def build(targets):
    version = next((v for v in ("19", "14") if shutil.which(f"clang++-{v}")), None)
    if version is None:
        sys.exit("tests/fuzz/run.py: no clang: scripts/setup --fuzz")
    subprocess.run(["cmake", "--preset", "fuzz", f"-DCMAKE_C_COMPILER=clang-{version}",
                    f"-DCMAKE_CXX_COMPILER=clang++-{version}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    programs = [f"fuzz_{target}" for target in targets]
    subprocess.run(["cmake", "--build", "--preset", "fuzz", "--target", *programs], cwd=ROOT, check=True)


def yield_to_other_sessions(pid):
    """SCHED_IDLE counts within a session alone where the kernel shares the processor among sessions first (autogroup in
    sched(7))."""
    with contextlib.suppress(OSError):
        pathlib.Path(f"/proc/{pid}/autogroup").write_text("19")


class Fuzzers:
    """Those that run now, and how each is run."""

    def __init__(self, corpus, idle):
        self.corpus, self.idle = corpus, idle
        self.lock = threading.Lock()
        self.running, self.ended = {}, False

    def end(self, *_):
        """All of them; what runs gives back what it did."""
        with self.lock:
            self.ended = True
            for process in self.running.values():
                os.kill(process.pid, signal.SIGTERM)  # not terminate(), which would wait for it and take its figures

    def run(self, target, seconds, seed):
        """Returns what it did: CPU seconds, inputs tried, edges reached, and how it ended (ok, FINDING, interrupted). None
        when all were ended before it began."""
        learned = self.corpus / target
        learned.mkdir(parents=True, exist_ok=True)
        log_file = FINDINGS / f"{target}.log"
        command = [BUILD / "bin" / f"fuzz_{target}", f"-seed={seed}", f"-max_total_time={seconds}",
                   f"-max_len={LONGEST}", f"-timeout={IDLE_TIMEOUT_S if self.idle else TIMEOUT_S}",
                   f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={FINDINGS}/{target}-", "-print_final_stats=1",
                   learned, HERE / "corpus" / target]
        with self.lock, open(log_file, "wb") as log:
            if self.ended:
                return None
            process = self.running[target] = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT,
                                                              start_new_session=self.idle)
            if self.idle:
                yield_to_other_sessions(process.pid)
        # wait4 tells the CPU time of this child alone
        _, status, used = os.wait4(process.pid, 0)
        with self.lock:
            process.returncode = os.waitstatus_to_exitcode(status)
            del self.running[target]
        log = log_file.read_text(errors="replace")
        tried = re.search(r"stat::number_of_executed_units: *(\d+)", log)
        edges = re.findall(r" cov: (\d+)", log)
        end = "ok" if process.returncode == 0 else "interrupted" if process.returncode in INTERRUPTED else "FINDING"
        return {"cpu_s": round(used.ru_utime + used.ru_stime, 2), "inputs": int(tried[1]) if tried else 0,
                "edges": int(edges[-1]) if edges else 0, "end": end}


class Account:
    """What every target had over all runs: a JSON file, replaced as a whole after each, held by one run at a time."""

    def __init__(self, file, targets):
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self.held = open(file.with_suffix(".lock"), "w")
        try:
            fcntl.flock(self.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"tests/fuzz/run.py: another run keeps {file}")
        self.had = json.loads(file.read_text()) if file.exists() else {}
        for target in targets:
            self.had.setdefault(target, {"cpu_s": 0, "inputs": 0, "edges": 0, "findings": 0})

    def add(self, target, done):
        had = self.had[target]
        had["cpu_s"] = round(had["cpu_s"] + done["cpu_s"], 2)
        had["inputs"] += done["inputs"]
        had["edges"] = max(had["edges"], done["edges"])
        had["findings"] += done["end"] == "FINDING"
        aside = self.file.with_suffix(".new")
        aside.write_text(json.dumps(self.had, indent=1, sort_keys=True) + "\n")
        aside.rename(self.file)

    def least(self, targets, total):
        """Who had least, of those that had less than `total`; None when there is nobody."""
        wanting = [target for target in targets if self.had[target]["cpu_s"] < total]
        return min(wanting, key=lambda target: self.had[target]["cpu_s"], default=None)


def once(fuzzers, targets, seconds, seed):
    """Each target for so long. Returns those with a finding, and those that had not their time."""
    print(f"fuzz: {len(targets)} targets, {seconds} s each, two at a time, -seed={seed}", flush=True)
    tried, found, cut_short = 0, [], []
    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        for target, done in zip(targets, pool.map(lambda one: fuzzers.run(one, seconds, seed), targets)):
            if done is None:
                cut_short.append(target)
                continue
            tried += done["inputs"]
            found += [target] if done["end"] == "FINDING" else []
            cut_short += [target] if done["end"] == "interrupted" else []
            print(f"  {target:20} {done['inputs']:>12,} inputs  {done['edges']:>6,} edges  "
                  f"{done['end']}", flush=True)
    print(f"fuzz: {len(targets)} targets, {tried:,} inputs, -seed={seed}", flush=True)
    return found, cut_short


def by_account(fuzzers, account, targets, seconds, total):
    """Whoever had least, for so long, until all had `total`. Returns those with a finding: their turn is over."""
    lock, waiting, found = threading.Lock(), set(targets), []

    def work():
        while True:
            with lock:
                target = account.least(waiting, total)
                if target is None:
                    return
                waiting.discard(target)
            done = fuzzers.run(target, seconds, random.randrange(1, 2**31))
            if done is None:
                return
            with lock:
                account.add(target, done)
                if done["end"] == "FINDING":
                    found.append(target)
                else:
                    waiting.add(target)
                least = min(had["cpu_s"] for name, had in account.had.items() if name in targets)
                print(f"  {target:20} {account.had[target]['cpu_s']:>8,.0f} CPU s  {done['edges']:>6,} edges  "
                      f"{done['end']}; each had {least:,.0f} of {total:,} CPU s", flush=True)

    print(f"fuzz: {len(targets)} targets, {seconds} s at a time, two at a time, {total} CPU s each", flush=True)
    workers = [threading.Thread(target=work) for _ in range(AT_A_TIME)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return found


def arguments():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("seconds", nargs="?", type=int, default=10, help="for each target, at a time; 10")
    options.add_argument("--targets", nargs="+", help="these alone; all")
    options.add_argument("--seed", type=int, help="of libFuzzer; else by chance, and printed")
    options.add_argument("--corpus", type=pathlib.Path, default=BUILD / "corpus",
                         help="where they keep what they learn; build/fuzz/corpus")
    options.add_argument("--idle", action="store_true", help="take what processor time nobody else wants (SCHED_IDLE)")
    options.add_argument("--account", type=pathlib.Path, metavar="FILE",
                         help="keep account of CPU seconds over many runs; out of the tree, since it outlives a build")
    options.add_argument("--total", type=int, default=3600, help="with --account: CPU seconds for each target; 3600")
    chosen = options.parse_args()
    known = sorted(f.stem for f in (HERE / "targets").glob("*.cpp"))
    unknown = sorted(set(chosen.targets or []) - set(known))
    if unknown:
        sys.exit(f"tests/fuzz/run.py: no such target: {' '.join(unknown)}")
    chosen.targets = chosen.targets or known
    return chosen


def main():
    chosen = arguments()
    if chosen.idle:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    account = Account(chosen.account, chosen.targets) if chosen.account else None
    build(chosen.targets)
    FINDINGS.mkdir(parents=True, exist_ok=True)
    fuzzers = Fuzzers(chosen.corpus.resolve(), chosen.idle)
    for end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(end, fuzzers.end)
    begin = time.monotonic()
    if account:
        found, cut_short = by_account(fuzzers, account, chosen.targets, chosen.seconds, chosen.total), []
    else:
        seed = chosen.seed if chosen.seed is not None else random.randrange(1, 2**31)
        found, cut_short = once(fuzzers, chosen.targets, chosen.seconds, seed)
    print(f"fuzz: {time.monotonic() - begin:.0f} s, {len(found)} with a finding" +
          (f": {' '.join(found)}; see out/fuzz" if found else "") + (", ended early" if fuzzers.ended else "") +
          (f"; had not their time: {' '.join(cut_short)}" if cut_short else ""))
    return 1 if found or cut_short else 0


sys.exit(main())
