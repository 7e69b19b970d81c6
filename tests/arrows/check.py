# SPDX-License-Identifier: Apache-2.0
"""Holds the arrows of the house: which room may include which, and that what a room keeps in internal/ is seen by that
room and its unit tests alone. Exit status 1 names every include that does not follow."""
import pathlib
import re
import sys

# Room -> rooms that it may include beside itself. A name without a slash stands for all rooms below it.
MAY_INCLUDE = {
    "platform/base": [],
    "platform/ports": ["platform/base"],
    "platform/crypto": ["platform/base"],
    "platform/files": ["platform/base"],
    "platform/openssl": ["platform/ports", "platform/base"],
    "platform/posix": ["platform/ports", "platform/crypto", "platform/files", "platform/base"],
    "platform/mqtt": ["platform/ports", "platform/base"],
    "platform/flash": ["platform/ports", "platform/base"],
    "platform/tls": ["platform/mqtt", "platform/crypto", "platform/ports", "platform/base"],
    "platform/semihosting": ["platform/flash", "platform/ports", "platform/base"],
    "platform/cortex_m": ["platform/semihosting", "platform/tls", "platform/ports", "platform/base"],
    "platform/riscv": ["platform/semihosting", "platform/tls", "platform/ports", "platform/base"],
    "platform/esp_idf": ["platform/ports", "platform/base"],
    "platform/sim": ["platform/ports", "platform/crypto", "platform/base"],
    "agent/protocol": ["platform/base"],
    "agent/update": ["agent/protocol", "platform/ports", "platform/crypto", "platform/base"],
    "agent/core": ["agent/protocol", "platform/ports", "platform/crypto", "platform/base"],
    "agent/story": ["agent/core", "agent/update", "agent/protocol", "platform/ports", "platform/crypto", "platform/base"],
    "registry/model": ["platform/base", "platform/ports"],
    "registry/roles": ["platform/ports", "platform/base"],
    "registry/table": ["registry/model", "platform/base"],
    "registry/store": ["registry/model", "registry/roles", "platform/ports", "platform/base"],
    "registry/operations": ["registry/store", "registry/model", "registry/roles", "platform/ports", "platform/base"],
    "registry/signing": ["registry/operations", "registry/store", "registry/model", "platform/ports", "platform/base"],
    "registry/firmware": ["registry/operations", "registry/store", "registry/model", "platform/base"],
    "registry/cluster": ["registry/store", "registry/model", "platform/base"],
    "hub/wire": ["registry/model", "platform/base"],
    "hub/ports": ["registry/operations"],
    "hub/text": ["platform/base"],
    "hub/memory": [],
    "hub/throttle": ["platform/base"],
    "hub/gate": ["registry/table", "registry/model", "hub/memory", "hub/wire", "agent/protocol", "platform/openssl", "platform/base"],
    "hub/link": ["hub/wire", "registry/operations", "registry/model", "platform/base"],
    "hub/brokers": ["registry/model", "platform/openssl", "platform/files", "platform/base"],
    "hub/ca": ["registry/operations", "registry/model", "platform/openssl", "platform/files", "platform/base"],
    "hub/provisioning": ["hub/ports", "registry/operations", "registry/model", "hub/wire", "hub/text", "hub/throttle",
                         "agent/protocol", "platform"],
    "hub/session": ["hub/ports", "registry/operations", "registry/model", "hub/wire", "hub/text", "hub/throttle",
                    "agent/protocol", "platform"],
    "hub/http": ["registry/model", "platform/base"],
    "hub/revocation": ["hub/http", "hub/text", "registry/operations", "registry/model", "platform/openssl", "platform/files",
                       "platform/base"],
    "hub/watch": ["hub/http", "registry/operations", "registry/model", "platform/base"],
    "hub/twin": ["registry/operations", "registry/model", "hub/wire", "hub/text", "agent/protocol", "platform/base"],
    "hub/management": ["hub/ports", "hub/http", "registry/operations", "registry/signing", "registry/firmware", "registry/model",
                       "registry/roles",
                       "hub/wire", "hub/text", "hub/throttle", "hub/signing/certificates", "hub/signing/documents", "platform"],
    "hub/rehearsal": ["hub/http", "hub/text", "registry/operations", "registry/model", "platform/posix", "platform/files",
                      "platform/ports", "platform/base"],
    "hub/signing/base": ["platform/openssl", "platform/base"],
    "hub/signing/documents": ["hub/signing/base", "platform/base"],
    "hub/signing/outbox": ["registry/signing", "registry/model", "hub/text", "platform/files", "platform/base"],
    "hub/signing/certificates": ["hub/signing/base", "platform/openssl", "platform/base"],
    "hub/signing/timestamp": ["hub/signing/certificates", "hub/signing/base", "platform/openssl", "platform/base"],
    "hub/signing/signature": ["hub/signing/certificates", "hub/signing/base", "platform/openssl", "platform/base"],
    "hub/signing/authenticode": ["hub/signing/signature", "hub/signing/base", "platform/base"],
    "hub/signing/bundle": ["hub/signing/signature", "hub/signing/base", "agent/update", "platform/base"],
    "hub/signing/statements": ["hub/signing/certificates", "hub/signing/base", "agent/update", "platform/openssl",
                               "platform/base"],
    "hub/signing/verification": ["hub/signing", "hub/text", "platform/openssl", "platform/base"],
    "hub/signing/service": ["hub/signing", "hub/text", "registry/signing", "registry/operations", "registry/model",
                            "platform/openssl", "platform/base"],
    "hub/signing/data": ["hub/signing", "hub/http", "hub/text", "registry/signing", "registry/operations", "registry/model",
                         "platform/base"],
    "hub/firmware": ["hub/wire", "hub/text", "hub/throttle", "hub/signing/bundle", "hub/signing/statements",
                     "hub/signing/certificates", "hub/signing/base", "registry/firmware", "registry/signing",
                     "registry/operations", "registry/model", "agent/protocol", "agent/update", "platform/files",
                     "platform/openssl", "platform/base"],
    "hub/cli": ["platform/base"],
    "hub/app/base": ["hub/brokers", "hub/ca", "hub/http", "hub/management", "hub/wire", "registry", "platform"],
    "hub/app/endpoints": ["hub/app/base", "hub/brokers", "hub/firmware", "hub/link", "hub/management", "hub/ports",
                          "hub/provisioning", "hub/session", "hub/twin", "hub/watch", "hub/wire", "registry",
                          "agent/protocol", "platform"],
    "hub/app/nodes": ["hub/app/endpoints", "hub/app/base", "hub/brokers", "hub/ca", "hub/management", "registry",
                      "platform"],
    "hub/app/signing": ["hub/app/base", "hub/brokers", "hub/ca", "hub/http", "hub/management", "hub/revocation",
                        "hub/signing", "hub/text", "registry", "platform"],
    "hub/app/verbs": ["hub/app/nodes", "hub/app/base", "hub/ca", "hub/cli", "hub/signing", "hub/text", "registry",
                      "platform"],
    "hub/app/process": ["hub", "registry", "agent/protocol", "platform"],
    "boards/host": ["agent", "platform"],
    "boards/emulated": ["agent", "platform"],
    "boards/cortex_m": ["boards/emulated", "agent", "platform"],
    "boards/riscv": ["boards/emulated", "agent", "platform"],
    "boards/esp32": ["agent", "platform"],
    "boards/fleet/history": ["platform/files", "platform/base"],
    "boards/fleet/scenario": ["hub/text", "platform/base"],
    "boards/fleet/forecast": ["boards/fleet/scenario", "hub/text", "agent", "platform"],
    "boards/fleet/report": ["boards/fleet/history", "boards/fleet/scenario", "platform/files", "platform/base"],
    "boards/fleet/swarm": ["boards/fleet/history", "boards/fleet/scenario", "agent", "platform"],
    "boards/fleet/verify": ["boards/fleet/history", "platform/base"],
    "boards/fleet/program": ["boards/fleet", "hub/http", "agent", "platform"],
}
# Folders whose own folders are rooms.
WINGS = ("boards/fleet", "hub/app", "hub/signing")
# What a room may not see of the outside: its system and library headers.
FORBIDDEN_HEADERS = {
    "agent": r"(mosquitto|mqtt/|openssl|sqlite3|nlohmann|sys/|unistd|thread|mutex|iostream|fstream|filesystem)",
    "registry": r"(mosquitto|mqtt/|openssl|mbedtls|nlohmann|boost/beast|libpq)",
    "platform/base": r"(mosquitto|mqtt/|openssl|mbedtls|sqlite3|nlohmann|sys/|unistd)",
    "platform/ports": r"(mosquitto|mqtt/|openssl|mbedtls|sqlite3|nlohmann|sys/|unistd)",
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
TOP = ("platform/", "agent/", "registry/", "hub/", "boards/", "tests/")


def room_of(path):
    depth = 3 if path.startswith(tuple(wing + "/" for wing in WINGS)) else 2
    return "/".join(path.split("/")[:depth])


def allowed(room, target):
    return target == room or any(target == one or target.startswith(one + "/") for one in MAY_INCLUDE[room])


def faults_of(path, root):
    name = path.relative_to(root).as_posix()
    room = room_of(name)
    if room not in MAY_INCLUDE:
        return [f"{name}: room {room} has no arrows: add it to tests/arrows/check.py"]
    faults = []
    for own, system in INCLUDE.findall(path.read_text()):
        if own and own.startswith(TOP):
            if not allowed(room, room_of(own)):
                faults.append(f"{name}: {room} may not include {own}")
            elif "/internal/" in own and room_of(own) != room:
                faults.append(f"{name}: {own} is private to {room_of(own)}")
        elif own:
            faults.append(f'{name}: write "{own}" from the root')
        for place, pattern in FORBIDDEN_HEADERS.items():
            if system and name.startswith(place + "/") and re.match(pattern, system):
                if not (place == "registry" and room == "registry/store" and system in ("sqlite3.h", "libpq-fe.h")):
                    faults.append(f"{name}: {place} may not see <{system}>")
    return faults


# Tests may include everything but what is private; tests/unit mirrors the tree.
def test_faults_of(path, root):
    name = path.relative_to(root).as_posix()
    tested = room_of(name.removeprefix("tests/unit/")) if name.startswith("tests/unit/") else None
    return [f"{name}: {own} is private to {room_of(own)}" for own, _ in INCLUDE.findall(path.read_text())
            if "/internal/" in own and room_of(own) != tested]


def sources(folder):
    return [f for f in sorted(folder.rglob("*")) if f.suffix in (".h", ".cpp") and "node_modules" not in f.parts]


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    rooms = [f for top in TOP[:-1] for f in sources(root / top)]
    tests = sources(root / "tests")
    faults = [fault for f in rooms for fault in faults_of(f, root)]
    faults += [fault for f in tests for fault in test_faults_of(f, root)]
    files = rooms + tests
    print("\n".join(faults) if faults else f"arrows: {len(files)} files, every include follows them")
    return 1 if faults else 0


sys.exit(main())
