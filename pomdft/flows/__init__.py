"""Jobflow Makers and flows: affinities for metals, metal ions and protons."""

from pomdft.flows.affinity import AffinityMaker
from pomdft.flows.convergence import ConvergenceMaker, convergence_levels
from pomdft.flows.ion_affinity import IonAffinityMaker
from pomdft.flows.jobs import GpawRelaxMaker, GpawStaticMaker
from pomdft.flows.preparation import AffinityPlan, plan_affinity
from pomdft.flows.protonation import ProtonationMaker
from pomdft.flows.study import StudyOutcome, StudyPlan, plan_study, run_study

__all__ = [
    "AffinityMaker",
    "AffinityPlan",
    "ConvergenceMaker",
    "GpawRelaxMaker",
    "GpawStaticMaker",
    "IonAffinityMaker",
    "ProtonationMaker",
    "StudyOutcome",
    "StudyPlan",
    "convergence_levels",
    "plan_affinity",
    "plan_study",
    "run_study",
]
