# SPDX-License-Identifier: GPL-2.0-only
"""A look at the jobs of a run that costs next to nothing: of hundreds of runs most have a job that is still on its way."""

import json
import re
from pathlib import Path

from lab.errors import LabError
from lab.lava.place import LOCAL
from results.typed import parse_json
from runner.lava import recipe
from runner.lava.fleet import Left
from runner.lava.server import FINISHED, Unreachable, connect
from runner.stream import DEPTH_MAX

_JOB = re.compile(rb'^\{"t":[0-9.e+-]{1,32},"kind":"job",.*$', re.M)


def still_there(folder: Path) -> Left | None:
    """The jobs of a run, if each share of it has one and none is over; None where there is more to do, or nobody knows. Raises
    Unreachable, or LabError if the run can't be looked at beside others."""
    try:
        found = parse_json((folder / recipe.FILE).read_text(), DEPTH_MAX)
        server, shares = str(found["place"]["server"]), len(found["parts"])
        newest = {(job := json.loads(line))["machine"]: job for line in _JOB.findall((folder / "journal.jsonl").read_bytes())}
        numbers = [str(newest[share]["id"]) for share in range(1, shares + 1) if newest[share]["action"] == "submitted"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if server == LOCAL:
        raise LabError(f"its jobs end with the command that runs them: `iommu-cts lava wait {folder.name}`, and no other run beside it")
    if len(numbers) < shares or not server.startswith(("http://", "https://")):
        return None
    service = connect(server)
    try:
        return None if any(service.job(number).state == FINISHED for number in numbers) else Left(shares)
    except Unreachable:
        raise
    except LabError:
        return None  # that is to be told in the run
