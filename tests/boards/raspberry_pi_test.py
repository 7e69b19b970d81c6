# SPDX-License-Identifier: Apache-2.0
"""The agent's Debian package on a small Debian of another architecture, under emulation, against a real `latchkey up`:
installed, provisioned, revoked and back, upgraded with its identity, removed without losing it, purged with it.

    raspberry_pi_test.py --bin FOLDER_OF_LATCHKEY --package DEB --root FOLDER

ROOT is what `scripts/cmake/fetch-sysroot ARCH root` made. There is no systemd in it: what the unit says is read from the
installed unit and done by this test (user, folders, credential), so that its command line is the one that runs.
For root, because of chroot. Exit status 0 when all was seen, 77 when this machine cannot have the folder."""
import argparse
import base64
import hashlib
import hmac
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from hub import Failure, Hub, Process, expect, left_out, wait_for

DEVICE = "pi-1"
NOBODY = 65534
STATE, RUNTIME, CREDENTIALS = "/var/lib/latchkey-agent", "/run/latchkey-agent", "/run/credentials/latchkey-agent"
CONFIGURATION = "/etc/latchkey-agent"


class Pi:
    def __init__(self, root, hub, folder):
        self.root, self.hub, self.folder, self.process = root, hub, folder, None
        group = base64.b64decode(pathlib.Path(hub.endpoints["enrollmentKeyFile"]).read_text())
        self.key = base64.b64encode(hmac.new(group, DEVICE.encode(), hashlib.sha256).digest()).decode()

    def at(self, path):
        return self.root / path.lstrip("/")

    def dpkg(self, *arguments):
        done = subprocess.run(["chroot", self.root, "dpkg", *arguments], capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"dpkg {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def install(self, package):
        inside = self.at("/tmp") / package.name
        shutil.copy(package, inside)
        self.dpkg("--install", f"/tmp/{package.name}")
        inside.unlink()

    def unit(self, name):
        lines = self.at("/usr/lib/systemd/system/latchkey-agent.service").read_text().splitlines()
        return next(line.split("=", 1)[1] for line in lines if line.startswith(name + "="))

    def set_up(self):
        """What the manual page tells a person to do."""
        shutil.copy(self.hub.endpoints["caFile"], self.at(CONFIGURATION) / "servers.pem")
        write_private(self.at(CONFIGURATION) / "onboarding.key", self.key)
        file = self.at(CONFIGURATION) / "agent.conf"
        text = file.read_text()
        for name, value in (("registration-id", DEVICE), ("id-scope", self.hub.endpoints["idScope"]),
                            ("dps", self.hub.endpoints["dps"])):
            text, found = re.subn(rf'^#{name} = ".*"$', f'{name} = "{value}"', text, flags=re.MULTILINE)
            expect(found == 1, f"agent.conf has a line for {name}")
        file.write_text(text + 'retry-initial-ms = 200\nslow-retry-ms = 2000\n')

    def start(self):
        name, source = self.unit("LoadCredential").split(":")
        for path in (STATE, RUNTIME, CREDENTIALS):
            self.at(path).mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chown(self.at(path), NOBODY, NOBODY)
        credential = self.at(CREDENTIALS) / name
        credential.unlink(missing_ok=True)
        write_private(credential, self.at(source).read_text())
        os.chown(credential, NOBODY, NOBODY)
        command = self.unit("ExecStart")
        for variable, value in (("STATE_DIRECTORY", STATE), ("RUNTIME_DIRECTORY", RUNTIME),
                                ("CREDENTIALS_DIRECTORY", CREDENTIALS)):
            command = command.replace("${" + variable + "}", value)
        self.process = Process(["chroot", f"--userspec={NOBODY}:{NOBODY}", self.root, *shlex.split(command)], "/",
                               self.folder / "agent.log")

    def stop(self):
        if self.process is None:
            return None
        self.process.end()
        status, self.process = self.process.process.returncode, None
        return status

    def status(self):
        file = self.at(RUNTIME) / "status.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def connects(self, generation):
        def probe():
            if not self.process.running():
                raise Failure("the agent ended:\n" + self.process.text())
            status = self.status()
            return status if status.get("connected") and status["generation"] == generation else None
        return wait_for(f"connected with generation {generation}", probe)


def write_private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def newer(package, folder):
    """The same files under a higher version: what an upgrade is for dpkg."""
    unpacked = folder / "unpacked"
    subprocess.run(["dpkg-deb", "--raw-extract", package, unpacked], check=True)
    control = unpacked / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: (.*)$", r"Version: \1+newer", control.read_text(), flags=re.MULTILINE))
    made = folder / "newer.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", unpacked, made], check=True, stdout=subprocess.DEVNULL)
    return made


