"""Simulated recordings and source activity, with their truth."""

from neurorun.simulation.eeg_corpus import (
    CorpusPlan,
    SimulatedPatient,
    draw_patients,
    simulate_corpus,
    simulate_recording,
)

__all__ = [
    "CorpusPlan",
    "SimulatedPatient",
    "draw_patients",
    "simulate_corpus",
    "simulate_recording",
]
