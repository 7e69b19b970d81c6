# SPDX-License-Identifier: Apache-2.0
"""A real `latchkey up` for tests of boards, and waiting for what is to be seen. Ends only what it started."""
import json
import pathlib
import subprocess
import sys
import time

PATIENCE_S = 300  # for one thing to happen; a machine may be slow


SKIPPED = 77  # SKIP_RETURN_CODE of these tests


class Failure(Exception):
    pass


def left_out(folder):
    """Ends the test as skipped when `scripts/cmake/fetch-sysroot` has found that this machine cannot have the folder."""
    reason = folder.with_name(folder.name + ".left-out")
    if reason.exists():
        print(f"skipped: {reason.read_text().strip()}")
        sys.exit(SKIPPED)


class NotSeen(Failure):
    pass


def wait_for(what, probe, patience_s=PATIENCE_S):
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.05)
    raise NotSeen(f"not seen within {patience_s} s: {what}")


class Process:
    def __init__(self, command, folder, log):
        self.log = pathlib.Path(log)
        self.output = open(self.log, "ab")
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=subprocess.STDOUT)

    def text(self):
        return self.log.read_text(errors="replace")

    def running(self):
        return self.process.poll() is None

    def end(self):
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.output.close()


class Hub:
    def __init__(self, programs, folder, key_profile, more=()):
        self.latchkey = str(programs / "latchkey")
        self.data = folder / "data"
        self.clock = folder / "clock.json"
        self.set_clock(0)
        endpoints = folder / "endpoints.json"
        self.process = Process([self.latchkey, "--data", self.data, "up", "--rehearsal", "--clock", self.clock,
                                "--dps", "127.0.0.1:0", "--hub", "127.0.0.2:0", "--endpoints-file", endpoints,
                                "--retry-after", "1", "--key-profile", key_profile, *more], folder, folder / "hub.log")
        try:
            wait_for("latchkey up", lambda: endpoints.exists() or not self.process.running())
            if not self.process.running():
                raise Failure("latchkey up ended:\n" + self.process.text())
        except Failure:
            self.end()
            raise
        self.endpoints = json.loads(endpoints.read_text())

    def set_clock(self, offset_s):
        aside = self.clock.with_suffix(".new")
        aside.write_text(json.dumps({"offset": offset_s, "rate": 1.0}))
        aside.rename(self.clock)

    def run(self, *arguments):
        """What the command line says."""
        done = subprocess.run([self.latchkey, "--data", self.data, "-o", "json", *map(str, arguments)], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)
        if done.returncode != 0:
            raise Failure(f"latchkey {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return done.stdout

    def cli(self, *arguments):
        said = self.run(*arguments)
        return json.loads(said) if said.strip() else None

    def clock_follows(self, offset_s):
        shown = self.cli("status")["clock"][:19]
        seen = time.mktime(time.strptime(shown, "%Y-%m-%dT%H:%M:%S")) - time.timezone
        return abs(seen - (time.time() + offset_s)) < 120

    def end(self):
        self.process.end()


def expect(true, claim):
    if not true:
        raise Failure(claim)
