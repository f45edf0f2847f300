"""The quickstart study in a few lines of Jobflow: W5O18 with Au and Ag.

    python workflows/quickstart.py [LEVEL]

Give LEVEL = xtb for a trial of a minute; the default is the DFT level `lcao`.
"""

import sys

from jobflow import Flow, run_locally

from pomdft.calculations.levels import load_level
from pomdft.flows import AffinityMaker


def make_flow(level: str = "lcao") -> Flow:
    """Return the flow: the affinity of W5O18 for Au and for Ag."""
    maker = AffinityMaker(level=load_level(level))
    return Flow([maker.make("W5O18", metal) for metal in ("Au", "Ag")], name="quickstart")


if __name__ == "__main__":
    flow = make_flow(*sys.argv[1:2])
    responses = run_locally(flow, log=False)
    for part in flow.jobs:
        print(responses[part.output.uuid][1].output)
