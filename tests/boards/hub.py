# SPDX-License-Identifier: Apache-2.0
"""A real `latchkey up` for tests of boards, and waiting for what is to be seen. Ends only what it started."""
import json
import pathlib
import subprocess
import time

PATIENCE_S = 300  # for one thing to happen; a machine may be slow


class Failure(Exception):
    pass


def wait_for(what, probe):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.05)
    raise Failure(f"not seen within {PATIENCE_S} s: {what}")


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
    def __init__(self, programs, folder, key_profile):
        self.latchkey = str(programs / "latchkey")
        self.data = folder / "data"
        self.clock = folder / "clock.json"
        self.set_clock(0)
        endpoints = folder / "endpoints.json"
        self.process = Process([self.latchkey, "--data", self.data, "up", "--rehearsal", "--clock", self.clock,
                                "--dps", "127.0.0.1:0", "--hub", "127.0.0.2:0", "--endpoints-file", endpoints,
                                "--retry-after", "1", "--key-profile", key_profile], folder, folder / "hub.log")
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

    def cli(self, *arguments):
        done = subprocess.run([self.latchkey, "--data", self.data, "-o", "json", *arguments], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)
        if done.returncode != 0:
            raise Failure(f"latchkey {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def clock_follows(self, offset_s):
        shown = self.cli("status")["clock"][:19]
        seen = time.mktime(time.strptime(shown, "%Y-%m-%dT%H:%M:%S")) - time.timezone
        return abs(seen - (time.time() + offset_s)) < 120

    def end(self):
        self.process.end()


def expect(true, claim):
    if not true:
        raise Failure(claim)
