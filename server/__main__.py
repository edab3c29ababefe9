"""`python -m server`: the `diemcau` command of a checkout."""

from server.cli import main

if __name__ == "__main__":
    main()
