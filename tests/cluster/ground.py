# SPDX-License-Identifier: Apache-2.0
"""Where a test cluster runs: one network namespace for each machine that is played, all on one bridge, or, where only
root may have these and we are not, loopback addresses. Whatever it starts, it ends, also after a failure: processes by
their ids, namespaces by names of its own prefix, which carry the id of the process that made them.
"""
import ctypes
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

PREFIX = "lkcluster"
NET = "10.211.0."
PR_SET_PDEATHSIG, CLONE_NEWNET = 1, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True).stdout


def _alive(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def wait_for(what, done, patience_s=120, pause_s=0.05):
    give_up = time.monotonic() + patience_s
    while not done():
        if time.monotonic() > give_up:
            raise TimeoutError(f"waited {patience_s} s in vain for {what}")
        time.sleep(pause_s)


def end(process, patience_s=60):
    """As politely as it lets us."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Machine:
    """One machine that is played: an address of its own, and processes on it."""

    def __init__(self, ground, name, address, namespace):
        self.ground, self.name, self.address, self.namespace = ground, name, address, namespace

    def _inside(self, command):
        command = [str(part) for part in command]
        return ["ip", "netns", "exec", self.namespace, *command] if self.namespace else command

    def start(self, command, log, environment=None, user=None, **more):
        with open(log, "ab") as out:
            process = subprocess.Popen(self._inside(_as(user) + list(command)), stdout=out, stderr=out,
                                       env={**os.environ, **(environment or {})}, preexec_fn=_die_with_parent, **more)
        self.ground.processes.append(process)
        return process

    def run(self, command, check=True, user=None, **more):
        return subprocess.run(self._inside(_as(user) + list(command)), check=check, capture_output=True, text=True,
                              **more)

    def cut_off(self, address):
        """Nothing goes to that address or comes from there, and nobody is told."""
        rules = (f"table inet {PREFIX} {{ chain in {{ type filter hook input priority 0; ip saddr {address} drop; }}\n"
                 f"chain out {{ type filter hook output priority 0; ip daddr {address} drop; }}\n}}\n")
        self.run(["nft", "-f", "-"], input=rules)

    def heal(self):
        self.run(["nft", "delete", "table", "inet", PREFIX], check=False)


def _as(user):
    return ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user and os.getuid() == 0 else []


class Ground:
    """`apart`: each machine has a namespace of its own, else all share one, as addresses of its loopback."""

    def __init__(self, folder, apart=True):
        self.folder, self.processes, self.namespaces, self.mounts = folder, [], [], []
        self.machines, self.apart, self.ports = 0, apart, set()
        remove_leftovers()
        self.isolated = os.getuid() == 0 and self._try_namespaces()
        self.can_mount = os.getuid() == 0

    def _try_namespaces(self):
        try:
            self._add_namespace("net")
            if not self.apart:
                return True
            ip("-n", self.namespaces[0], "link", "add", "bridge", "type", "bridge")
            ip("-n", self.namespaces[0], "addr", "add", NET + "1/24", "dev", "bridge")
            ip("-n", self.namespaces[0], "link", "set", "bridge", "up")
            return True
        except (OSError, subprocess.CalledProcessError):
            self._remove_namespaces()
            return False

    def _add_namespace(self, name):
        namespace = f"{PREFIX}-{os.getpid()}-{name}"
        ip("netns", "add", namespace)
        self.namespaces.append(namespace)
        ip("-n", namespace, "link", "set", "lo", "up")
        return namespace

    def add(self, name):
        self.machines += 1
        if not self.isolated or not self.apart:
            return Machine(self, name, f"127.0.1.{self.machines}", self.namespaces[0] if self.isolated else None)
        namespace, address = self._add_namespace(name), f"{NET}{10 + self.machines}"
        port = f"port{self.machines}"
        ip("link", "add", port, "netns", self.namespaces[0], "type", "veth", "peer", "name", "eth0", "netns", namespace)
        ip("-n", self.namespaces[0], "link", "set", port, "master", "bridge", "up")
        ip("-n", namespace, "addr", "add", address + "/24", "dev", "eth0")
        ip("-n", namespace, "link", "set", "eth0", "up")
        return Machine(self, name, address, namespace)

    def enter(self):
        """This thread, and those that it starts, are on the network of the clients from now on."""
        if self.isolated:
            with open(f"/run/netns/{self.namespaces[0]}", "rb") as namespace:
                if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")

    def clients(self):
        """The machine where clients are."""
        return Machine(self, "clients", NET + "1" if self.isolated and self.apart else "127.0.0.1",
                       self.namespaces[0] if self.isolated else None)

    def small_disk(self, folder, mib):
        """A file system of that size at that folder; False where only root may."""
        folder.mkdir(parents=True, exist_ok=True)
        if not self.can_mount or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", PREFIX, folder],
                                                check=False, capture_output=True).returncode != 0:
            return False
        self.mounts.append(folder)
        return True

    @staticmethod
    def fill_disk(folder):
        """A small disk takes nothing more: it becomes as big as what is on it."""
        for _ in range(100):  # somebody may write meanwhile, and then it is refused
            disk = os.statvfs(folder)
            size = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
            if subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=False,
                              capture_output=True).returncode == 0:
                return
        raise RuntimeError(f"{folder} cannot be filled")

    @staticmethod
    def free_disk(folder, mib):
        subprocess.run(["mount", "-o", f"remount,size={mib}m", folder], check=True)

    def bind(self, source, target):
        """The same folder at a second place; only root may."""
        target.mkdir(mode=0o700)
        subprocess.run(["mount", "--bind", source, target], check=True)
        self.mounts.append(target)

    def free_port(self, address):
        """Below those that the kernel gives to outgoing connections: while a node does not run, one could take it."""
        for port in random.sample(range(16384, 32768), 1000):
            with socket.socket() as probe:
                try:
                    probe.bind((address if not self.isolated else "127.0.0.1", port))
                except OSError:
                    continue
            if port not in self.ports:
                self.ports.add(port)
                return port
        raise RuntimeError(f"no free port at {address}")

    def _remove_namespaces(self):
        for namespace in reversed(self.namespaces):
            _kill_all(namespace)
            ip("netns", "del", namespace, check=False)
        self.namespaces = []

    def clean(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
                process.wait()
        _kill_by_folder(self.folder)
        self._remove_namespaces()
        for mount in reversed(self.mounts):
            subprocess.run(["umount", "-l", mount], check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clean()


def _kill(pids):
    for pid in pids:
        if pid > 1 and pid != os.getpid():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def _kill_all(namespace):
    _kill(int(pid) for pid in ip("netns", "pids", namespace, check=False).split())  # but ourselves, if we entered it


def _kill_by_folder(folder):
    """Brokers have sessions of their own: they are known by the folder of their configuration."""
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if command.startswith((b"/usr/sbin/mosquitto", b"/usr/sbin/haproxy")) and f"{folder}/".encode() in command:
                _kill([int(entry.name)])


def remove_leftovers():
    """Of a run that was killed: its namespaces carry the id of a process that is no more."""
    if os.getuid() != 0:
        return
    for line in ip("netns", "list", check=False).splitlines():
        parts = line.split()[0].split("-")
        if parts[0] == PREFIX and len(parts) == 3 and parts[1].isdigit() and not _alive(parts[1]):
            _kill_all(line.split()[0])
            ip("netns", "del", line.split()[0], check=False)
