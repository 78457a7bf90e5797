"""``python -m recover``."""

from recover.cli import main

if __name__ == "__main__":
    main()
