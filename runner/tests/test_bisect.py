# SPDX-License-Identifier: GPL-2.0-only
"""`iommu-cts bisect` on a small repository whose kernels are built and booted by nobody: a file says what they would answer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.binaries import TOP
from lab.errors import LabError
from lab.tests.fake_kernel import commit, git, repository
from results.samples import Key
from runner import question
from runner.bisect import threshold
from runner.question import BAD, GOOD, SKIP, Plan, Question, Seen

# The command, with what takes a kernel replaced; its steps are processes of their own, which start from here too.
FAKE = f"""
import subprocess
import sys
sys.path.insert(0, {str(TOP)!r})
from runner import question
def ask(asked, repository, revision, folder):
    argv = ["git", "-C", str(repository.folder), "show", revision.commit + ":answer"]
    answer = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    if answer == "lab":
        raise question.LabError("no QEMU")
    if answer == "nothing":
        return question.Seen(nothing="it does not build")
    return question.Seen(values={{"bench/a:map 2^12": float(answer)}}) if asked.row else question.Seen(verdict=answer)
question.ask = ask
"""
COMMAND = """
from pathlib import Path
from runner import bisect, bisect_step, cli
bisect.KEPT = Path(sys.argv[1])
bisect._asked = lambda arguments, found: bisect.Question(
    str(found.folder), "vtd", arguments.test or "", arguments.row or "", arguments.threshold or 0.0
)
sys.exit(cli.main(["bisect", *sys.argv[2:]]))
"""


def search(tmp_path: Path, answers: list[str], *words: str) -> "subprocess.CompletedProcess[str]":
    """Bisects a line of commits with these answers; the first is good and the last bad."""
    user = repository(tmp_path / "linux")
    for number, answer in enumerate(answers):
        commit(user, f"c{number}", {"answer": answer, "number": str(number)})
    before = git(user, "for-each-ref"), sorted(map(str, (user / ".git").rglob("*")))
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "sitecustomize.py").write_text(FAKE)
    wrapper = fake / "python3"  # git's steps get the fake as well, though their environment names the project alone
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={fake}:$PYTHONPATH exec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    (fake / "command.py").write_text(f"import sys\nsys.executable = {str(wrapper)!r}\n" + COMMAND)
    argv = [str(wrapper), str(fake / "command.py"), str(tmp_path / "kept"), "--ksrc", str(user), "--good", "c0",
            "--bad", f"c{len(answers) - 1}", *words]
    done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, "IOMMU_CTS_CACHE": str(tmp_path / "cache")})
    assert (git(user, "for-each-ref"), sorted(map(str, (user / ".git").rglob("*")))) == before
    assert not list((tmp_path / "cache").glob("kgit/*/git/BISECT_*")) and "Traceback" not in done.stderr
    return done


TEST = ("--test", "access/a/b")


def test_the_first_bad_commit_of_a_test(tmp_path: Path) -> None:
    done = search(tmp_path, ["PASS", "PASS", "nothing", "PASS", "FAIL", "SKIP", "FAIL", "FAIL"], *TEST)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("first bad commit: ") and done.stdout.endswith(" c4\n")


def test_the_first_bad_commit_of_a_row(tmp_path: Path) -> None:
    done = search(tmp_path, ["1000", "1001", "999", "1000", "1030", "1031", "1030"], "--row", "bench/a:*", "--threshold", "2%")
    assert done.returncode == 0 and done.stdout.endswith(" c4\n"), done.stderr
    assert "bench/a:map 2^12: 1030, +3.00 %" in done.stdout


@pytest.mark.parametrize(("answers", "code", "said"), [
    (["PASS", "FAIL", "PASS"], 1, "nothing to find"),
    (["PASS", "nothing", "nothing", "FAIL"], 3, "one of these 3"),
    (["nothing", "PASS", "FAIL"], 3, "the good revision c0 says nothing: it does not build"),
    (["PASS", "lab", "FAIL"], 3, "did not come to its end"),
])
def test_what_is_not_found(tmp_path: Path, answers: list[str], code: int, said: str) -> None:
    done = search(tmp_path, answers, *TEST)
    assert done.returncode == code and said in done.stdout + done.stderr, done.stderr


def test_good_and_bad_the_other_way_round(tmp_path: Path) -> None:
    done = search(tmp_path, ["PASS", "FAIL"], *TEST, "--good", "c1", "--bad", "c0")
    assert done.returncode == 2 and "the other way round?" in done.stderr


ROW = Question("linux", "vtd", "", "bench/a:map*", 0.02)
BEFORE = Seen(values={"bench/a:map 2^12": 1000.0, "bench/a:map 2^21": 2000.0})


@pytest.mark.parametrize(("values", "answer"), [
    ({"bench/a:map 2^12": 1030.0, "bench/a:map 2^21": 2100.0}, BAD),
    ({"bench/a:map 2^12": 1030.0, "bench/a:map 2^21": 2000.0}, GOOD),
    ({"bench/a:map 2^12": 1030.0}, SKIP),
    ({}, SKIP),
])
def test_all_rows_have_to_change(values: dict[str, float], answer: str) -> None:
    seen = Seen(values=values, nothing="" if values else "no such row")
    assert question.answer(Plan(ROW, BEFORE, BEFORE), seen) == answer


def test_less_may_be_bad() -> None:
    assert question.exceeds({"row": -0.03}, threshold("-2%")) and not question.exceeds({"row": 0.03}, threshold("-2%"))
    for text in ("0%", "two", "2 percent"):
        with pytest.raises(Exception, match="is no threshold"):
            threshold(text)


def test_rows_by_name_and_by_pattern() -> None:
    found = {Key("bench/a", "map", (("size", 4096), ("times", times))): 1.0 for times in (1, 256)}
    assert list(question.matching(found, "bench/a:map 256*2^12")) == ["bench/a:map 256*2^12"]
    assert len(question.matching(found, "bench/a:map *2^12")) == 2 and not question.matching(found, "bench/b:*")


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    made = Plan(ROW, BEFORE, Seen(nothing="it does not boot"))
    question.write(tmp_path, made)
    assert question.read(tmp_path) == made
    (tmp_path / question.FILE).write_text("{}")
    with pytest.raises(LabError, match="can't be read"):
        question.read(tmp_path)
