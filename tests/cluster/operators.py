# SPDX-License-Identifier: Apache-2.0
"""Operators: they ask the nodes' management APIs for one thing after another, as the dice say, and write down what they
were answered. After a revoke was acknowledged they show the condemned certificate at once, at every node.
"""
import collections
import http.client
import json
import random
import socket
import threading
import time

import device
from history import OK, REFUSED, UNKNOWN, now_us

ANSWER_S = 60
PAGE = 1000
DEVICES = "/namespaces/default/devices/"
POLICIES = "/namespaces/default/credentials/default/policies/"
WEIGHTS = {"revoke": 8, "disable": 3, "delete": 1, "read": 8, "head": 3, "policy": 1, "enrollment": 2, "create": 1,
           "rotate": 0.15}


class NeverSent(Exception):
    """There was nobody to ask: it surely had no effect."""


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, file):
        super().__init__("hub", timeout=ANSWER_S)
        self.file = file

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self.file))
        except OSError as error:
            raise NeverSent(str(error)) from error


def request(socket_file, method, path, body=None):
    """Status and JSON. NeverSent, or OSError and HTTPException when it may have been done."""
    connection = _SocketConnection(socket_file)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        text = answer.read()
        try:
            return answer.status, json.loads(text) if text else {}
        except ValueError:
            return answer.status, {}
    finally:
        connection.close()


class Api:
    """The management of one node. Every call is recorded."""

    def __init__(self, recorder, socket_file):
        self.recorder, self.socket_file = recorder, socket_file

    def ask(self, method, path, body=None):
        """(outcome, answer, start, end)"""
        start = now_us()
        try:
            status, answer = request(self.socket_file, method, path, body)
            outcome = OK if status < 300 else REFUSED if status < 500 else UNKNOWN
        except NeverSent:
            outcome, answer = REFUSED, {}
        except (OSError, http.client.HTTPException):
            outcome, answer = UNKNOWN, {}
        return outcome, answer, start, now_us()

    def act(self, act, on, method, path, body=None, **more):
        outcome, answer, start, end = self.ask(method, path, body)
        self.recorder.record("op", act=act, on=on, outcome=outcome, start=start, end=end, **more)
        return outcome, answer

    def read(self, on, path, **more):
        """Looks at a resource; True when there was an answer."""
        outcome, answer, start, end = self.ask("GET", path)
        gone = answer.get("error", {}).get("code") == "ResourceNotFound"
        facts = {}
        if gone:
            outcome, facts = OK, {"exists": False}
        elif outcome == OK:
            seen = answer.get("properties", {})
            facts = {"exists": True, **{ours: seen[theirs] for ours, theirs in
                                        (("cid", "credentialId"), ("enabled", "enabled"), ("uuid", "uuid"))
                                        if on.startswith("device:")}}
        self.recorder.record("read", on=on, outcome=outcome, start=start, end=end, **facts, **more)
        return outcome == OK

    def head(self):
        outcome, answer, start, end = self.ask("GET", "/audit/head")
        if outcome == OK:
            self.recorder.record("head", outcome=OK, count=answer["count"], hash=answer["hash"], start=start, end=end)

    def pages(self, path):
        """All values of a list; None when an answer was missing."""
        values = []
        while path:
            outcome, answer, _, _ = self.ask("GET", path)
            if outcome != OK:
                return None
            values += answer["value"]
            path = answer.get("nextLink")
        return values


