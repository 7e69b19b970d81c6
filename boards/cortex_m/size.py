# SPDX-License-Identifier: Apache-2.0
"""Reads linker maps and the figures of a life (tests/boards/cortex_m_test.py --figures) and writes docs/footprint.md.

    size.py --build P256_BUILD --figures FILE [--build-p384 BUILD --figures-p384 FILE] (--write PAGE | --check PAGE)

--check fails when the page's size of the agent core is over 5 % smaller than what the build has: write the page anew, and
say in the commit why the core grew."""
import argparse
import json
import pathlib
import re
import subprocess
import sys

KB = 1024
GROWTH = 1.05
# Archive or folder -> component. The first that is found in a file's name.
COMPONENTS = [
    ("libagent_core", "agent/core"), ("libagent_story", "agent/story (log and status)"), ("libagent_protocol", "agent/protocol"), ("libplatform_base", "platform/base"),
    ("libplatform_crypto", "platform/crypto"), ("libplatform_mqtt", "platform/mqtt (MQTT 3.1.1)"),
    ("libplatform_tls", "platform/tls"), ("libplatform_flash", "platform/flash"),
    ("libplatform_cortex_m", "platform/cortex_m (ports)"), ("latchkey-cortex-m.elf.dir", "boards/cortex_m"),
    ("libmbedtls", "mbedTLS"), ("liblwip", "lwIP"),
]
REST = "C and C++ library"
CORE = ("agent/core", "agent/protocol", "platform/base")
NETWORK = ("lwIP",)
FLASH_SECTIONS = (".text", ".ARM.exidx", ".data")
RAM_SECTIONS = (".data", ".bss")
# Static objects of main.cpp, told apart by their names.
OBJECTS = [("driver", "the agent itself (core and driver)"), ("room", "its working room: records, chain, texts"),
           ("in", "incoming MQTT buffer"), ("out", "outgoing MQTT buffer"), ("link", "link: TLS and MQTT state")]


def component_of(file):
    return next((name for mark, name in COMPONENTS if mark in file), REST)


def contributions(text):
    """(output section, size, file) of every input section that the image has."""
    body = text[text.index("Linker script and memory map"):]
    # a long name stands on a line of its own
    body = re.sub(r"\n ([.\w*$]\S*)\n +(0x)", r"\n \1 \2", body)
    section = None
    for line in body.splitlines():
        output = re.match(r"(\.[\w.]+)\b", line)
        if output:
            section = output.group(1)
            continue
        part = re.match(r" [.*\w]\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+(\S.*)$", line)
        if part and section:
            yield section, int(part.group(1), 16), part.group(2)


class Image:
    def __init__(self, build):
        self.elf = build / "latchkey-cortex-m.elf"
        self.flash, self.ram, self.sections = {}, {}, {}
        for section, size, file in contributions((build / "latchkey-cortex-m.map").read_text()):
            name = component_of(file)
            self.sections[section] = self.sections.get(section, 0) + size
            if section in FLASH_SECTIONS:
                self.flash[name] = self.flash.get(name, 0) + size
            if section in RAM_SECTIONS:
                self.ram[name] = self.ram.get(name, 0) + size
        symbols = subprocess.run(["arm-none-eabi-nm", "-S", "-C", self.elf], capture_output=True, text=True, check=True).stdout
        self.objects = {}
        for line in symbols.splitlines():
            found = re.match(r"\w+ (\w+) [bBdD] .*::run\(\)::(\w+)$", line)
            if found:
                self.objects[found.group(2)] = int(found.group(1), 16)
        self.heap_functions = sorted(set(re.findall(r" [TtWw] (malloc|_malloc_r|calloc|realloc|_sbrk|_sbrk_r)$", symbols, re.M)))

    def core(self):
        return sum(self.flash[name] for name in CORE)

    def total_flash(self):
        return sum(self.flash.values())


def kb(size):
    return f"{size / KB:.1f} KB"


def verdict(value, goal):
    return "yes" if value < goal else "**no**"


def peaks(figures):
    lives = [one for one in figures.values() if isinstance(one, dict)]
    heap = max(one["heap_peak"] for one in lives)
    headers = 32 * max(one["heap_blocks"] for one in lives)
    return {
        "heap": heap, "headers": headers,
        "stack": max(one["stack_peak"] for one in lives),
        "handshake": max(one["handshake_instructions"] for one in lives),
        "growth": figures["growth"],
        "reconnect": figures["reconnect"]["flash_writes"], "renewal": figures["renewal_writes"],
    }


