# SPDX-License-Identifier: Apache-2.0
"""What check.py refuses, and what it lets pass, on a small tree of its own."""
import pathlib
import tempfile
import unittest

import check

ROWS = """| Row | What | Mark | Held by |
|---|---|---|---|
| R-1-01 | a name has a rule | seed | `Names.rule_holds` |
| R-1-02 | a name is unique | from spec + documented | [why none](deviations.md) |
"""
DEVIATIONS = """| Rows | Why |
|---|---|
| R-1-02 | not built yet |
"""
TESTS = """// What a name may be.
// Rows: R-1-01
TEST_F(Names, rule_holds) {
  EXPECT_TRUE(true);
}

TEST(Names,
     other) {}
"""


class CheckTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.put("docs/behaviour.md", ROWS)
        self.put("docs/deviations.md", DEVIATIONS)
        self.put("tests/unit/names_test.cpp", TESTS)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def faults(self):
        return check.check(self.root)[0]

    def assert_fault(self, words):
        found = self.faults()
        self.assertTrue(any(words in fault for fault in found), f"no '{words}' in {found}")

    def test_tree_in_order_passes(self):
        faults, summary = check.check(self.root)
        self.assertEqual(faults, [])
        self.assertEqual(summary, "rows: 2, 1 held by tests, 1 explained in deviations.md")

    def test_row_without_test_and_reason_is_refused(self):
        self.put("docs/deviations.md", "")
        self.assert_fault("R-1-02 has neither a test nor a line in deviations.md")

    def test_seed_row_needs_a_test_whatever_the_reason(self):
        self.put("docs/deviations.md", DEVIATIONS + "| R-1-01 | too hard |\n")
        self.put("tests/unit/names_test.cpp", "TEST_F(Names, rule_holds) {}\n")
        self.assert_fault("R-1-01 is stated by a seed and has no test")

    def test_named_test_that_does_not_exist_is_refused(self):
        self.put("tests/unit/names_test.cpp", TESTS.replace("rule_holds", "rule_is_kept"))
        self.assert_fault("R-1-01 is held by Names.rule_holds, which does not exist")

    def test_disabled_test_holds_nothing(self):
        self.put("tests/unit/names_test.cpp", TESTS.replace("rule_holds", "DISABLED_rule_holds"))
        self.assert_fault("R-1-01 is held by Names.rule_holds, which does not exist")
        self.assert_fault("names a row but stands above no test")
        self.put("tests/unit/names_test.cpp", TESTS.replace("TEST_F(Names", "TEST_F(DISABLED_Names"))
        self.assert_fault("R-1-01 is held by Names.rule_holds, which does not exist")

    def test_rows_may_go_on_in_the_next_line_of_the_comment(self):
        self.put("tests/unit/names_test.cpp", TESTS.replace("// Rows: R-1-01\n", "// Rows: R-1-02,\n// R-1-01\n"))
        self.assertEqual(check.check(self.root, write=True)[0], [])

    def test_test_that_does_not_name_its_row_is_refused(self):
        self.put("tests/unit/names_test.cpp", TESTS.replace("// Rows: R-1-01\n", ""))
        self.assert_fault("R-1-01 is held by Names.rule_holds, which does not name it")

    def test_unknown_row_in_a_test_is_refused(self):
        self.put("tests/unit/names_test.cpp", TESTS.replace("R-1-01", "R-1-01, R-9-99"))
        self.assert_fault("Names.rule_holds names R-9-99, which is no row")

    def test_row_named_above_no_test_is_refused(self):
        self.put("tests/unit/names_test.cpp", TESTS + "\n// R-1-01 is elsewhere.\nint helper();\n")
        self.assert_fault("names a row but stands above no test")

    def test_page_that_leaves_a_test_out_is_refused(self):
        self.put("tests/unit/names_test.cpp", TESTS.replace("TEST(Names,\n", "// Rows: R-1-01\nTEST(Names,\n"))
        self.assert_fault("R-1-01 leaves out Names.other: run tests/rows/check.py --write")

    def test_write_fills_the_column_from_the_tests(self):
        self.put("tests/unit/names_test.cpp", TESTS.replace("TEST(Names,\n", "// Rows: R-1-02\nTEST(Names,\n"))
        self.assertEqual(check.check(self.root, write=True)[0], [])
        page = (self.root / "docs/behaviour.md").read_text()
        self.assertIn("| R-1-02 | a name is unique | from spec + documented | `Names.other` |", page)
        self.assertEqual(self.faults(), [])

    def test_tests_of_node_are_seen(self):
        self.put("tests/unit/names_test.cpp", "")
        self.put("tests/conformance/names.test.mjs", "// Rows: R-1-01\ntest('rule_holds', async () => {});\n")
        self.put("tests/conformance/node_modules/x.mjs", "// Rows: R-7-77\ntest('x', () => {});\n")
        self.put("docs/behaviour.md", ROWS.replace("Names.rule_holds", "names.test.mjs: rule_holds"))
        self.assertEqual(self.faults(), [])

    def test_unknown_mark_is_refused(self):
        self.put("docs/behaviour.md", ROWS.replace("| seed |", "| hearsay |"))
        self.assert_fault("R-1-01 has the unknown mark 'hearsay'")

    def test_row_twice_is_refused(self):
        self.put("docs/behaviour.md", ROWS + "| R-1-02 | again | seed | |\n")
        self.assert_fault("R-1-02 is out of order or there twice")

    def test_row_without_its_cells_is_refused(self):
        self.put("docs/behaviour.md", ROWS + "| R-1-03 | and the mark? |\n")
        self.assert_fault("a row has an id like R-7-08")

    def test_row_that_says_nothing_is_refused(self):
        self.put("docs/behaviour.md", ROWS.replace("a name has a rule", ""))
        self.assert_fault("R-1-01 says nothing")

    def test_page_without_rows_is_refused(self):
        self.put("docs/behaviour.md", "# Behaviour\n")
        self.assert_fault("there are no rows")

    def test_rows_of_signing_have_a_page_of_their_own(self):
        self.put("docs/signing-behaviour.md", "| S-6-01 | a profile has a rule | seed | `Names.other` |\n"
                                              "| S-6-100 | and a signature | our choice | `Names.other` |\n")
        self.put("tests/unit/names_test.cpp",
                 TESTS.replace("TEST(Names,\n", "// Rows: S-6-01, S-6-100\nTEST(Names,\n"))
        self.assertEqual(self.faults(), [])
        self.put("tests/unit/names_test.cpp", TESTS)
        self.assert_fault("signing-behaviour.md:1: S-6-01 is held by Names.other, which does not name it")

    def test_row_on_the_other_page_is_refused(self):
        self.put("docs/signing-behaviour.md", "| R-6-01 | a name has a rule | seed | |\n")
        self.assert_fault("signing-behaviour.md:1: a row has an id like S-7-08")

    def test_deviation_of_no_row_is_refused(self):
        self.put("docs/deviations.md", DEVIATIONS + "| R-1-02, R-4-01 | why |\n")
        self.assert_fault("deviations.md:4: R-4-01 is no row")

    def test_deviation_without_a_reason_is_refused(self):
        self.put("docs/deviations.md", "| R-1-02 | |\n")
        self.assert_fault("R-1-02 has no reason")


if __name__ == "__main__":
    unittest.main()
