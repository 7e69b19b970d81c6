#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fleet.py CONFIG.json: one process of simulated devices, until its standard input is closed.

Devices come and go: most connects are short, some sessions are held and get work done now and then, a device may come a
second time while its first session lives, and now and then one shows a certificate that it had before.
"""
import json
import pathlib
import random
import sys
import threading
import time

import device
from history import Recorder

OLD_SHOWN = 0.1  # share of connects with an older certificate
HELD = 0.15  # share of sessions that are held
MOST_HELD = 12  # by a thread
HELD_S = 25
MOST_BEHIND_S = 3
WORKED = 0.3  # share of short sessions that send something


class Device:
    def __init__(self, name, policy, folder):
        self.name, self.policy, self.folder = name, policy, folder
        folder.mkdir(exist_ok=True)
        self.identities = []
        self.not_before = 0.0  # when to provision again
        self.pause_s = 0.2

    def provision(self, crew):
        """As a device does that was refused: again and again, less and less often."""
        if time.monotonic() < self.not_before:
            return
        file = self.folder / f"{len(self.identities):05}.pem"
        identity = device.provision(crew.recorder, crew.place, self.name, file, crew.dice.choice(crew.place.dps),
                                    crew.dps_context, self.policy)
        if identity is None:
            self.not_before = time.monotonic() + self.pause_s * crew.dice.uniform(0.5, 1.5)
            self.pause_s = min(4.0, self.pause_s * 2)
            return
        self.pause_s = 0.2
        for old in self.identities[-3:-2]:
            old.context = None  # memory; it is loaded anew if it is ever shown again
        self.identities.append(identity)

    def choose(self, dice):
        old = len(self.identities) > 1 and dice.random() < OLD_SHOWN
        return dice.choice(self.identities[-6:-1]) if old else self.identities[-1]


class Held:
    def __init__(self, owner, session, link):
        self.owner, self.session, self.link = owner, session, link
        self.until = time.monotonic() + HELD_S


class Crew(threading.Thread):
    """One thread and its devices."""

    def __init__(self, config, number, recorder, place, stop):
        super().__init__(daemon=True)
        self.recorder, self.place, self.stop = recorder, place, stop
        self.dice = random.Random(f"{config['seed']}-{config['name']}-{number}")
        self.name = f"{config['name']}.{number}"
        self.pause_s = config["threads"] / config["rate"]
        self.policy = "policy:" + config["policy"]
        folder = pathlib.Path(config["identities"])
        self.devices = [Device(name, self.policy, folder / name)
                        for name in config["devices"][number::config["threads"]]]
        self.dps_context = device.client_context(place.ca_file)
        self.held, self.sessions = [], 0

    def run(self):
        due = time.monotonic()
        while not self.stop.is_set():
            self.visit(self.dice.choice(self.devices))
            self.mind_held()
            # What a pause of the hub has held up is made up for within seconds, not all at once
            due = max(due + self.pause_s * self.dice.uniform(0.5, 1.5), time.monotonic() - MOST_BEHIND_S)
            self.stop.wait(max(0.0, due - time.monotonic()))
        for held in self.held:
            held.link.leave()

    def visit(self, one):
        if not one.identities:
            one.provision(self)
            return
        identity = one.choose(self.dice)
        self.sessions += 1
        session = f"{self.name}-{self.sessions}"
        link, refused = device.connect(self.recorder, self.place, one.name, identity, self.dice.choice(self.place.hubs),
                                       session, policy=one.policy)
        if link is None:
            if refused and identity is one.identities[-1]:
                one.provision(self)
            elif not refused:
                self.stop.wait(0.1)
            return
        if self.dice.random() < HELD and len(self.held) < MOST_HELD:
            self.held.append(Held(one, session, link))
            return
        if self.dice.random() < WORKED:
            device.work(self.recorder, one.name, session, link)
        link.leave()

    def mind_held(self):
        if not self.held or self.dice.random() > 0.5:
            return
        held = self.dice.choice(self.held)
        lives = device.work(self.recorder, held.owner.name, held.session, held.link)
        if not lives or time.monotonic() > held.until:
            held.link.leave()
            self.held.remove(held)


def main():
    config = json.loads(pathlib.Path(sys.argv[1]).read_text())
    place = device.Place([tuple(a) for a in config["hubs"]], [tuple(a) for a in config["dps"]], config["ca"],
                         config["idScope"], config["key"])
    stop = threading.Event()
    with Recorder(pathlib.Path(config["out"]), config["name"]) as recorder:
        crews = [Crew(config, number, recorder, place, stop) for number in range(config["threads"])]
        for crew in crews:
            crew.start()
        sys.stdin.read()
        stop.set()
        for crew in crews:
            crew.join()


if __name__ == "__main__":
    main()
