"""``python -m mimicrl``."""

from mimicrl.cli import main

if __name__ == "__main__":
    main()
