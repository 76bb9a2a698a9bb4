"""Where readers looked: fixation files, raw gaze, and gaze maps on the grid of the EEG."""

from neurorun.data.gaze.channels import (
    REFERENTIAL,
    TCP,
    GazeMontage,
    electrode_shares,
    electrodes_of,
    montage_22,
)
from neurorun.data.gaze.fixations import (
    Fixation,
    FixationFile,
    GazeName,
    find_gaze_files,
    parse_gaze_name,
    read_fixations,
)
from neurorun.data.gaze.maps import GazeMap, GazeMapConfig, gaze_map
from neurorun.data.gaze.raw_gaze import GazePage, GazePoint, RawGaze, find_fixations, read_raw_gaze

__all__ = [
    "REFERENTIAL",
    "TCP",
    "Fixation",
    "FixationFile",
    "GazeMap",
    "GazeMapConfig",
    "GazeMontage",
    "GazeName",
    "GazePage",
    "GazePoint",
    "RawGaze",
    "electrode_shares",
    "electrodes_of",
    "find_fixations",
    "find_gaze_files",
    "gaze_map",
    "montage_22",
    "parse_gaze_name",
    "read_fixations",
    "read_raw_gaze",
]
