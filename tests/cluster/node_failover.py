#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Three hub nodes on PostgreSQL under Patroni: the primary loses its power while a fleet connects and operators revoke
at all nodes. How long was nobody let in, and whose part of that was it? And was any answer wrong? The checker judges.

Beside the fleet a prober at each node connects one device again and again: what is longest between two of its connects
is what that node refused. One line of JSON goes to --figures.

Exit status: 0 every rule was kept, 1 one was not, or the run broke off, 2 bad input.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import cluster
import device
import operators
from database import PROGRAMS
from history import OK, Recorder, longest_pause, now_us
from patroni_pair import Pace, PatroniPair

CALM_S = 6  # before each failure: leases are as long as they get
PROBE_S = 0.03


class Prober(threading.Thread):
    """One device at one node's own door."""

    def __init__(self, node, place, folder, recorder):
        super().__init__(daemon=True)
        self.node, self.place, self.recorder = node, place, recorder
        self.device, self.stop, self.sessions = f"probe-{node.name}", threading.Event(), 0
        folder.mkdir(exist_ok=True)
        context = device.client_context(place.ca_file)
        self.identity = device.provision(recorder, place, self.device, folder / f"{self.device}.pem", node.dps, context)
        if self.identity is None:
            raise RuntimeError(f"{self.device} got no certificate")

    def run(self):
        while not self.stop.wait(PROBE_S):
            self.sessions += 1
            session = f"{self.device}-{self.sessions}"
            link, _ = device.connect(self.recorder, self.place, self.device, self.identity, self.node.hub, session)
            if link is not None:
                link.leave()


class Writable(threading.Thread):
    """Since when the database takes writes again, asked from outside, by whoever may: Patroni's part of an outage."""

    def __init__(self, database):
        super().__init__(daemon=True)
        self.database, self.since = database, None

    def run(self):
        environment = {**os.environ, **self.database.environment()}
        while self.since is None:
            asked = subprocess.run([PROGRAMS / "psql", "-XAtqc", "SELECT 1", self.database.address()], env=environment,
                                   capture_output=True, check=False)
            if asked.returncode == 0:
                self.since = now_us()


def seconds(pause):
    return (pause[1] - pause[0]) / 1e6


class NodeFailover(cluster.Run):
    def make_database(self):
        return PatroniPair(self.ground, self.folder, self.options.pace)

    def least_connects(self):
        return 100 * self.options.failovers

    def start_fleet(self):
        operators.WEIGHTS.pop("rotate")  # it would condemn the probers, too
        super().start_fleet()

    def live(self):
        probes = [self.recorder(f"probe-{node.name}") for node in self.nodes]
        probers = [Prober(node, self.place, self.folder / "probes", recorder)
                   for node, recorder in zip(self.nodes, probes)]
        for prober in probers:
            prober.start()
        self.moments = []
        with Recorder(self.out, "nemesis") as recorder:
            recorder.record("run", seed=self.options.seed, promise=cluster.promise(self.options.real_lease), audit=True,
                            start=now_us(), end=now_us())
            for _ in range(self.options.failovers):
                self.fail_over(recorder)
        self.probers = probers
        return ["kill-primary"]

    def fail_over(self, recorder):
        self.database.wait_safe()
        self.pass_time(CALM_S)
        old = self.database.primary()
        begun = now_us()
        old.lose_power()
        writable = Writable(self.database)
        writable.start()
        while writable.since is None:
            self.pass_time(0.1)
        recorder.record("fault", what="kill-primary", target=old.name, start=begun, end=now_us())
        self.pass_time(self.options.real_lease + CALM_S)
        self.moments.append((begun, writable.since, now_us()))
        old.start()
        self.database.wait_safe()

    def settle(self):
        for prober in self.probers:
            prober.stop.set()
        for prober in self.probers:
            prober.join()
        super().settle()
        self.tell()

    def accepted(self, files):
        found = []
        for file in files:
            with open(file, encoding="ascii") as lines:
                records = map(json.loads, lines)
                found += [r["end"] for r in records if r["k"] == "connect" and r["outcome"] == OK]
        return found

    def acknowledged(self):
        found = []
        for file in self.out.glob("history-operator*.jsonl"):
            with open(file, encoding="ascii") as lines:
                records = map(json.loads, lines)
                found += [r["end"] for r in records if r["k"] == "op" and r["outcome"] == OK]
        return found

    def tell(self):
        """Each failover: what the database took, and what each node refused."""
        by_node = {node.name: self.accepted([self.out / f"history-probe-{node.name}.jsonl"]) for node in self.nodes}
        everywhere = [moment for moments in by_node.values() for moment in moments]
        acts = self.acknowledged()
        told = {"lease": self.options.real_lease, "ttl": self.options.pace.ttl_s, "load": os.getloadavg()[0],
                "failovers": []}
        for killed, writable, end in self.moments:
            anywhere = longest_pause(everywhere, killed, end)
            refusals = {name: longest_pause(moments, killed, end) for name, moments in by_node.items()}
            one = {"database": (writable - killed) / 1e6, "anywhere": seconds(anywhere),
                   "nodes": {name: seconds(pause) for name, pause in refusals.items()},
                   "let in again": max(0, anywhere[1] - writable) / 1e6,
                   "acts": seconds(longest_pause(acts, killed, end))}
            told["failovers"].append(one)
            nodes = ", ".join(f"{name} {gap:.1f} s" for name, gap in one["nodes"].items())
            print(f"failover: the database took {one['database']:.1f} s; nobody was let in for "
                  f"{one['anywhere']:.1f} s, by one node for {nodes}; no act was answered for {one['acts']:.1f} s",
                  flush=True)
        if self.options.figures:
            self.options.figures.write_text(json.dumps(told) + "\n")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--failovers", type=int, default=1)
    parser.add_argument("--lease", type=int, default=cluster.LEASE_S, dest="real_lease", help="the nodes', in seconds")
    parser.add_argument("--ttl", type=int, default=Pace.ttl_s, help="Patroni's lease, in seconds")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--devices", type=int, default=60)
    parser.add_argument("--rate", type=float, default=40, help="connects a second that the fleet tries")
    parser.add_argument("--acts", type=float, default=6, help="acts a second that operators try")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--figures", type=pathlib.Path, help="where the figures go")
    parser.add_argument("--out", type=pathlib.Path, default=None, help="where the histories stay")
    options = parser.parse_args()
    if options.failovers < 1 or options.real_lease < 1 or options.nodes < 1:
        parser.error("at least one failover, node and second")
    options.pace = Pace(ttl_s=options.ttl)
    options.own_store = options.shared_file = False
    options.seconds = options.failovers * (options.ttl + options.real_lease + 2 * CALM_S)  # about
    return options


if __name__ == "__main__":
    sys.exit(cluster.play(read_options(), NodeFailover))
