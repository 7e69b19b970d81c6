#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds hub/deploy and docs/deployment.md to what the programs take: every option and verb that they name exists, the
documents can be read, and the image has the libraries that the programs need.
  check.py SOURCE_FOLDER BIN_FOLDER"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

SOURCE = pathlib.Path(sys.argv[1])
LATCHKEY = pathlib.Path(sys.argv[2]) / "latchkey"
DEPLOY = SOURCE / "hub/deploy"
PAGE = SOURCE / "docs/deployment.md"


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)


def options_of(*verb):
    asked = run(LATCHKEY, *verb, "--help")
    return set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", asked.stdout)) if asked.returncode == 0 else None


def named_options(words):
    return {word.split("=")[0] for word in words if word.startswith("--")}


class Options(unittest.TestCase):
    def check(self, words, verb=("up",)):
        known = options_of(*verb)
        self.assertIsNotNone(known, f"there is no 'latchkey {' '.join(verb)}'")
        known |= options_of(verb[0]) | options_of()  # what stands before a verb may stand behind it
        self.assertLessEqual(named_options(words), known, f"of latchkey {' '.join(verb)}")

    def test_systemd(self):
        unit = (DEPLOY / "systemd/latchkey.service").read_text()
        start = re.search(r"^ExecStart=/usr/bin/latchkey up (.*)$", unit, re.M)
        settings = dict(line.split("=", 1) for line in (DEPLOY / "systemd/hub.conf").read_text().splitlines()
                        if line and not line.startswith("#"))
        stop = re.search(r"^ExecStop=-/usr/bin/latchkey (.*)$", unit, re.M)
        for line, verb in (start[1], ("up",)), (stop[1], ("node", "drain")):
            words = line.split()
            for name in re.findall(r"\$([A-Z]+)\b", line):
                words += settings[name].split()
            self.check(words, verb)
        self.assertIn("--node", start[1].split())
        longest = int(re.search(r"--timeout (\d+)", stop[1])[1])
        self.assertGreater(int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M)[1]), longest)

    def test_compose(self):
        compose = yaml.safe_load((DEPLOY / "compose/compose.yaml").read_text())
        services = compose["services"]
        nodes = [name for name in services if name.startswith("hub-")]
        self.assertEqual(len(nodes), 3)
        for name in nodes:
            self.assertIn(f"--node={name}", services[name]["command"])
            self.check(services[name]["command"])
            self.assertLessEqual(set(services[name]["secrets"]), set(compose["secrets"]))
        self.check(services["balance"]["command"])
        addresses = [services[name]["networks"]["default"]["ipv4_address"] for name in nodes]
        printed = run(LATCHKEY, "up", *services["balance"]["command"])
        self.assertEqual(printed.returncode, 0, printed.stdout)
        for address in addresses:
            self.assertIn(address, printed.stdout)

    def test_kubernetes(self):
        documents = [document for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
                     for document in yaml.safe_load_all(file.read_text())]
        (hub,) = [one for one in documents if one["kind"] == "StatefulSet"]
        (container,) = hub["spec"]["template"]["spec"]["containers"]
        self.check(container["args"])
        ports = {port["name"] for port in container["ports"]}
        for service in (one for one in documents if one["kind"] == "Service"):
            self.assertEqual(service["spec"]["selector"], hub["spec"]["selector"]["matchLabels"])
            self.assertLessEqual({port["targetPort"] for port in service["spec"]["ports"]}, ports)
        volumes = {volume["name"] for volume in hub["spec"]["template"]["spec"]["volumes"]}
        volumes |= {claim["metadata"]["name"] for claim in hub["spec"]["volumeClaimTemplates"]}
        self.assertEqual({mount["name"] for mount in container["volumeMounts"]} - volumes, set())
        command = container["lifecycle"]["preStop"]["exec"]["command"]
        words = re.search(r"latchkey (.*)$", command[-1])[1].split()
        self.check(words, words[:2])
        longest = int(words[words.index("--timeout") + 1])
        self.assertGreater(hub["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], longest)

    def test_page(self):
        page = PAGE.read_text().replace("\\\n", " ")
        commands = re.findall(r"^latchkey (.*)$", page, re.M) + re.findall(r"`latchkey ([^`]*)`", page)
        self.assertGreater(len(commands), 6)
        for command in commands:
            words = command.split("#")[0].split()
            verb = [words[0]] if words[0] == "up" else words[:2]
            with self.subTest(command=command):
                self.check(words, verb)
        for file, _, place in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", page)):
            self.assertTrue((PAGE.parent / file).exists(), file)
            titles = re.findall(r"^#+ (.*)$", (PAGE.parent / file).read_text(), re.M) if place else []
            self.assertIn(place, ["", *(title.lower().replace(" ", "-") for title in titles)], file)


class Documents(unittest.TestCase):
    @unittest.skipUnless(shutil.which("kubectl"), "there is no kubectl here")
    def test_kustomize(self):
        made = run("kubectl", "kustomize", DEPLOY / "kubernetes")
        self.assertEqual(made.returncode, 0, made.stdout)
        for one in yaml.safe_load_all(made.stdout):
            self.assertEqual(one["metadata"]["namespace"], "latchkey")

    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd here")
    def test_systemd(self):
        # Where it is installed stands its program, too
        unit = (DEPLOY / "systemd/latchkey.service").read_text().replace("/usr/bin/latchkey", str(LATCHKEY.resolve()))
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "latchkey.service"
            copy.write_text(unit)
            judged = run("systemd-analyze", "verify", "--man=no", copy)
        self.assertEqual([line for line in judged.stdout.splitlines() if "latchkey.service:" in line], [])

    def test_image_has_the_libraries(self):
        listed = set(re.findall(r"[\w.+-]+", re.search(r"--no-install-recommends(.*?)&&",
                                (DEPLOY / "container/Dockerfile").read_text(), re.S)[1]))
        depends = run("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
                      "--no-breaks", "--no-replaces", "--no-enhances", *sorted(listed))
        if depends.returncode != 0:
            self.skipTest("apt knows no packages here")
        there = set(re.findall(r"^(\S+)$", depends.stdout, re.M))
        libraries = set()
        for program in (LATCHKEY, LATCHKEY.with_name("latchkey-agent"), LATCHKEY.parents[1] / "lib/latchkey-gate.so"):
            libraries |= set(re.findall(r"=> (/\S+)", run("ldd", program).stdout))
        self.assertTrue(libraries)
        for library in sorted(libraries):
            owner = run("dpkg", "-S", pathlib.Path(library).resolve())
            if owner.returncode == 0:
                self.assertIn(owner.stdout.split(":")[0], there, library)


unittest.main(argv=[sys.argv[0], "-v"])
