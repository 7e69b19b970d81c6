#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A fleet lives for a while with an operator who does one thing after another, as the dice say; then the checker reads
what was recorded and says whether the hub kept its word and whether any process has grown.

The verdict is `latchkey fleet verify --flat`'s, which sees nothing but the histories. Exit status: 0 every rule was
kept, 1 one was not, or the run broke off, 2 bad input.
"""
import argparse
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 120
MOST_ACTS = 100  # of a scenario


class Operator:
    """One act after another, by rising time; what is disabled is enabled again before the last of them."""

    def __init__(self, seed, devices, seconds):
        self.dice, self.devices, self.seconds = random.Random(seed), devices, seconds
        self.acts, self.names = [], 0

    def few(self):
        return {"count": self.dice.randint(1, max(1, self.devices // 50))}

    def add(self, at, act, **more):
        self.names += 1
        self.acts.append({"atSeconds": round(at, 1), "act": act, "name": f"act-{self.names}", **more})
        return self.acts[-1]["name"]

    def disable(self, at, act, **more):
        name = self.add(at, act, devices=self.few(), **more)
        until = at + self.dice.uniform(0.01, 0.05) * self.seconds
        self.add(min(until, self.seconds), "enableDevices", devices={"as": name})

    def one(self, at):
        kind = self.dice.choice(["revoke", "revoke", "revoke and disable", "disable", "delete", "sync"])
        if kind == "revoke":
            self.add(at, "revokeDevices", devices=self.few())
        elif kind == "revoke and disable":
            self.disable(at, "revokeDevices", disable=True)
        elif kind == "disable":
            self.disable(at, "disableDevices")
        elif kind == "delete":
            self.add(at, "deleteDevices", devices=self.few())
        else:
            self.add(at, "sync")

    def work(self, begin):
        """Policies go eight times in even steps, so that what a whole wave takes has been seen within the warm-up."""
        step = (self.seconds - begin) / 8
        for number in range(8):
            self.add(begin + step * number, "revokePolicy")
        at = begin
        while (at := at + self.dice.uniform(0.3, 1.7) * max(3, self.seconds / 60)) < self.seconds:
            if len(self.acts) < MOST_ACTS - 1:
                self.one(at)
        self.acts.sort(key=lambda act: act["atSeconds"])
        return self.acts


def scenario(options):
    seconds = options.minutes * 60
    arrival = min(seconds / 6, options.devices / 50)
    return {"name": "soak", "title": "A soak", "about": f"Made from seed {options.seed}.", "seed": options.seed,
            "devices": options.devices, "durationSeconds": seconds + max(600, seconds / 2), "endWhen": "all-back",
            "lingerSeconds": 10, "arrival": {"curve": "even", "overSeconds": round(arrival)},
            "telemetry": {"everySeconds": 30, "bytes": 64},
            "acts": Operator(options.seed, options.devices, seconds).work(arrival + seconds / 60)}


def start_hub(binaries, folder):
    log = open(folder / "up.log", "wb")
    process = subprocess.Popen([binaries / "latchkey", "--data", folder / "hub", "up", "--dps", "127.0.0.1:0", "--hub",
                                "127.0.0.1:0"], stdout=log, stderr=subprocess.STDOUT)
    give_up = time.monotonic() + PATIENCE_S
    while not (folder / "hub" / "endpoints.json").exists():
        if process.poll() is not None or time.monotonic() > give_up:
            sys.exit("the hub does not start:\n" + (folder / "up.log").read_text())
        time.sleep(0.2)
    return process


def live(options, folder, out):
    """The fleet's run; its exit status says only whether it came to its end, not what it saw."""
    file = folder / "soak.json"
    file.write_text(json.dumps(scenario(options), indent=1))
    hub = start_hub(options.binaries, folder)
    try:
        # A device that was refused asks again soon: minutes without it would prove nothing.
        return subprocess.run([options.binaries / "latchkey", "--data", folder / "hub", "fleet", "run", file, "--out",
                               out, "--slow-retry", "5", "--retry-max", "20"], check=False).returncode
    finally:
        hub.send_signal(signal.SIGINT)
        hub.wait(PATIENCE_S)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--devices", type=int, default=3000)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--flat", type=float, default=3, help="percent that a process may grow; 0: do not judge memory")
    parser.add_argument("--out", type=pathlib.Path, default=None, help="where histories and report stay")
    options = parser.parse_args()
    if options.devices < 1 or not 0.5 <= options.minutes <= 24 * 60:
        parser.error("at least one device, for half a minute to a day")
    return options


def main():
    options = read_options()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-soak-"))
    folder.chmod(0o755)  # the brokers' user has to get in
    out = options.out or folder / "out"
    print(f"soak: {options.devices} devices for {options.minutes:g} minutes, seed {options.seed}, in {out}", flush=True)
    status = live(options, folder, out)
    judge = [options.binaries / "latchkey", "fleet", "verify", out]
    if options.flat > 0:
        judge += ["--flat", str(options.flat), "--warm-up", str(round(options.minutes * 60 / 3))]
    kept = subprocess.run(judge, check=False).returncode == 0
    if options.out is not None:
        shutil.copy(folder / "soak.json", out)
    ended = json.loads((out / "report.json").read_text())["run"]["ended"] if (out / "report.json").exists() else None
    good = kept and ended == "all-back"
    print(f"soak: {'every rule was kept' if kept else 'A RULE WAS BROKEN'}; the run ended {ended or 'in the middle'}, "
          f"status {status}, seed {options.seed}: {'PASSED' if good else 'FAILED'}", flush=True)
    if good or options.out is not None:
        shutil.rmtree(folder)
    else:
        print(f"soak: what it left is in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
