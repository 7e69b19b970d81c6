# SPDX-License-Identifier: Apache-2.0
"""Reads linker maps and the figures of lives (tests/boards writes them) and makes docs/footprint.md of them.

    size.py --builds build/boards (--write PAGE | --check PAGE)

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
    ("libagent_core", "agent/core"), ("libagent_protocol", "agent/protocol"), ("libplatform_base", "platform/base"),
    ("libagent_story", "agent/story (log and status)"), ("libagent_update", "agent/update (signed firmware)"),
    ("libplatform_crypto", "platform/crypto"), ("libplatform_mqtt", "platform/mqtt (MQTT 3.1.1)"),
    ("libplatform_tls", "platform/tls"), ("libplatform_flash", "platform/flash"),
    ("libplatform_cortex_m", "ports of the board"), ("libplatform_riscv", "ports of the board"),
    ("libplatform_semihosting", "platform/semihosting (ports)"), ("libboards_emulated", "boards/emulated"),
    ("latchkey-cortex-m_start.dir", "start and main"), ("latchkey-riscv_start.dir", "start and main"),
    ("libmbedtls", "mbedTLS"), ("liblwip", "lwIP"),
]
REST = "C and C++ library"
# Of the agent core: what its files are about.
PARTS = [
    ("what an event means, which rule applies, performing actions", ("core", "driver")),
    ("provisioning: keys, tokens, judging the issued chain", ("core_provisioning", "key_maker", "onboarding", "issued")),
    ("sessions, renewal, back-off, what time it is", ("core_session", "core_renewal", "backoff", "time_bound")),
    ("the table of all states and triggers; names of states", ("transitions", "state")),
    ("records and slots", ("record", "slots", "endpoint")),
    ("messages of DPS and hub", ("dps", "dps_answer", "hub", "renewal_answer", "renewal_window", "certificate_list",
                                 "topic_text", "sas")),
    ("JSON, texts, hex, base64, names of errors", ("json", "json_members", "text", "bytes", "ids", "status", "moment", "percent")),
]
CORE = ("agent/core", "agent/protocol", "platform/base")
NETWORK = ("lwIP",)
FLASH_SECTIONS = (".text", ".ARM.exidx", ".data")
RAM_SECTIONS = (".data", ".bss")
# Static objects of boards/emulated, told apart by their names.
OBJECTS = [("driver", "the agent itself (core and driver)"), ("room", "its working room: records, chain, texts"),
           ("in", "incoming MQTT buffer"), ("out", "outgoing MQTT buffer"), ("link", "link: TLS and MQTT state"),
           ("firmware", "firmware check: updater, envelope, statements, a block; only where it is built in")]


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
    """An image as it runs, and the same linked apart: optimised as a whole, code wanders between rooms, so that only the
    other tells what each of them costs."""

    def __init__(self, folder, name="latchkey-cortex-m", tools="arm-none-eabi-"):
        figures = folder / "figures.json"

        def tool(*command):
            return subprocess.run([tools + command[0], *command[1:]], capture_output=True, text=True, check=True).stdout

        elf = folder / f"{name}.elf"
        self.whole = sum(int(size) for section, size in re.findall(r"^(\.\S+) +(\d+)", tool("size", "-A", elf), re.M)
                         if section in FLASH_SECTIONS)
        self.without_network = self.whole - sum(
            size for section, size, file in contributions((folder / f"{name}.map").read_text())
            if section in FLASH_SECTIONS and component_of(file) in NETWORK)
        self.flash, self.ram, self.sections, self.core_files = {}, {}, {}, {}
        for section, size, file in contributions((folder / f"{name}-apart.map").read_text()):
            component = component_of(file)
            self.sections[section] = self.sections.get(section, 0) + size
            if section in FLASH_SECTIONS:
                self.flash[component] = self.flash.get(component, 0) + size
                if component in CORE:
                    source = re.search(r"\((\w+)\.cpp", file).group(1)
                    self.core_files[source] = self.core_files.get(source, 0) + size
            if section in RAM_SECTIONS:
                self.ram[component] = self.ram.get(component, 0) + size
        self.objects = {}
        for line in tool("nm", "-S", "-C", folder / f"{name}-apart.elf").splitlines():
            found = re.match(r"\w+ (\w+) [bBdD] .*::(?:live|shared_link)\(.*\)::(\w+)$", line)
            if found:
                self.objects[found.group(2)] = int(found.group(1), 16)
        self.heap_functions = sorted(set(re.findall(r" [TtWw] (malloc|_malloc_r|calloc|realloc|_sbrk|_sbrk_r)$",
                                                    tool("nm", elf), re.M)))
        self.life = json.loads(figures.read_text()) if figures.exists() else {}

    def core(self):
        return sum(self.flash[name] for name in CORE)

    def apart(self):
        return sum(self.flash.values())

    def most(self, figure):
        return max(one[figure] for one in self.life.values() if isinstance(one, dict) and figure in one)

    def heap_with_headers(self):
        return self.most("heap_peak") + 32 * self.most("heap_blocks")


def kb(size):
    return f"{size / KB:.1f} KB"


def verdict(value, goal):
    return "yes" if value < goal else "**no**"


def row(what, value, goal, show, goal_text=None):
    """`goal`: what the value has to stay below; None: there is none."""
    if goal is None:
        return (what, show(value), "-", "-")
    return (what, show(value), goal_text or show(goal), verdict(value, goal))


def million(instructions):
    return f"{instructions / 1e6:.0f} M"


def goals(p256, p256_firmware, p384, firmware, riscv):
    agent_ram = p256.objects["driver"]
    yield row("agent core and protocol, flash, without mbedTLS and MQTT", p256.core(), 16 * KB, kb)
    yield row("the same, static RAM: the agent itself", agent_ram, 3 * KB, kb)
    yield row("the same with its working room", agent_ram + p256.objects["room"], 3 * KB, kb)
    heap = [name for image in (p256, p384, firmware, riscv) for name in image.heap_functions]
    yield ("functions of a heap in the images, beside mbedTLS's arena", ", ".join(heap) or "none", "none",
           "**no**" if heap else "yes")
    yield row("whole image, P-256, firmware checks of P-256, without lwIP, flash", p256_firmware.without_network, 110 * KB, kb)
    yield row("the same with P-384 and firmware checks of RSA-3072", firmware.without_network, 130 * KB, kb)
    yield row("whole image, P-256, without firmware checks and lwIP", p256.without_network, None, kb)
    yield row("the same with P-384", p384.without_network, None, kb)
    yield row("peak heap, provisioning to renewed, as asked for", p256.most("heap_peak"), 20 * KB, kb)
    yield row("the same with the arena's own headers", p256.heap_with_headers(), 20 * KB, kb)
    rounds = p256.life["rounds"]
    yield row(f"heap between sessions, {rounds} renewals and {rounds} returns later: more by", p256.life["growth"], 1,
              lambda count: f"{count} bytes", "0")
    yield row("peak stack", p256.most("stack_peak"), 4 * KB, kb)
    yield row("instructions of a mutual handshake, P-256", p256.most("handshake_instructions"), 105e6, million)
    yield row("flash writes of a plain reconnect", p256.life["reconnect"]["flash_writes"], 1, str, "0")
    yield row("flash writes of a renewal", p256.life["renewal_writes"], 4, str, "at most 3")
    yield row("flash writes of a return from a revocation", p256.life["return_writes"], 4, str, "at most 3")
    yield row("flash writes of the first provisioning", p256.life["first"]["flash_writes"], None, str)


def further(p384, firmware, riscv):
    return [
        ("Cortex-M4, a hub of `--key-profile ec-p384`", kb(p384.heap_with_headers()), kb(p384.most("stack_peak")),
         million(p384.most("handshake_instructions"))),
        ("the same, and a bundle judged by RSA-3072 within the session", kb(firmware.most("heap_peak")) + " without headers",
         kb(firmware.most("stack_peak")), f"{million(firmware.life['judged']['instructions'])} to judge it, store and hash 156 KB"),
        ("RV32IMC, P-256", kb(riscv.heap_with_headers()), kb(riscv.most("stack_peak")),
         million(riscv.most("handshake_instructions"))),
    ]


def explained(p256, firmware):
    added = firmware.apart() - p256.apart()
    library, update = (firmware.flash[name] - p256.flash.get(name, 0) for name in ("mbedTLS", "agent/update (signed firmware)"))
    return f"""The agent core is `agent/core`, `agent/protocol` and `platform/base`. The goal was taken from libraries that make and read
