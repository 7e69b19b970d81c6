# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL as Patroni looks after it, with etcd: a primary and a synchronous standby, each on a machine of its own,
and whoever has the lease in etcd is the primary. Nothing but Patroni promotes anybody here.
"""
import dataclasses
import json
import os
import pathlib
import secrets
import shutil
import signal
import urllib.request

from database import NAME, PORT, PROGRAMS, USER
from ground import wait_for

ETCD_PORT, API_PORT = 2379, 8008


@dataclasses.dataclass(frozen=True)
class Pace:
    """Of Patroni: how long its lease lasts, how often it looks, and how long it tries again: a look and two of those
    have to end within a lease."""

    ttl_s: int = 10
    loop_s: int = 1

    @property
    def retry_s(self):
        return max(1, min(10, (self.ttl_s - self.loop_s) // 3))


class Member:
    """One machine with Patroni and the server that it looks after."""

    def __init__(self, ground, name, folder, etcd, password, pace):
        self.machine, self.folder, self.name = ground.add(name), folder / name, name
        self.folder.mkdir()
        self.small_disk = False
        self.log, self.process = folder / f"{name}.log", None
        self.user = "postgres" if os.getuid() == 0 else None
        address = self.machine.address
        settings = {
            "scope": "latchkey", "name": name, "restapi": {"listen": f"{address}:{API_PORT}",
                                                           "connect_address": f"{address}:{API_PORT}"},
            "etcd3": {"host": f"{etcd}:{ETCD_PORT}"},
            "bootstrap": {
                "dcs": {"ttl": pace.ttl_s, "loop_wait": pace.loop_s, "retry_timeout": pace.retry_s,
                        "synchronous_mode": True, "maximum_lag_on_failover": 0, "master_start_timeout": 0,
                        "postgresql": {"use_pg_rewind": True, "parameters": {
                            "fsync": "on", "synchronous_commit": "on", "shared_buffers": "32MB", "wal_level": "replica",
                            "hot_standby": "on", "max_connections": 100}}},
                "initdb": ["data-checksums", {"encoding": "UTF8"}, {"locale": "C"}],
                "pg_hba": ["local all all trust", f"host replication {USER} samenet scram-sha-256",
                           "host all all samenet scram-sha-256"]},
            "postgresql": {
                "listen": f"{address}:{PORT}", "connect_address": f"{address}:{PORT}", "bin_dir": str(PROGRAMS),
                "data_dir": str(self.folder / "data"), "pgpass": str(self.folder / "pgpass"),
                "authentication": {"superuser": {"username": USER, "password": password},
                                   "replication": {"username": USER, "password": password}},
                "parameters": {"unix_socket_directories": str(self.folder)}},
            "watchdog": {"mode": "off"}}
        self.file = self.folder / "patroni.json"
        self.file.write_text(json.dumps(settings, indent=1))  # YAML reads JSON
        self.file.chmod(0o600)
        if self.user:
            for path in (self.folder, self.file):
                shutil.chown(path, self.user, self.user)

    def start(self):
        self.process = self.machine.start(["patroni", self.file], self.log, user=self.user, start_new_session=True,
                                          cwd=self.folder)

    def says(self):
        """Patroni's word on its server."""
        try:
            with urllib.request.urlopen(f"http://{self.machine.address}:{API_PORT}/patroni", timeout=2) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return {}

    def is_primary(self):
        return self.says().get("role") in ("master", "primary")

    def has_sync_standby(self):
        return any(other.get("sync_state") == "sync" for other in self.says().get("replication") or ())

    def lose_power(self):
        """Patroni and its server at once: nobody gives anything back."""
        for pid in self._pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def _pids(self):
        """Of Patroni and of what runs on its data folder."""
        found = [self.process.pid]
        try:
            pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            if os.path.realpath(f"/proc/{pid}/cwd") == os.path.realpath(self.folder / "data"):
                found.append(pid)
                found += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except (OSError, ValueError, IndexError):
            pass  # there is none
        return found


class PatroniPair:
    """The interface of database.Pair, as far as nodes need it. `servers` are its members."""

    def __init__(self, ground, folder, pace=Pace()):
        self.folder, self.pace, self.password = folder, pace, secrets.token_hex(16)
        self.etcd = ground.add("etcd")
        self.servers = [Member(ground, name, folder, self.etcd.address, self.password, pace) for name in ("pg1", "pg2")]

    def start(self):
        url = f"http://{self.etcd.address}"
        self.etcd.start(["etcd", "--data-dir", self.folder / "etcd", "--listen-client-urls", f"{url}:{ETCD_PORT}",
                         "--advertise-client-urls", f"{url}:{ETCD_PORT}", "--listen-peer-urls", f"{url}:2380",
                         "--initial-advertise-peer-urls", f"{url}:2380", "--initial-cluster", f"default={url}:2380",
                         "--logger", "zap"], self.folder / "etcd.log")
        for member in self.servers:
            member.start()
            wait_for(f"{member.name}, see {member.log}", lambda: any(one.is_primary() for one in self.servers), 180)
        self.wait_safe()
        self.etcd.run([PROGRAMS / "psql", "-XAtq", "-d", self.address("postgres"), "-c", f"CREATE DATABASE {NAME}"],
                      env={**os.environ, **self.environment()})

    def primary(self):
        return next((member for member in self.servers if member.is_primary()), None)

    def is_safe(self):
        primary = self.primary()
        return primary is not None and primary.has_sync_standby()

    def wait_safe(self):
        wait_for("a synchronous standby", self.is_safe, 180, 0.5)

    def wait_for_another(self, old):
        """Returns when a member other than that one says that it is the primary."""
        wait_for("another primary", lambda: any(one.is_primary() for one in self.servers if one is not old), 180, 0.05)

    def revive(self):
        """Patroni does."""

    def address(self, database=NAME, more=""):
        """Without the password, which processes are given by their environment."""
        hosts = ",".join(f"{member.machine.address}:{PORT}" for member in self.servers)
        return f"postgresql://{USER}@{hosts}/{database}?target_session_attrs=read-write&connect_timeout=2{more}"

    def environment(self):
        return {"PGPASSWORD": self.password}

    def stop(self):
        """Servers outlive their Patroni."""
        for member in self.servers:
            if member.process is not None:
                member.lose_power()
