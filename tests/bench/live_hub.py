# SPDX-License-Identifier: Apache-2.0
"""A real hub and a real fleet for the benches: `latchkey up` and `latchkey fleet run` as anybody runs them, and what
/proc says of their processes. Only processes that were started here are ever signalled."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 120


def cpu_seconds(pid):
    """User and system time of a process, 0 when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def run_ns(pid):
    """The same from the scheduler, of all threads that live: finer than a tick."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def memory_kib(pid, what="Rss"):
    """"Rss", or "Pss": the process's share of what it shares. 0 when it is gone."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


class Hub:
    """A hub in a new folder, with both its brokers."""

    def __init__(self, binaries, options=()):
        self.binaries = pathlib.Path(binaries)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-bench-"))
        self.folder.chmod(0o755)  # the brokers' user has to get in
        self.data = self.folder / "hub"
        self.log = open(self.folder / "up.log", "wb")
        self.process = subprocess.Popen(
            [self.binaries / "latchkey", "--data", self.data, "up", "--dps", "127.0.0.1:0", "--hub", "127.0.0.1:0",
             *options], stdout=self.log, stderr=subprocess.STDOUT)
        endpoints = self.data / "endpoints.json"
        give_up = time.monotonic() + PATIENCE_S
        while not endpoints.exists():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError((self.folder / "up.log").read_text())
            time.sleep(0.1)
        self.endpoints = json.loads(endpoints.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_S)
        self.log.close()
        shutil.rmtree(self.folder)

    def port(self, endpoint):
        return int(self.endpoints[endpoint].rpartition(":")[2])

    def pids(self):
        """By name: "hub process", "dps broker", "hub broker"."""
        pids = {"hub process": self.process.pid}
        for file in sorted((self.data / "brokers").glob("*.pid")):
            pids[file.stem + " broker"] = int(file.read_text().split()[0])
        return pids

    def restarts(self):
        """How often a broker had to be started anew: fenced, or fallen."""
        told = subprocess.run([self.binaries / "latchkey", "--data", self.data, "-o", "json", "status"],
                              capture_output=True, text=True, check=True).stdout
        return sum(gate.get("restarts", 0) for gate in json.loads(told)["gates"])


class Fleet:
    """`latchkey fleet run` with a scenario made here, and samples of all processes while it runs."""

    EVERY_S = 0.5

    def __init__(self, hub, scenario, options=()):
        self.hub, self.out = hub, hub.folder / scenario["name"]
        file = hub.folder / (scenario["name"] + ".json")
        file.write_text(json.dumps({"title": "A bench", "about": "Made by a bench.", **scenario}))
        self.samples = []  # (Unix time, {name: CPU seconds})
        self.most_pss_kib = 0
        self.process = subprocess.Popen(
            [hub.binaries / "latchkey", "--data", hub.data, "fleet", "run", file, "--out", self.out, *options],
            stdout=subprocess.DEVNULL)

    def family(self):
        """This run's processes: the command line becomes the program, which has its workers as children."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            return [self.process.pid, *map(int, tasks.read_text().split())]
        except OSError:
            return []

    def sample(self):
        pids = self.hub.pids()
        used = {name: cpu_seconds(pid) for name, pid in pids.items()}
        family = self.family()
        used["fleet"] = sum(cpu_seconds(pid) for pid in family)
        self.samples.append((time.time(), used))
        if len(self.samples) % 4 == 0:
            self.most_pss_kib = max(self.most_pss_kib, sum(memory_kib(pid, "Pss") for pid in family))

    def wait(self):
        """Until the run is over: report.json. A run that broke off has one too."""
        while self.process.poll() is None:
            self.sample()
            time.sleep(self.EVERY_S)
        if not (self.out / "report.json").exists():
            raise RuntimeError("the fleet's run has left no report")
        return json.loads((self.out / "report.json").read_text())

    def records(self):
        """All records of the histories, file by file."""
        for file in sorted(self.out.glob("history-*.jsonl")):
            with open(file) as lines:
                for line in lines:
                    yield json.loads(line)

    def started(self):
        """The run's time 0 as Unix time."""
        return next(record["started_ms"] for record in self.records() if record["k"] == "run") / 1000

    def cpu_between(self, begin, end):
        """CPU seconds of each process between two Unix times, as near as samples come."""
        first = max((s for s in self.samples if s[0] <= begin), default=self.samples[0], key=lambda s: s[0])
        last = min((s for s in self.samples if s[0] >= end), default=self.samples[-1], key=lambda s: s[0])
        return {name: last[1][name] - first[1].get(name, 0) for name in last[1]}

    def violations(self):
        """Of what `latchkey fleet verify` checks: how many, and what it said."""
        told = subprocess.run([self.hub.binaries / "latchkey", "fleet", "verify", self.out],
                              capture_output=True, text=True, check=False)
        return 0 if told.returncode == 0 else sum(1 for line in told.stdout.splitlines()[:-1]
                                                  if not line.startswith((" ", "note"))), told.stdout


def crypto_bound(binaries, seconds=3):
    """What OpenSSL alone takes here and now, by bench_crypto_bound."""
    return json.loads(subprocess.run([pathlib.Path(binaries, "bench_crypto_bound"), str(seconds)],
                                     capture_output=True, text=True, check=True).stdout)


def mean_bound(before, after):
    """One bound of two that were measured around what is compared with them."""
    return {**before, "us": {name: (us + after["us"][name]) / 2 for name, us in before["us"].items()}}


def provisioning_us(us):
    """A certificate by DPS, proved by a group's key: both ends of the handshake, a key, and of CSR and leaf the
    signature and its verification."""
    return (us["serverAuthenticatedClient"] + us["serverAuthenticatedServer"] + us["keyGeneration"] +
            2 * (us["signature"] + us["verification"]))


def mutual_us(us):
    return us["mutualClient"] + us["mutualServer"]