def steps(pi, package, folder):
    pi.install(package)
    version = pi.dpkg("--status", "latchkey-agent")
    yield "installed: " + re.search(r"^Version: .*$", version, re.MULTILINE).group()
    pi.set_up()
    pi.start()
    first = pi.connects(1)
    expect(first["provisioned_count"] == 1, f"provisioned once: {first}")
    yield f"provisioned, connected to {first['hub']} with serial {first['serial']}"

    pi.hub.cli("device", "revoke", "-n", DEVICE, "-y")
    back = pi.connects(2)
    expect(back["serial"] != first["serial"] and back["last_refusal"]["connack"] == 5, f"refused with CONNACK 5: {back}")
    yield f"revoked, refused with CONNACK 5, back with serial {back['serial']}"

    expect(pi.stop() == 0, "SIGTERM ends it in order")
    settings = (pi.at(CONFIGURATION) / "agent.conf").read_text()
    pi.install(newer(package, folder))
    expect("+newer" in pi.dpkg("--status", "latchkey-agent"), "the newer version is installed")
    expect((pi.at(CONFIGURATION) / "agent.conf").read_text() == settings, "an upgrade keeps agent.conf")
    pi.start()
    upgraded = pi.connects(2)
    expect(upgraded["serial"] == back["serial"] and upgraded["provisioned_count"] == 0,
           f"an upgrade keeps the identity: {upgraded}")
    yield "upgraded: connected with the identity of before"

    pi.stop()
    pi.dpkg("--remove", "latchkey-agent")
    expect(not pi.at("/usr/bin/latchkey-agent").exists(), "a removal removes the program")
    expect((pi.at(CONFIGURATION) / "agent.conf").read_text() == settings, "a removal keeps agent.conf")
    pi.install(package)
    pi.start()
    expect(pi.connects(2)["provisioned_count"] == 0, "a removal keeps the identity")
    pi.stop()
    yield "removed and installed again: connected with the identity of before"

    pi.dpkg("--purge", "latchkey-agent")
    expect(not pi.at(STATE).exists() and not pi.at(CONFIGURATION).exists(), "a purge leaves neither keys nor settings")
    yield "purged: no key is left"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", type=pathlib.Path, required=True)
    options.add_argument("--package", type=pathlib.Path, required=True)
    options.add_argument("--root", type=pathlib.Path, required=True)
    options = options.parse_args()
    left_out(options.root)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # a broker started by root runs as another user
        hub = Hub(options.bin.resolve(), folder, "ec-p256")
        pi = Pi(options.root.resolve(), hub, folder)
        try:
            pi.dpkg("--purge", "latchkey-agent")  # what a run that broke off left
            for line in steps(pi, options.package.resolve(), folder):
                print(line, flush=True)
            log = (folder / "agent.log").read_text(errors="replace")
            expect(pi.key not in log and "PRIVATE" not in log and "SharedAccessSignature" not in log, "no secret is logged")
        except Failure as failure:
            print(f"FAILED: {failure}", file=sys.stderr)
            if (folder / "agent.log").exists():
                print((folder / "agent.log").read_text(errors="replace"), file=sys.stderr)
            return 1
        finally:
            pi.stop()
            hub.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
