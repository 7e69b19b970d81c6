#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An upgrade: three hub nodes on PostgreSQL behind HAProxy are drained, ended and started again, one after the other, while
devices hold their sessions and operators revoke. Nobody may miss more than a reconnect: a device whose session ended is let
in at its first attempt, and is without a session for no longer than --within. The checker judges the histories as well.

Exit status: 0 every rule was kept, 1 one was not, or the run broke off, 2 bad input.
"""
import argparse
import json
import os
import pathlib
import select
import subprocess
import sys
import threading
import time

import cluster
import device
import operators
from history import Recorder, now_us

WORK_S = 0.5  # how often a device has something to send
CALM_S = 6  # balancers have seen by then that a node is back
DRAIN_S = 120


class Keeper(threading.Thread):
    """A device that wants a session, always: what it noticed of the loss of each."""

    def __init__(self, number, place, front, folder, recorder):
        super().__init__(daemon=True)
        self.place, self.front, self.recorder = place, front, recorder
        self.device, self.sessions, self.link = f"keeper-{number:03}", 0, None
        self.stop, self.losses = threading.Event(), []
        folder.mkdir(exist_ok=True)
        context = device.client_context(place.ca_file)
        self.identity = device.provision(recorder, place, self.device, folder / f"{self.device}.pem", front.dps, context)
        if self.identity is None:
            raise RuntimeError(f"{self.device} got no certificate")

    def run(self):
        self.come()
        while not self.stop.is_set():
            if not self.mind():
                lost = now_us()
                attempts = self.come()
                if self.link is not None:
                    self.losses.append({"at": lost, "us": now_us() - lost, "attempts": attempts})
        if self.link is not None:
            self.link.leave()

    def come(self):
        """How many attempts it took; none succeeded when the link is not there."""
        self.link, attempts = None, 0
        while self.link is None and not self.stop.wait(0.1 if attempts else 0):
            attempts += 1
            self.sessions += 1
            self.link, _ = device.connect(self.recorder, self.place, self.device, self.identity, self.front.hub,
                                          self.session())
        return attempts

    def session(self):
        return f"{self.device}-{self.sessions}"

    def mind(self):
        """Waits for the end of the session, which shows at once, or until there is something to send."""
        select.select([self.link.socket], [], [], WORK_S)
        return device.work(self.recorder, self.device, self.session(), self.link)


class RollingRestart(cluster.Run):
    def least_connects(self):
        return 10 * self.options.devices

    def start_fleet(self):
        if self.front is None:
            raise SystemExit("rolling: no HAProxy")
        operators.WEIGHTS.pop("rotate")  # it would condemn the keepers, too
        super().start_fleet()
        recorder = self.recorder("keepers")
        self.keepers = [Keeper(number, self.place, self.front, self.folder / "keepers", recorder)
                        for number in range(self.options.keepers)]

    def live(self):
        for keeper in self.keepers:
            keeper.start()
        with Recorder(self.out, "nemesis") as recorder:
            recorder.record("run", seed=self.options.seed, promise=cluster.promise(self.options.real_lease), audit=True,
                            start=now_us(), end=now_us())
            self.pass_time(CALM_S)
            for node in self.nodes:
                self.upgrade(node, recorder)
        return ["restart"]

    def upgrade(self, node, recorder):
        begun = now_us()
        self.drain(node)
        drained = now_us()
        node.stop()
        node.start()
        node.wait_ready()
        recorder.record("fault", what="restart", target=node.name, start=begun, end=now_us())
        moved = [loss for keeper in self.keepers for loss in list(keeper.losses) if loss["at"] >= begun]
        print(f"rolling: {node.name} drained in {(drained - begun) / 1e6:.1f} s, {len(moved)} sessions moved; back after "
              f"{(now_us() - drained) / 1e6:.1f} s", flush=True)
        self.pass_time(CALM_S)

    def drain(self, node):
        subprocess.run([self.options.binaries / "latchkey", "node", "drain", node.name, "--store", self.database.address(),
                        "--wait", "--timeout", str(DRAIN_S)], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, **self.database.environment()})

    def settle(self):
        for keeper in self.keepers:
            keeper.stop.set()
        for keeper in self.keepers:
            keeper.join()
        self.judge()
        super().settle()

    def judge(self):
        losses = sorted((loss for keeper in self.keepers for loss in keeper.losses), key=lambda loss: loss["us"])
        if not losses:
            raise RuntimeError("no session was ever moved")
        again = [loss for loss in losses if loss["attempts"] > 1]
        longest, middle = losses[-1]["us"] / 1e6, losses[len(losses) // 2]["us"] / 1e6
        gone = [keeper.device for keeper in self.keepers if keeper.link is None]
        print(f"rolling: {len(self.keepers)} devices, {len(losses)} sessions moved; without one for {middle * 1000:.0f} ms in "
              f"the middle, {longest * 1000:.0f} ms at most; {len(again)} needed a second attempt", flush=True)
        if self.options.figures:
            self.options.figures.write_text(json.dumps(
                {"devices": len(self.keepers), "moved": len(losses), "p50_s": middle, "longest_s": longest,
                 "second attempts": len(again), "load": os.getloadavg()[0]}) + "\n")
        if again or gone or longest > self.options.within:
            raise RuntimeError(f"rolling: refused {again[:3]}, not back {gone[:3]}, longest {longest:.2f} s")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--keepers", type=int, default=60, help="devices that hold their sessions")
    parser.add_argument("--within", type=float, default=3, help="seconds without a session that a restart may cost")
    parser.add_argument("--lease", type=int, default=cluster.LEASE_S, dest="real_lease", help="the nodes', in seconds")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--devices", type=int, default=40)
    parser.add_argument("--rate", type=float, default=20, help="connects a second that the fleet tries")
    parser.add_argument("--acts", type=float, default=3, help="acts a second that operators try")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--figures", type=pathlib.Path, help="where the figures go")
    parser.add_argument("--out", type=pathlib.Path, default=None, help="where the histories stay")
    options = parser.parse_args()
    if options.keepers < 1 or options.nodes < 2 or options.within <= 0:
        parser.error("at least one device, two nodes and some time")
    options.own_store = options.shared_file = False
    options.seconds = options.nodes * 60  # about
    return options


if __name__ == "__main__":
    sys.exit(cluster.play(read_options(), RollingRestart))
