"""Whatever is kept from a checker says why, behind it on the same line."""

import re
import subprocess

from standalone.process import ROOT

IGNORE = re.compile(r"# (noqa\b(: [A-Z]+\d+(, [A-Z]+\d+)*)?|(type|pyright): ignore(\[[\w, -]+\])?)")
REASON = re.compile(r"  # \w")


def test_every_ignore_is_explained() -> None:
    argv = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    bare, explained = [], 0
    for path in listed:
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            for found in IGNORE.finditer(line):
                if REASON.match(line, found.end()):
                    explained += 1
                else:
                    bare.append(f"{path}:{number}")
    assert bare == [] and explained > 10
