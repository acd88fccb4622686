"""``python -m unblur`` is the same as ``unblur``."""

from unblur.cli import main

if __name__ == "__main__":
    main()