def goals(image, live, image_p384, live_p384):
    whole = image.total_flash() - sum(image.flash.get(name, 0) for name in NETWORK)
    agent_ram = image.objects.get("driver", 0)
    rows = [
        ("agent core and protocol, flash, without mbedTLS and MQTT", kb(image.core()), "16 KB", verdict(image.core(), 16 * KB)),
        ("the same, static RAM: the agent itself", kb(agent_ram), "3 KB", verdict(agent_ram, 3 * KB)),
        ("the same with its working room", kb(agent_ram + image.objects.get("room", 0)), "3 KB",
         verdict(agent_ram + image.objects.get("room", 0), 3 * KB)),
        ("functions of a heap in the image, beside mbedTLS's arena", ", ".join(image.heap_functions) or "none", "none",
         "yes" if not image.heap_functions else "**no**"),
        ("whole image, P-256, without lwIP, flash", kb(whole), "110 KB", verdict(whole, 110 * KB)),
        ("peak heap, provisioning to renewed, as asked for", kb(live["heap"]), "20 KB", verdict(live["heap"], 20 * KB)),
        ("the same with the arena's own headers", kb(live["heap"] + live["headers"]), "20 KB",
         verdict(live["heap"] + live["headers"], 20 * KB)),
        ("heap during a session, ten revocations and returns later: more by", f"{live['growth']} bytes", "1 byte",
         "yes" if live["growth"] < 1 else "not shown: the certificates in it differ in length, too"),
        ("peak stack", kb(live["stack"]), "4 KB", verdict(live["stack"], 4 * KB)),
        ("instructions of a mutual handshake, P-256", f"{live['handshake'] / 1e6:.0f} M", "105 M",
         verdict(live["handshake"], 105e6)),
        ("flash writes of a plain reconnect", str(live["reconnect"]), "0", verdict(live["reconnect"], 1)),
        ("flash writes of a renewal", str(live["renewal"]), "at most 3", verdict(live["renewal"], 4)),
    ]
    if image_p384:
        size = image_p384.total_flash() - sum(image_p384.flash.get(name, 0) for name in NETWORK)
        rows.append(("whole image with P-384, without lwIP and RSA checks, flash", kb(size), "130 KB", verdict(size, 130 * KB)))
    if live_p384:
        rows += [("peak heap with a hub of --key-profile ec-p384, with headers", kb(live_p384["heap"] + live_p384["headers"]), "-", "-"),
                 ("peak stack with such a hub", kb(live_p384["stack"]), "-", "-"),
                 ("instructions of a mutual handshake with such a hub", f"{live_p384['handshake'] / 1e6:.0f} M", "-", "-")]
    return rows


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def page(image, live, image_p384, live_p384):
    order = [name for _, name in COMPONENTS] + [REST]
    parts = [(name, f"{image.flash.get(name, 0):,}", f"{image.ram.get(name, 0):,}") for name in order]
    parts.append(("**all**", f"**{image.total_flash():,}**", f"**{sum(image.ram.values()):,}**"))
    objects = [(text, f"{image.objects[name]:,}") for name, text in OBJECTS if name in image.objects]
    objects += [("mbedTLS's arena", f"{image.sections.get('.heap', 0):,}"),]
    return f"""<!-- SPDX-License-Identifier: Apache-2.0 -->
# Footprint

Written by `scripts/dev size`; do not edit. The image of [boards/cortex_m](../boards/cortex_m/README.md): Cortex-M4, `-Os`,
Debian's compiler, mbedTLS 2.28 and lwIP 2.1 from Debian's sources. Peaks and instructions are those of a whole life in the
emulator against a real hub: provisioned, connected, restarted, revoked, back, renewed. One instruction is one of the
processor's, counted by QEMU; no clock of the host is in any figure.

## Goals

{table(("What", "Seen", "Goal: below", "Reached"), goals(image, live, image_p384, live_p384))}

The agent core is `agent/core`, `agent/protocol` and `platform/base`. Its working room is what one step needs to hold: a record
as it is written and as it is read back (8 KB each, the format's limit), a chain of certificates and its base64 (10 KB),
texts. A fleet's thousand agents share one; a board has one.

## Components, in bytes

{table(("Component", "Flash (.text, .rodata, .data)", "Static RAM (.data, .bss)"), parts)}

Static RAM of boards/cortex_m is what main composes; the largest of it, and the arena apart:

{table(("Object", "Bytes"), objects)}
"""


def core_on(page_text):
    found = [re.search(rf"^\| {re.escape(name)} \| ([\d,]+) \|", page_text, re.M) for name in CORE]
    return sum(int(one.group(1).replace(",", "")) for one in found) if all(found) else None


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=pathlib.Path, required=True)
    options.add_argument("--figures", type=pathlib.Path)
    options.add_argument("--build-p384", type=pathlib.Path)
    options.add_argument("--figures-p384", type=pathlib.Path)
    options.add_argument("--write", type=pathlib.Path)
    options.add_argument("--check", type=pathlib.Path)
    options = options.parse_args()
    image = Image(options.build)
    if options.check:
        known = core_on(options.check.read_text()) if options.check.exists() else None
        if known is None:
            print(f"size: {options.check} tells no size: scripts/dev size", file=sys.stderr)
            return 1
        print(f"size: agent core {image.core():,} bytes of flash, {known:,} in {options.check.name}")
        if image.heap_functions:
            print(f"size: the image has a heap: {', '.join(image.heap_functions)}", file=sys.stderr)
            return 1
        if image.core() > known * GROWTH:
            print("size: it grew by over 5 %: scripts/dev size, and say why", file=sys.stderr)
            return 1
        return 0
    live = peaks(json.loads(options.figures.read_text()))
    image_p384 = Image(options.build_p384) if options.build_p384 else None
    live_p384 = peaks(json.loads(options.figures_p384.read_text())) if options.figures_p384 else None
    text = page(image, live, image_p384, live_p384)
    if options.write:
        options.write.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