topics and leave the rest to their application. Here the rest is the larger part: what to do next in each of 23 states, when to
come again, what a certificate says of the time, slots that survive a power cut, answers that are hostile. None of it is
left out on a board. Names that only tests use are not linked. Its size is that of code that stays in the room where it was
written; whole images are smaller than the sum of their rooms, since they are optimised at linking (`-flto`), lwIP excepted.

Its working room is what one step needs to hold: a record as it is written (8 KB, the format's limit, a chain of three in it), a
chain as it is decoded (10 KB, in which also lies what storage gives back), a payload with a certificate request, texts. A
fleet's thousand agents share one; a board has one, in static storage, since there is no heap to borrow it from. It cannot be a
stream: a chain is judged as a whole before a byte of it is stored.

Firmware checks of RSA and P-384 add {kb(added)} to the rooms: {kb(library)} of mbedTLS (RSA, P-384, SHA-384 and -512), {kb(update)} of
`agent/update` (COSE, manifests, statements, RFC 3161 timestamps, the machine and its records, the conversation with the hub), the
rest its topics and bodies, certificate paths, slots on flash and the board's part. While a bundle is judged the stack is at its deepest.
"""


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def components(p256, firmware, riscv):
    order = list(dict.fromkeys([name for _, name in COMPONENTS] + [REST]))
    rows = [(name, *(f"{image.flash.get(name, 0):,}" for image in (p256, firmware, riscv)), f"{p256.ram.get(name, 0):,}")
            for name in order]
    return rows + [("**all**", *(f"**{image.apart():,}**" for image in (p256, firmware, riscv)),
                    f"**{sum(p256.ram.values()):,}**"),
                   ("**the image, optimised as a whole**", *(f"**{image.whole:,}**" for image in (p256, firmware, riscv)), "")]


def parts(p256):
    known = [name for _, names in PARTS for name in names]
    rows = [(text, sum(p256.core_files.get(name, 0) for name in names)) for text, names in PARTS]
    rows.append(("others", sum(size for name, size in p256.core_files.items() if name not in known)))
    return [(text, f"{size:,}") for text, size in rows if size > 0]


def objects(p256, firmware):
    found = p256.objects | {"firmware": firmware.objects["firmware"]}
    return [(text, f"{found[name]:,}") for name, text in OBJECTS] + [("mbedTLS's arena", f"{p256.sections['.heap']:,}")]


def page(p256, p256_firmware, p384, firmware, riscv):
    return f"""<!-- SPDX-License-Identifier: Apache-2.0 -->
# Footprint

Written by `scripts/dev size`; do not edit. The images of [boards/cortex_m](../boards/cortex_m/README.md) and
[boards/riscv](../boards/riscv/README.md): Cortex-M4 and RV32IMC, `-Os`, Debian's compilers, mbedTLS 2.28 and lwIP 2.1 from
Debian's sources. Peaks and instructions are those of whole lives in the emulator against a real hub: provisioned, connected,
restarted, revoked, back, renewed. One instruction is one of the processor's, counted by QEMU; no clock of the host is in any
figure.

## Goals

{table(("What", "Seen", "Goal: below", "Reached"), goals(p256, p256_firmware, p384, firmware, riscv))}

{explained(p256, firmware)}
{table(("Of the agent core", "Flash, bytes"), parts(p256))}

## Other lives

{table(("Life", "Peak heap", "Peak stack", "Instructions of a mutual handshake"), further(p384, firmware, riscv))}

## Components, in bytes

The code of each room where it was written, before the image is optimised as a whole. Flash is .text, .rodata and .data; static
RAM .data and .bss. The image with firmware checks has P-384 and RSA, the others P-256 alone; that for RV32IMC has a serial wire
in place of a network.

{table(("Component", "Flash, Cortex-M4", "with firmware checks", "Flash, RV32IMC", "Static RAM, Cortex-M4"),
       components(p256, firmware, riscv))}

Static RAM of boards/emulated is what an image composes; the largest of it, and the arena apart:

{table(("Object", "Bytes"), objects(p256, firmware))}
"""


def core_on(page_text):
    found = [re.search(rf"^\| {re.escape(name)} \| ([\d,]+) \|", page_text, re.M) for name in CORE]
    return sum(int(one.group(1).replace(",", "")) for one in found) if all(found) else None


def check(image, path):
    known = core_on(path.read_text()) if path.exists() else None
    if known is None:
        return f"{path} tells no size: scripts/dev size"
    print(f"size: agent core {image.core():,} bytes of flash, {known:,} in {path.name}")
    if image.heap_functions:
        return f"the image has a heap: {', '.join(image.heap_functions)}"
    if image.core() > known * GROWTH:
        return "it grew by over 5 %: scripts/dev size, and say why"
    return None


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--builds", type=pathlib.Path, required=True)
    todo = options.add_mutually_exclusive_group(required=True)
    todo.add_argument("--write", type=pathlib.Path)
    todo.add_argument("--check", type=pathlib.Path)
    options = options.parse_args()
    p256 = Image(options.builds / "cortex_m")
    if options.check:
        problem = check(p256, options.check)
        if problem:
            print(f"size: {problem}", file=sys.stderr)
        return 1 if problem else 0
    p256_firmware, p384, firmware = (Image(options.builds / f"cortex_m_{which}") for which in ("p256_firmware", "p384", "firmware"))
    riscv = Image(options.builds / "riscv", "latchkey-riscv", "riscv64-unknown-elf-")
    options.write.write_text(page(p256, p256_firmware, p384, firmware, riscv))
    return 0


if __name__ == "__main__":
    sys.exit(main())
