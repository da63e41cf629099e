#!/usr/bin/env python3
"""Adds up what the suites of utils/test.sh reported.

    python utils/summarize.py RESULTS_DIR

RESULTS_DIR/suites.tsv has a line per suite: name, result file, exit status
and seconds. A result file is a JUnit XML file, a log (.log) that ends in a
line "N passed, M failed", or the log of a score (.score), which ends the same
way: cases of a conformance suite, of which so many must pass. A score is one
test, passed when its runner says that the bar was met. A suite whose runner broke, left no result or ran no
test counts as one failure. The last line is "N passed, M failed".
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

CLOSING_LINE = re.compile(
    r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$")


def count_junit(path):
    """(passed, failed, skipped) by test case: the totals that runners write
    into the root element differ in meaning."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def count_log(path):
    lines = path.read_text(errors="replace").splitlines()
    matches = [m for m in map(CLOSING_LINE.match, lines) if m]
    if not matches:
        raise ValueError("its log has no line 'N passed, M failed'")
    return tuple(int(n or 0) for n in matches[-1].groups())


def count_score(path, status):
    """One test, and the score as its note."""
    passed, failed, _ = count_log(path)
    if passed == 0:
        raise ValueError("no case passed")
    met = status == 0
    return ((int(met), int(not met), 0),
            f"{passed} of {passed + failed} cases"
            + ("" if met else ", fewer than asked for"))


def count(path, status):
    """Counts of one suite and a note on what is wrong with the run itself."""
    try:
        if path.suffix == ".score":
            return count_score(path, status)
        counts = (count_log if path.suffix == ".log" else count_junit)(path)
    except OSError:
        return (0, 1, 0), "left no result file"
    except (ValueError, ElementTree.ParseError) as problem:
        return (0, 1, 0), str(problem)
    passed, failed, skipped = counts
    if passed + failed + skipped == 0:
        return (0, 1, 0), "ran no test"
    if status != 0 and failed == 0:
        return (passed, 1, skipped), f"ended with status {status}"
    return counts, ""


def main():
    results = pathlib.Path(sys.argv[1])
    total = [0, 0, 0]
    rows = (results / "suites.tsv").read_text().splitlines()
    for name, file, status, seconds in (row.split("\t") for row in rows):
        if not file:
            print(f"{name}")
            continue
        counts, note = count(results / file, int(status))
        total = [a + b for a, b in zip(total, counts)]
        print(f"{name:20} {counts[0]:5} ok {counts[1]:4} bad "
              f"{counts[2]:4} skipped {seconds:>5} s"
              + (f"   runner: {note}" if note else ""))
    passed, failed, skipped = total
    print(f"{passed} passed, {failed} failed"
          + (f", {skipped} skipped" if skipped else ""), flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
