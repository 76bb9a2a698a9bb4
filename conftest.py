"""Check shapes and types of every call while tests run; production code pays nothing."""

import os
import sys
import types

from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, one core each

_checks = types.ModuleType("neurorun_shape_checks")
_checks.typechecked = beartype(conf=BeartypeConf(is_pep484_tower=True))
sys.modules[_checks.__name__] = _checks
install_import_hook("neurorun", f"{_checks.__name__}.typechecked")
