# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL as nodes use it: a primary and a synchronous standby, each on a machine of its own, from Debian's package.

While a standby streams, a commit is acknowledged when both have it on disk. Without one the primary goes on alone, and
must not be killed then: `is_safe` says whether it may be.
"""
import os
import pathlib
import secrets
import shutil
import signal
import time

from ground import wait_for

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
PORT, NAME, USER = 5432, "latchkey", "latchkey"
DISK_MIB = 1024
AGAIN_S = 2  # between two attempts to start what falls again and again
SETTINGS = """
fsync = on
synchronous_commit = on
max_wal_senders = 8
wal_level = replica
hot_standby = on
max_wal_size = 256MB
shared_buffers = 64MB
wal_receiver_status_interval = 1s
wal_sender_timeout = 5s
wal_receiver_timeout = 5s
tcp_keepalives_idle = 2
tcp_keepalives_interval = 1
tcp_keepalives_count = 3
log_min_messages = warning
"""


def is_installed():
    return (PROGRAMS / "postgres").exists()


class Server:
    def __init__(self, machine, folder, password, small_disk):
        self.machine, self.password, self.name = machine, password, machine.name
        self.folder = folder / machine.name
        self.small_disk = small_disk and machine.ground.small_disk(self.folder, DISK_MIB)
        self.folder.mkdir(exist_ok=True)
        self.data, self.log = self.folder / "data", folder / f"{machine.name}.log"
        self.user = "postgres" if os.getuid() == 0 else None
        self.process, self.down, self.launched = None, False, 0.0
        if self.user:
            shutil.chown(self.folder, self.user, self.user)

    def _run(self, program, *arguments, check=True, **more):
        environment = {**os.environ, "PGPASSWORD": self.password, "LC_ALL": "C"}
        return self.machine.run([PROGRAMS / program, *arguments], user=self.user, env=environment, check=check, **more)

    def make(self):
        """A new, empty cluster."""
        secret = self.folder / "password"
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as out:
            out.write(self.password)
        if self.user:
            shutil.chown(secret, self.user, self.user)
        self._run("initdb", "-D", self.data, "-U", USER, "--pwfile", secret, "--auth", "scram-sha-256", "-E", "UTF8",
                  "--no-locale")
        secret.unlink()
        with open(self.data / "postgresql.conf", "a", encoding="ascii") as out:
            out.write(SETTINGS)
        with open(self.data / "pg_hba.conf", "a", encoding="ascii") as out:
            out.write("host all all samenet scram-sha-256\nhost replication all samenet scram-sha-256\n")

    def clone(self, primary):
        if self.data.exists():
            shutil.rmtree(self.data)
        self._run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-d",
                  f"host={primary.machine.address} port={PORT} user={USER} application_name={self.name}")

    def start(self):
        self.launch()
        wait_for(f"{self.name}, see {self.log}", self.answers)

    def launch(self):
        """Begins to start."""
        self.down, self.launched = False, time.monotonic()
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        self.process = self.machine.start(
            [PROGRAMS / "postgres", "-D", self.data, "-c", f"listen_addresses={self.machine.address}", "-c",
             f"port={PORT}", "-c", f"unix_socket_directories={self.folder}"], self.log, user=self.user)

    def answers(self):
        return self._run("pg_isready", "-q", "-h", self.machine.address, "-p", str(PORT), check=False).returncode == 0

    def sql(self, statement, database="postgres", check=True):
        return self._run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.machine.address, "-p", str(PORT), "-U",
                         USER, "-d", database, "-c", statement, check=check).stdout.strip()

    def fell(self):
        """It ended by itself, a while ago at least."""
        return (not self.down and self.process is not None and self.process.poll() is not None and
                time.monotonic() > self.launched + AGAIN_S)

    def kill(self):
        """As when the machine loses power: nobody says goodbye."""
        self.down = True
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in [self.process.pid, *map(int, children)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def fill_disk(self):
        self.machine.ground.fill_disk(self.folder)

    def free_disk(self):
        self.machine.ground.free_disk(self.folder, DISK_MIB)


class Pair:
    """Two servers; which is the primary changes. `small_disks`: in memory, so that they can be filled."""

    def __init__(self, ground, folder, small_disks=True):
        self.password = secrets.token_hex(16)
        self.servers = [Server(ground.add(name), folder, self.password, small_disks) for name in ("pg1", "pg2")]
        self.primary, self.standby = self.servers

    def start(self):
        self.primary.make()
        self.primary.start()
        self.primary.sql(f"CREATE DATABASE {NAME}")
        self.attach(self.standby)

    def attach(self, server):
        """That server becomes the standby, and commits wait for it from now on."""
        self.standby = server
        server.clone(self.primary)
        server.start()
        wait_for("the standby", lambda: self.state() in ("async", "sync", "quorum"))
        self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.sql("SELECT pg_reload_conf()")
        wait_for("the standby to be synchronous", self.is_safe)

    def state(self):
        return self.primary.sql("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'", check=False)

    def is_safe(self):
        return self.state() == "sync"

    def promote(self):
        """The primary is dead; its standby takes over, alone for now."""
        self.primary, self.standby = self.standby, None
        self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        self.primary.sql("SELECT pg_promote(true, 60)")

    def rebuild(self, server):
        self.attach(server)

    def revive(self):
        """What fell over (a full disk ends a server) is started again, as a service manager would, and not waited for:
        whoever calls may be the one who has to free that disk."""
        for server in self.servers:
            if server.fell():
                server.launch()

    def address(self):
        """Without the password, which processes are given by their environment: command lines are everybody's."""
        hosts = ",".join(f"{server.machine.address}:{PORT}" for server in self.servers)
        return f"postgresql://{USER}@{hosts}/{NAME}?target_session_attrs=read-write&connect_timeout=2"

    def environment(self):
        return {"PGPASSWORD": self.password}
