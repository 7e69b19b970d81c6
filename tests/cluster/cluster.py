#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A test cluster lives for a while with a fleet, operators and a nemesis; then the checker reads what was recorded and
says whether the cluster kept its word. The seed is printed; the same seed brings the same faults at the same times.

Exit status: 0 every rule was kept, 1 one was not, or the run broke off, 2 bad input.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import device
import nemesis
import operators
from database import Pair, is_installed
from ground import Ground, wait_for
from history import Recorder, now_us
from nodes import DISK_MIB, FAKETIME, HAPROXY, Front, Node, options_of, sharing

HERE = pathlib.Path(__file__).parent
LEASE_S = 8
OPERATORS, WORKERS, THREADS = 3, 2, 8
WARM_UP_S = 120
# A node without a lease goes by what it has; the fence of ten seconds is what bounds it.
ALONE = {"stale_us": 20_000_000, "outlive_us": 1_000_000, "twins_us": 20_000_000}


def promise(lease_s):
    """What nodes with such leases promise (docs/consistency.md), and a second."""
    return {"stale_us": (lease_s + 1) * 1_000_000, "outlive_us": 1_000_000, "twins_us": (lease_s + 4) * 1_000_000}


def kinds_for(ground, small_disk, database):
    kinds = {"restart", "kill-hub", "kill-broker", "pause-hub", "pause-broker", "pause-node"}
    if os.path.exists(FAKETIME):
        kinds.add("clock")
    if small_disk:
        kinds.add("disk-full")
    if database:
        kinds.add("kill-primary")
        if ground.isolated and shutil.which("nft"):
            kinds.add("cut")
    return kinds


