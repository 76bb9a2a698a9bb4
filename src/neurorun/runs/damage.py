"""What reading damaged bytes raises, whichever byte it is."""

import struct
import zipfile
import zlib

NPZ_FAULTS = (
    OSError, EOFError, LookupError, ValueError, TypeError, OverflowError, MemoryError, RuntimeError,
    AttributeError, SyntaxError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""Of an NPZ archive: its directory, its compression, the headers and the values inside."""