class Operator(threading.Thread):
    def __init__(self, number, seed, rate, recorder, nodes, place, identities, devices, policy):
        super().__init__(daemon=True)
        self.dice, self.number, self.rate = random.Random(f"{seed}-operator-{number}"), number, rate
        self.recorder, self.place, self.identities, self.devices = recorder, place, identities, devices
        self.apis = [Api(recorder, node) for node in nodes]
        self.devices_policy = policy
        self.stop = threading.Event()
        self.made, self.later = 0, []  # things of its own; what is to be enabled again, and when
        self.sessions = 0

    def run(self):
        choices, weights = zip(*WEIGHTS.items())
        while not self.stop.wait(self.dice.uniform(0.5, 1.5) / self.rate):
            self.enable_again()
            getattr(self, self.dice.choices(choices, weights)[0])(self.dice.choice(self.devices),
                                                                 self.dice.choice(self.apis))

    def enable_again(self):
        due = [one for one in self.later if one[0] < time.monotonic()]
        for one in due:
            self.later.remove(one)
            outcome, _ = self.dice.choice(self.apis).act(
                "device.enable", f"device:{one[1]}", "PATCH", DEVICES + one[1], {"properties": {"enabled": True}})
            if outcome != OK:
                self.later.append((time.monotonic() + 2, one[1], one[2] + 1))
        self.later = [one for one in self.later if one[2] < 10]

    def newest(self, name):
        files = sorted((self.identities / name).glob("*.pem"))[-2:]
        return [device.Identity(file) for file in files]

    def show(self, name, identities):
        """Whoever was condemned a moment ago, at every door."""
        for identity in identities:
            for hub in self.place.hubs:
                self.sessions += 1
                session = f"operator{self.number}-{self.sessions}"
                link, _ = device.connect(self.recorder, self.place, name, identity, hub, session,
                                         policy="policy:" + self.devices_policy)
                if link is not None:
                    link.leave()

    def revoke(self, name, api):
        identities = self.newest(name)
        outcome, _ = api.act("device.revoke", f"device:{name}", "POST", DEVICES + name + "/revoke", {})
        if outcome == OK:
            self.show(name, identities)

    def disable(self, name, api):
        if any(one[1] == name for one in self.later):
            return
        identities = self.newest(name)
        outcome, _ = api.act("device.disable", f"device:{name}", "PATCH", DEVICES + name,
                             {"properties": {"enabled": False}})
        if outcome != REFUSED:
            self.later.append((time.monotonic() + self.dice.uniform(0.5, 4), name, 0))
        if outcome == OK:
            self.show(name, identities)

    def delete(self, name, api):
        if any(one[1] == name for one in self.later):
            return
        identities = self.newest(name)
        outcome, _ = api.act("device.delete", f"device:{name}", "DELETE", DEVICES + name)
        if outcome == OK:
            self.show(name, identities)

    def read(self, name, api):
        api.read(f"device:{name}", DEVICES + name)

    def head(self, _, api):
        api.head()

    def own_name(self, what):
        self.made += 1
        return f"{what}-{self.number}-{self.made}"

    def policy(self, _, api):
        name = self.own_name("line")
        outcome, _ = api.act("policy.create", f"policy:{name}", "PUT", POLICIES + name, {})
        if outcome == OK and self.dice.random() < 0.7:
            self.dice.choice(self.apis).act("policy.delete", f"policy:{name}", "DELETE", POLICIES + name)

    def create(self, _, api):
        name = self.own_name("made")
        api.act("device.create", f"device:{name}", "PUT", DEVICES + name, {})

    def enrollment(self, _, api):
        name = self.own_name("enrolled")
        outcome, _ = api.act("enrollment.create", f"enrollment:{name}", "PUT", "/enrollments/" + name,
                             {"attestation": {"type": "symmetricKey"}})
        if outcome == OK and self.dice.random() < 0.5:
            self.dice.choice(self.apis).act("enrollment.delete", f"enrollment:{name}", "DELETE", "/enrollments/" + name)

    def rotate(self, _, api):
        """Only one operator does, so that the issuer that it sees is the one that it replaces."""
        if self.number != 0:
            return
        outcome, seen, _, _ = api.ask("GET", POLICIES + self.devices_policy)
        if outcome != OK:
            return
        issuer = seen["properties"]["certificate"]["certificateAuthorityConfiguration"]["subject"]
        api.act("policy.revoke", f"policy:{self.devices_policy}", "POST",
                POLICIES + self.devices_policy + "/revokeIssuer", {}, issuer=issuer)


def read_everything(recorder, socket_file, seen):
    """The registry in the end. `seen`: names by kind of resource; False when an answer was missing."""
    api = Api(recorder, socket_file)
    paths = {"device": DEVICES, "policy": POLICIES, "enrollment": "/enrollments/"}
    for kind, names in seen.items():
        for name in sorted(names):
            if not api.read(f"{kind}:{name}", paths[kind] + name, final=True):
                return False
    start = now_us()
    devices = api.pages(f"/namespaces/default/devices?top={PAGE}")
    audit = api.pages(f"/audit?top={PAGE}&from=1")
    if devices is None or audit is None:
        return False
    recorder.record("list", of="devices", ids=[one["name"] for one in devices],
                    uuids=[one["properties"]["uuid"] for one in devices], start=start, end=now_us())
    for record in audit:
        recorder.record("audit", record={key: value for key, value in record.items() if key != "at"})
    return True


def touched(folder):
    """The resources that histories name, by kind, for them to be read in the end."""
    names = collections.defaultdict(set)
    for file in folder.glob("history-*.jsonl"):
        with open(file, encoding="ascii") as lines:
            for line in lines:
                record = json.loads(line)
                if record["k"] == "op":
                    kind, name = record["on"].split(":", 1)
                    names[kind].add(name)
    return names