class Run:
    def __init__(self, options, ground, folder, out):
        self.options, self.ground, self.folder, self.out = options, ground, folder, out
        self.front = None
        self.database, self.workers, self.operators, self.recorders = None, [], [], []
        self.lock = threading.Lock()

    def build(self):
        """Machines with nodes and servers on them; begins nothing."""
        known = options_of(self.options.binaries)
        on_file = self.options.shared_file
        on_postgresql = "--store" in known and is_installed() and not self.options.own_store and not on_file
        several = (on_postgresql or on_file) and "--node" in known
        count = self.options.nodes or (3 if several else 1)
        if count > 1 and not several:
            raise SystemExit("cluster: several nodes need a `latchkey up` with --store and --node, and PostgreSQL")
        self.leased = several
        self.shares_keys = "--keys" in known or on_file
        machines = [self.ground.add(f"node{number + 1}") for number in range(count)]
        if on_postgresql:
            self.database = self.make_database()
            self.small_disk = all(server.small_disk for server in self.database.servers)
            shared = sharing(self.options.binaries, self.folder, self.database.address(), known)
            self.nodes = [Node(self.options.binaries, machine, self.folder,
                               shared + (self.named(machine.name) if several else []), self.database.environment(),
                               "--health" in known) for machine in machines]
        else:
            self.small_disk = self.ground.small_disk(self.folder / "node1" / "data", DISK_MIB)
            self.nodes = [Node(self.options.binaries, machine, self.folder, self.named(machine.name) if several else (),
                               None, "--health" in known) for machine in machines]
        if count > 1 and {"--health", "--print-haproxy"} <= known and os.path.exists(HAPROXY):
            self.front = Front(self.options.binaries, self.ground.add("front"), self.folder, self.nodes)
        self.ground.enter()

    def make_database(self):
        return Pair(self.ground, self.folder)

    def named(self, name):
        return ["--node", name, "--lease", str(self.options.real_lease)]

    def start(self):
        if self.database:
            self.database.start()
        for node in self.nodes:
            if self.options.shared_file and node is not self.nodes[0]:
                node.share_file(self.nodes[0])
            node.start()
            node.wait_ready()
        endpoints = self.nodes[0].endpoints()
        key = pathlib.Path(endpoints["enrollmentKeyFile"]).read_text().strip()
        doors = self.nodes + ([self.front] if self.front else [])
        if self.front:
            self.front.start()
        issuing = doors if self.shares_keys else self.nodes[:1]  # without the CAs' keys a node issues nothing
        self.place = device.Place([door.hub for door in doors], [door.dps for door in issuing], self.trusted(),
                                  endpoints["idScope"], key)
        for node in self.nodes:
            node.look_at_certificate(self.place.ca_file)

    def trusted(self):
        """One file with the server CAs of all nodes."""
        file = self.folder / "server-ca.pem"
        file.write_text("".join(sorted({pathlib.Path(node.endpoints()["caFile"]).read_text() for node in self.nodes})))
        return str(file)

    def recorder(self, name):
        self.recorders.append(Recorder(self.out, name))
        return self.recorders[-1]

    def start_fleet(self):
        identities = self.folder / "identities"
        identities.mkdir(mode=0o700)
        self.devices = [f"device-{number:04}" for number in range(self.options.devices)]
        for number in range(WORKERS):
            name = f"fleet{number}"
            file = self.folder / f"{name}.json"
            file.write_text(json.dumps({
                "name": name, "out": str(self.out), "identities": str(identities), "seed": self.options.seed,
                "devices": self.devices[number::WORKERS], "threads": THREADS, "rate": self.options.rate / WORKERS,
                "policy": "default", "hubs": self.place.hubs, "dps": self.place.dps, "ca": self.place.ca_file,
                "idScope": self.place.id_scope, "key": self.place.key}))
            file.chmod(0o600)
            self.workers.append(self.ground.clients().start(
                [sys.executable, "-B", HERE / "fleet.py", file], self.folder / f"{name}.log", stdin=subprocess.PIPE))
        wait_for("the fleet's first certificates", lambda: sum(1 for _ in identities.glob("*/*.pem")) >=
                 len(self.devices) * 9 // 10, WARM_UP_S)
        for number in range(OPERATORS):
            self.operators.append(operators.Operator(
                number, self.options.seed, self.options.acts / OPERATORS, self.recorder(f"operator{number}"),
                [node.socket for node in self.nodes], self.place, identities, self.devices, "default"))
            self.operators[-1].start()

    def keep_going(self):
        if self.database:
            self.database.revive()
        for node in self.nodes:
            node.revive()
        for worker in self.workers:
            if worker.poll() is not None:
                raise RuntimeError(f"a part of the fleet ended by itself; see {self.folder}")

    def pass_time(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.keep_going()
            time.sleep(0.1)

    def live(self):
        kinds = self.options.kinds or kinds_for(self.ground, self.small_disk, self.database)
        plan = nemesis.schedule(self.options.seed, self.options.seconds, kinds, len(self.nodes))
        with Recorder(self.out, "nemesis") as recorder:
            promised = promise(LEASE_S) if self.leased else ALONE
            recorder.record("run", seed=self.options.seed, promise=promised, audit=True, start=now_us(), end=now_us())
            begun = time.monotonic()
            one = nemesis.Nemesis(recorder, self.nodes, self.database, self.leased, self.keep_going)
            one.run(plan)
            one.wait_until(begun + self.options.seconds)
            while self.connects() < self.least_connects() and time.monotonic() < begun + 3 * self.options.seconds:
                one.wait_until(time.monotonic() + 5)  # a slow machine takes longer
        return kinds

    def least_connects(self):
        return self.options.connects if self.options.connects is not None else self.options.seconds * 40

    def connects(self):
        """Recorded by the fleet and written to its files so far."""
        count = 0
        for file in self.out.glob("history-fleet*.jsonl"):
            with open(file, "rb") as lines:
                count += sum(line.startswith(b'{"k":"connect"') for line in lines)
        return count

    def settle(self):
        """Everything is well again; whoever waited for something has time to come back before the end is looked at."""
        for node in self.nodes:
            node.wait_ready()
        time.sleep(LEASE_S)
        for operator in self.operators:
            operator.stop.set()
        for operator in self.operators:
            operator.join()
        time.sleep(LEASE_S)
        for worker in self.workers:
            worker.stdin.close()
        for worker in self.workers:
            worker.wait(120)
        last = self.recorder("end")
        for recorder in self.recorders:
            if recorder is not last:
                recorder.close()
        seen = operators.touched(self.out)
        if not operators.read_everything(last, self.nodes[0].socket, seen):
            raise RuntimeError("the registry could not be read in the end")
        last.close()

    def stop(self):
        for node in self.nodes:
            node.stop()


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=180, help="of faults; beginning and end come on top")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--nodes", type=int, default=None, help="3 on one PostgreSQL, if this build has several nodes")
    parser.add_argument("--own-store", action="store_true", help="one node on a store of its own")
    parser.add_argument("--shared-file", action="store_true", help="several nodes that open one file as their store")
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--rate", type=float, default=200, help="connects a second that the fleet tries")
    parser.add_argument("--acts", type=float, default=6, help="acts a second that operators try")
    parser.add_argument("--connects", type=int, default=None,
                        help="fewer are no proof; the seconds times 40 if not given")
    parser.add_argument("--real-lease", type=int, default=LEASE_S,
                        help=f"what nodes get while {LEASE_S} s are promised: longer ones must be found out")
    parser.add_argument("--kinds", nargs="*", help="only these faults")
    parser.add_argument("--out", type=pathlib.Path, default=None, help="where the histories stay")
    options = parser.parse_args()
    if not 20 <= options.seconds <= 24 * 3600 or options.devices < WORKERS * THREADS or options.rate <= 0:
        parser.error(f"20 seconds to a day, at least {WORKERS * THREADS} devices")
    unknown = set(options.kinds or ()) - set(nemesis.LASTS_S)
    if unknown:
        parser.error("no such fault: " + ", ".join(sorted(unknown)))
    return options


def play(options, make_run):
    """One run from the first process to the verdict: the exit status."""
    options.binaries = options.binaries.resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="latchkey-cluster-"))
    folder.chmod(0o755)  # the brokers' user has to get in
    out = (options.out or folder / "out").resolve()
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("history-*.jsonl"):
        old.unlink()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    good = False
    with Ground(folder) as ground:
        run = make_run(options, ground, folder, out)
        run.build()
        print(f"cluster: {len(run.nodes)} node(s) on "
              f"{'PostgreSQL' if run.database else 'one file' if options.shared_file else 'a store of its own'}, in "
              f"{'namespaces' if ground.isolated else 'one network (no cuts)'}, {options.seconds} s, seed "
              f"{options.seed}, in {folder}", flush=True)
        run.start()
        run.start_fleet()
        kinds = run.live()
        run.settle()
        run.stop()
        least = ["--connects", str(run.least_connects()), "--faults", str(min(5, len(kinds)))]
        verdict = subprocess.run([sys.executable, "-B", HERE / "checker.py", out, *least], check=False).returncode
        falls = sum(node.falls for node in run.nodes)
        good = verdict == 0
        print(f"cluster: {falls} falls of nodes without a push; seed {options.seed}: {'PASSED' if good else 'FAILED'}",
              flush=True)
    if good:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"cluster: what it left is in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(play(read_options(), Run))
