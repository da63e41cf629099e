"""utils/summarize.py: what counts as passed and failed in a test run."""

import pathlib
import subprocess
import sys

import pytest

SUMMARIZE = pathlib.Path(__file__).resolve().parents[2] / "utils" / \
    "summarize.py"

CASES = """<testsuites><testsuite tests="99" failures="0">
<testcase name="a"/><testcase name="b"/>
{}
</testsuite></testsuites>"""


def summarize(folder, *suites):
    """Suites are (file, contents or None, exit status)."""
    lines = []
    for index, (file, contents, status) in enumerate(suites):
        if contents is not None:
            (folder / file).write_text(contents)
        lines.append(f"suite {index}\t{file}\t{status}\t1\n")
    (folder / "suites.tsv").write_text("".join(lines))
    result = subprocess.run([sys.executable, str(SUMMARIZE), str(folder)],
                            capture_output=True, text=True)
    assert result.stderr == ""
    return result.stdout.splitlines()[-1], result.returncode


def test_all_passed(tmp_path):
    assert summarize(tmp_path, ("a.xml", CASES.format(""), 0),
                     ("b.log", "x\n31 passed, 0 failed\n", 0)) == \
        ("33 passed, 0 failed", 0)


def test_failures_errors_and_skips_are_told_apart(tmp_path):
    bad = '<testcase><failure/></testcase><testcase><error/></testcase>' \
          '<testcase><skipped message="why"/></testcase>'
    assert summarize(tmp_path, ("a.xml", CASES.format(bad), 1)) == \
        ("2 passed, 2 failed, 1 skipped", 1)


def test_skipped_suite_adds_nothing(tmp_path):
    assert summarize(tmp_path, ("", None, 0), ("a.xml", CASES.format(""), 0)) \
        == ("2 passed, 0 failed", 0)


@pytest.mark.parametrize("file,contents,status", [
    ("a.xml", None, 0),                       # nothing written
    ("a.xml", "<testsuites><testsuite>", 0),  # cut off
    ("a.xml", "<testsuites/>", 0),            # no test in it
    ("a.log", "Traceback: oh\n", 1),          # no closing line
    ("a.log", "0 passed, 0 failed\n", 0),
])
def test_broken_runner_is_a_failure(tmp_path, file, contents, status):
    assert summarize(tmp_path, (file, contents, status),
                     ("b.log", "5 passed, 0 failed\n", 0)) == \
        ("5 passed, 1 failed", 1)


def test_runner_that_dies_after_its_tests_is_a_failure(tmp_path):
    assert summarize(tmp_path, ("a.xml", CASES.format(""), 139)) == \
        ("2 passed, 1 failed", 1)


def test_nothing_run_is_no_success(tmp_path):
    assert summarize(tmp_path, ("", None, 0)) == ("0 passed, 0 failed", 1)


@pytest.mark.parametrize("status,closing", [
    (0, ("1 passed, 0 failed", 0)), (1, ("0 passed, 1 failed", 1))])
def test_score_is_one_test(tmp_path, status, closing):
    assert summarize(tmp_path, ("a.score", "90 passed, 10 failed\n", status)) \
        == closing


def test_score_without_a_case_is_a_failure(tmp_path):
    assert summarize(tmp_path, ("a.score", "0 passed, 10 failed\n", 0)) == \
        ("0 passed, 1 failed", 1)
