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
