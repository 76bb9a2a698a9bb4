"""Simulated recordings and source activity, with their truth."""

from neurorun.simulation.cracks import CrackPlan, simulate_crack, simulate_cracks
from neurorun.simulation.eeg_corpus import (
    CorpusPlan,
    SimulatedPatient,
    draw_patients,
    simulate_corpus,
    simulate_recording,
)
from neurorun.simulation.gaze import (
    GazeCorpusPlan,
    ReadRecording,
    simulate_gaze_corpus,
    simulate_read_recording,
)
from neurorun.simulation.source.anatomy import Anatomy, Surface, load_anatomy
from neurorun.simulation.source.batches import SparseTargets
from neurorun.simulation.source.check_data import SourceReport, check_source_data
from neurorun.simulation.source.clip_file import find_clips, read_clip
from neurorun.simulation.source.clip_simulation import ClipSimulation, simulate_clips
from neurorun.simulation.source.config import GrowthConfig, SourceDataConfig
from neurorun.simulation.source.connectivity import (
    Connectivity,
    load_connectivity,
    synthetic_connectivity,
)
from neurorun.simulation.source.data import (
    PlanReport,
    SourceData,
    open_source_data,
    open_source_test,
)
from neurorun.simulation.source.dataset import (
    SpikeEEGMetadataDataset,
    create_dataloaders_from_metadata,
)
from neurorun.simulation.source.demo import simulate_source_demo, write_anatomy
from neurorun.simulation.source.examples import SourceExample, SourceExamples
from neurorun.simulation.source.jansen_rit import JansenRitNetwork, NetworkSettings
from neurorun.simulation.source.leadfield import load_leadfield
from neurorun.simulation.source.mat_file import load_mat
from neurorun.simulation.source.mat_writer import save_mat
from neurorun.simulation.source.on_device import source_batches_on
from neurorun.simulation.source.plan import SourcePlan, write_plan
from neurorun.simulation.source.plan_file import read_plan
from neurorun.simulation.source.spherical_head import spherical_anatomy, spherical_leadfield
from neurorun.simulation.source.store import SpikeStore, build_store
from neurorun.simulation.source.tables import draw_tables, write_tables

__all__ = [
    "Anatomy",
    "ClipSimulation",
    "Connectivity",
    "CorpusPlan",
    "CrackPlan",
    "GazeCorpusPlan",
    "GrowthConfig",
    "JansenRitNetwork",
    "NetworkSettings",
    "PlanReport",
    "ReadRecording",
    "SimulatedPatient",
    "SourceData",
    "SourceDataConfig",
    "SourceExample",
    "SourceExamples",
    "SourcePlan",
    "SourceReport",
    "SparseTargets",
    "SpikeEEGMetadataDataset",
    "SpikeStore",
    "Surface",
    "build_store",
    "check_source_data",
    "create_dataloaders_from_metadata",
    "draw_patients",
    "draw_tables",
    "find_clips",
    "load_anatomy",
    "load_connectivity",
    "load_leadfield",
    "load_mat",
    "open_source_data",
    "open_source_test",
    "read_clip",
    "read_plan",
    "save_mat",
    "simulate_clips",
    "simulate_corpus",
    "simulate_crack",
    "simulate_cracks",
    "simulate_gaze_corpus",
    "simulate_read_recording",
    "simulate_recording",
    "simulate_source_demo",
    "source_batches_on",
    "spherical_anatomy",
    "spherical_leadfield",
    "synthetic_connectivity",
    "write_anatomy",
    "write_plan",
    "write_tables",
]
