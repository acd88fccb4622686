"""What can go wrong, as one small tree.

::

    UnblurError
    ├── PsfError       a PSF that cannot be one, or does not fit the picture or the method
    ├── ImageError     a picture that cannot be read, written or restored
    ├── WeightsError   network weights that are missing, damaged or of the wrong kind
    ├── ConfigError    a setting, recipe or option out of its range, or unknown
    └── Cancelled      somebody asked to stop

A message says what it got, what it expected and what to do. The doors (command line, web page) turn every
``UnblurError`` into one line and exit code 2; anything else is a bug and shows its trace.
"""


class UnblurError(Exception):
    """Root of everything that a user can cause and mend."""


class PsfError(UnblurError):
    """The point spread function is unusable, or the method does not know it."""


class ImageError(UnblurError):
    """The picture cannot be read, written or restored."""


class WeightsError(UnblurError):
    """Network weights are missing, damaged or of another kind."""


class ConfigError(UnblurError):
    """A setting, recipe or option is unknown or out of range."""


class Cancelled(UnblurError):  # noqa: N818 - it is a request, not a mistake
    """A progress callback asked to stop."""


def machine_refusal(error: Exception) -> UnblurError | None:
    """What the machine refuses, a disk or memory, as a sentence that says what to do; None for a bug."""
    if isinstance(error, OSError):
        return UnblurError(f"{error.filename or 'a file'}: {error.strerror or error}; check its name, space, rights")
    words = ("can't allocate memory", "out of memory", "not enough memory")
    short = isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in words)
    if short or isinstance(error, MemoryError):
        return UnblurError("there is too little memory for this; try --memory 500M, a smaller tile or picture")
    return None
