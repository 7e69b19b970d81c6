# SPDX-License-Identifier: Apache-2.0
"""A hub node: `latchkey up` with its own data folder on a machine of its own."""
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess

import device
import operators
from ground import end, wait_for

HAPROXY = "/usr/sbin/haproxy"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
READY_S = 180
DISK_MIB = 512
MOST_FALLS = 20  # while it is waited for


def options_of(binaries):
    """The options that this `latchkey up` has."""
    told = subprocess.run([binaries / "latchkey", "up", "--help"], capture_output=True, text=True, check=True).stdout
    return {word for word in told.split() if word.startswith("--")}


def sharing(binaries, folder, store, known):
    """The options that all nodes on one database have."""
    options = ["--store", store]
    if "--keys" in known:
        file = folder / "node.key"
        if not file.exists():
            subprocess.run([binaries / "latchkey", "keys", "new", file], check=True, stdout=subprocess.DEVNULL)
        options += ["--keys", f"sealed:{file}"]
    return options


def text(address):
    return "%s:%d" % address


class Front:
    """HAProxy before all nodes, as `latchkey up --print-haproxy` wants it."""

    def __init__(self, binaries, machine, folder, nodes):
        self.machine, self.log = machine, folder / f"{machine.name}.log"
        ports = [machine.ground.free_port(machine.address) for _ in range(2)]
        self.dps, self.hub = ((machine.address, port) for port in ports)
        told = [f"--print-haproxy={node.name}={text(node.dps)},{text(node.hub)},{text(node.health)}" for node in nodes]
        self.file = folder / "haproxy.cfg"
        self.file.write_text(subprocess.run([binaries / "latchkey", "up", "--dps", text(self.dps), "--hub",
                                             text(self.hub), *told], check=True, capture_output=True, text=True).stdout)

    def start(self):
        self.machine.start([HAPROXY, "-db", "-f", self.file], self.log)


class Node:
    """`clock`: its wall clock can be set wrong, which makes each look at it dearer."""

    def __init__(self, binaries, machine, folder, more=(), environment=None, has_health=False, clock=True):
        self.binaries, self.machine, self.folder, self.more = binaries, machine, folder, list(more)
        self.environment, self.has_health = environment or {}, has_health
        self.clock = clock and os.path.exists(FAKETIME)
        self.name, self.data = machine.name, folder / machine.name / "data"
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.data.parent.chmod(0o755)
        self.log = folder / f"{self.name}.log"
        self.socket = self.data / "run" / "management.sock"
        self.endpoints_file = self.data.parent / "endpoints.json"
        ports = [machine.ground.free_port(machine.address) for _ in range(3)]
        self.dps, self.hub, self.health = ((machine.address, port) for port in ports)
        self.clock_file = self.data.parent / "clock"
        self.process, self.down, self.falls, self.stopped = None, False, 0, set()
        self.fingerprint = None  # of its server certificate

    def start(self):
        """Begins to start."""
        self.down = False
        self.endpoints_file.unlink(missing_ok=True)
        self.set_clock(0)
        environment = dict(self.environment)
        if self.clock:
            environment |= {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(self.clock_file),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        health = ["--health", text(self.health)] if self.has_health else []
        self.process = self.machine.start(
            [self.binaries / "latchkey", "--data", self.data, "up", "--dps", text(self.dps), "--hub", text(self.hub),
             "--status-listen", "off", "--https-listen", "off", "--retry-after", "0", "--endpoints-file",
             self.endpoints_file, *health, *self.more], self.log, environment)

    def share_file(self, first):
        """Its registry, CA keys and server CA are those of the first: a cluster without a database."""
        self.data.mkdir()
        description = json.loads((first.data / "folder.json").read_text())
        description["nonce"] = secrets.token_hex(len(description["nonce"]) // 2)
        (self.data / "folder.json").write_text(json.dumps(description))
        (self.data / "registry.db").symlink_to(first.data / "registry.db")
        self.machine.ground.bind(first.data / "keys", self.data / "keys")
        (self.data / "tls").mkdir()
        for file in (first.data / "tls").glob("server-ca*"):
            shutil.copy(file, self.data / "tls")

    def status(self):
        """What it says of itself; None when it says nothing."""
        try:
            code, answer = operators.request(self.socket, "GET", "/status", None)
            return answer if code == 200 else None
        except (OSError, operators.NeverSent, http.client.HTTPException):
            return None

    def is_ready(self):
        status = self.status()
        return status is not None and all(gate["ready"] for gate in status["gates"])

    def wait_ready(self):
        falls = self.falls + MOST_FALLS

        def done():
            if self.falls > falls:
                raise RuntimeError(f"{self.name} cannot start; see {self.log}")
            self.revive()
            return self.endpoints_file.exists() and self.is_ready()
        wait_for(f"{self.name}, see {self.log}", done, READY_S)

    def endpoints(self):
        return json.loads(self.endpoints_file.read_text())

    def look_at_certificate(self, ca_file):
        """By what clients know this node."""
        try:
            self.fingerprint = device.node_at(self.hub, ca_file)
        except OSError:
            self.fingerprint = None

    def broker_pids(self):
        status = self.status()
        return [gate["brokerPid"] for gate in status["gates"] if gate["brokerPid"] > 1] if status else []

    def signal(self, pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        self.down = True
        self.process.kill()
        self.process.wait()

    def revive(self):
        """It ended, and nobody wanted it to: started again, as a service manager would."""
        if not self.down and self.process.poll() is not None:
            self.falls += 1
            print(f"  {self.name} ended by itself, status {self.process.returncode}", flush=True)
            self.start()

    def pause(self, pids):
        self.stopped |= set(pids)
        self.signal(pids, signal.SIGSTOP)

    def go_on(self):
        self.signal(self.stopped, signal.SIGCONT)
        self.stopped.clear()

    def set_clock(self, offset_s):
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(f"{offset_s:+d}\n")
        fresh.chmod(0o644)
        fresh.rename(self.clock_file)

    def fill_disk(self):
        """Nothing can be written any more, until `free_disk`."""
        self.machine.ground.fill_disk(self.data)

    def free_disk(self):
        self.machine.ground.free_disk(self.data, DISK_MIB)

    def stop(self):
        self.down = True
        self.go_on()
        end(self.process)
