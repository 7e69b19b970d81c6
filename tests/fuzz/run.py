#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the fuzz targets by clang with address and undefined-behaviour sanitizers and runs each for a while, two at a
time. What they learn stays in build/fuzz/corpus, what they find lies in out/fuzz. Exit status 1: there is a finding."""
import argparse
import concurrent.futures
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/fuzz"
BUILD = ROOT / "build/fuzz"
FINDINGS = ROOT / "out/fuzz"
# The sanitizers need their time, not more: the longest input of any target takes some milliseconds.
TIMEOUT_S = 25
MEMORY_MB = 1024
# Beyond it all parsers have said kTooLarge.
LONGEST = 20000


def build(targets):
    version = next((v for v in ("19", "14") if shutil.which(f"clang++-{v}")), None)
    if version is None:
        sys.exit("tests/fuzz/run.py: no clang: scripts/setup --fuzz")
    subprocess.run(["cmake", "--preset", "fuzz", f"-DCMAKE_C_COMPILER=clang-{version}",
                    f"-DCMAKE_CXX_COMPILER=clang++-{version}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    programs = [f"fuzz_{target}" for target in targets]
    subprocess.run(["cmake", "--build", "--preset", "fuzz", "--target", *programs], cwd=ROOT, check=True)


def fuzz(target, seconds, seed):
    """Returns how many inputs were tried, the edges reached, and whether something was found."""
    learned = BUILD / "corpus" / target
    learned.mkdir(parents=True, exist_ok=True)
    command = [BUILD / "bin" / f"fuzz_{target}", f"-seed={seed}", f"-max_total_time={seconds}", f"-max_len={LONGEST}",
               f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={FINDINGS}/{target}-",
               "-print_final_stats=1", learned, HERE / "corpus" / target]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log = ended.stdout.decode(errors="replace")
    (FINDINGS / f"{target}.log").write_text(log)
    tried = re.search(r"stat::number_of_executed_units: *(\d+)", log)
    edges = re.findall(r" cov: (\d+)", log)
    return int(tried[1]) if tried else 0, int(edges[-1]) if edges else 0, ended.returncode != 0


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("seconds", nargs="?", type=int, default=10, help="for each target; 10")
    options.add_argument("--targets", nargs="+", help="these alone; all")
    options.add_argument("--seed", type=int, help="of libFuzzer; else by chance, and printed")
    chosen = options.parse_args()
    all_targets = sorted(f.stem for f in (HERE / "targets").glob("*.cpp"))
    targets = chosen.targets or all_targets
    unknown = sorted(set(targets) - set(all_targets))
    if unknown:
        sys.exit(f"tests/fuzz/run.py: no such target: {' '.join(unknown)}")
    seed = chosen.seed if chosen.seed is not None else random.randrange(1, 2**31)
    build(targets)
    FINDINGS.mkdir(parents=True, exist_ok=True)
    print(f"fuzz: {len(targets)} targets, {chosen.seconds} s each, two at a time, -seed={seed}", flush=True)
    begin = time.monotonic()
    tried_by_all, found = 0, []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as two:
        for target, result in zip(targets, two.map(lambda one: fuzz(one, chosen.seconds, seed), targets)):
            tried, edges, finding = result
            tried_by_all += tried
            found += [target] if finding else []
            print(f"  {target:20} {tried:>12,} inputs  {edges:>6,} edges  {'FINDING' if finding else 'ok'}", flush=True)
    print(f"fuzz: {len(targets)} targets, {tried_by_all:,} inputs in {time.monotonic() - begin:.0f} s, -seed={seed}, "
          f"{len(found)} with a finding" + (f": {' '.join(found)}; see out/fuzz" if found else ""))
    return 1 if found else 0


sys.exit(main())
