# SPDX-License-Identifier: Apache-2.0
"""Holds docs/behaviour.md and docs/signing-behaviour.md and the tests together: every row of a page has a test whose
comment names the row, or a reason in docs/deviations.md; a row that a seed states has a test in any case.

A test names a row in the comment directly above it: `// Rows: R-7-08, S-6-26`. The pages' last column is written from
these comments by `check.py --write`; without it nothing is changed, and exit status 1 names every fault."""
import pathlib
import re
import sys

ROW_ID = re.compile(r"\b[RS]-\d+-\d+\b")
PAGES = ("behaviour.md", "signing-behaviour.md")  # rows R-... and S-...; the second may be missing
MARKS = {"seed", "documented", "from spec", "our choice"}
NO_TEST = "[why none](deviations.md)"
# A test that GoogleTest or Node's runner starts; a disabled one holds nothing.
TEST = {
    ".cpp": re.compile(r"^TEST(?:_F|_P)?\(\s*(?!DISABLED_)(\w+)\s*,\s*(?!DISABLED_)(\w+)\s*\)", re.M),
    ".mjs": re.compile(r"^ *test\(\s*['`](\w+)", re.M),
}


class Row:
    def __init__(self, where, cells):
        self.where = where
        self.id, self.what, mark, held_by = cells
        self.marks = [one.strip() for one in mark.split("+")]
        self.tests = re.findall(r"`([^`]+)`", held_by)


def cells_of(line):
    """The cells of a table's line; nothing for any other line."""
    return [cell.strip() for cell in line.strip()[1:-1].split("|")] if line.startswith(("| R-", "| S-")) else None


def read_rows(name, page, faults):
    rows = {}
    before = (0, 0)
    for number, line in enumerate(page.splitlines(), 1):
        cells = cells_of(line)
        if cells is None:
            continue
        letter = "R" if name == PAGES[0] else "S"
        if len(cells) != 4 or not re.fullmatch(letter + r"-\d+-\d\d\d?", cells[0]):
            faults.append(f"{name}:{number}: a row has an id like {letter}-7-08, what it says, its mark and its tests")
            continue
        row = Row(f"{name}:{number}", cells)
        order = tuple(int(part) for part in row.id.split("-")[1:])
        if order <= before:
            faults.append(f"{row.where}: {row.id} is out of order or there twice")
        before = order
        if not row.what:
            faults.append(f"{row.where}: {row.id} says nothing")
        faults += [f"{row.where}: {row.id} has the unknown mark '{m}'" for m in row.marks if m not in MARKS]
        rows[row.id] = row
    return rows


def read_deviations(page, rows, faults):
    """Row ids to which the page gives a reason."""
    explained = set()
    for number, line in enumerate(page.splitlines(), 1):
        cells = cells_of(line)
        if cells is None:
            continue
        ids = ROW_ID.findall(cells[0])
        if len(cells) < 2 or not all(cells[1:]):
            faults.append(f"deviations.md:{number}: {cells[0]} has no reason")
        faults += [f"deviations.md:{number}: {one} is no row" for one in ids if one not in rows]
        explained.update(ids)
    return explained


def comment_above(lines, at):
    """Numbers of the comment lines that stand directly above line `at` (counted from 0)."""
    first = at
    while first > 0 and lines[first - 1].lstrip().startswith("//"):
        first -= 1
    return range(first, at)


def tests_in(path, text):
    """Yields (name, row ids, numbers of the lines that name them) of each test in a file."""
    lines = text.splitlines()
    for found in TEST[path.suffix].finditer(text):
        name = f"{found[1]}.{found[2]}" if path.suffix == ".cpp" else f"{path.name}: {found[1]}"
        numbers = comment_above(lines, text.count("\n", 0, found.start()))
        yield name, [one for n in numbers for one in ROW_ID.findall(lines[n])], set(numbers)


def read_tests(root, rows, faults):
    """Every test of the tree, and row -> the tests that name it, in the order of the files."""
    names, holding = set(), {}
    for path in sorted((root / "tests").rglob("*")):
        if path.suffix not in TEST or "node_modules" in path.parts:
            continue
        text = path.read_text()
        where, used = path.relative_to(root).as_posix(), set()
        for name, ids, numbers in tests_in(path, text):
            names.add(name)
            used |= numbers
            for one in ids:
                if one not in rows:
                    faults.append(f"{where}: {name} names {one}, which is no row")
                elif name not in holding.setdefault(one, []):
                    holding[one].append(name)
        for number, line in enumerate(text.splitlines()):
            if ROW_ID.search(line) and number not in used:
                faults.append(f"{where}:{number + 1}: names a row but stands above no test")
    return names, holding


def row_faults(row, names, holding, explained):
    holders = holding.get(row.id, [])
    where = f"{row.where}: {row.id}"
    for test in row.tests:
        if test not in names:
            yield f"{where} is held by {test}, which does not exist"
        elif test not in holders:
            yield f"{where} is held by {test}, which does not name it"
    if set(holders) - set(row.tests):
        yield f"{where} leaves out {', '.join(sorted(set(holders) - set(row.tests)))}: run tests/rows/check.py --write"
    if not holders and "seed" in row.marks:
        yield f"{where} is stated by a seed and has no test"
    elif not holders and row.id not in explained:
        yield f"{where} has neither a test nor a line in deviations.md"


def written(page, holding):
    """The page with its last column as the tests say."""
    lines = page.splitlines()
    for number, line in enumerate(lines):
        cells = cells_of(line)
        if cells is not None and len(cells) == 4:
            tests = ", ".join(f"`{name}`" for name in holding.get(cells[0], []))
            lines[number] = f"| {' | '.join(cells[:3])} | {tests or NO_TEST} |"
    return "\n".join(lines) + "\n"


def check(root, write=False):
    faults = []
    pages = [root / "docs" / name for name in PAGES if (root / "docs" / name).exists()]

    def all_rows(into):
        return {one: row for page in pages for one, row in read_rows(page.name, page.read_text(), into).items()}

    rows = all_rows(faults)
    names, holding = read_tests(root, rows, faults)
    if write:
        for page in pages:
            page.write_text(written(page.read_text(), holding))
        rows = all_rows([])
    explained = read_deviations((root / "docs" / "deviations.md").read_text(), rows, faults)
    if not rows:
        faults.append("behaviour.md: there are no rows")
    for row in rows.values():
        faults += row_faults(row, names, holding, explained)
    held = sum(1 for one in rows if one in holding)
    return faults, f"rows: {len(rows)}, {held} held by tests, {len(rows) - held} explained in deviations.md"


def main():
    faults, summary = check(pathlib.Path(__file__).resolve().parents[2], write="--write" in sys.argv[1:])
    print("\n".join(faults) if faults else summary)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
