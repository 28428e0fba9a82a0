"""Finds an interpreter with the packages that a test needs: DISTILL_EXCHANGE_PYTHON, or this one."""
import importlib
import os
import sys

SKIPPED = 77


def use(*packages):
    """Imports and returns `packages`, in the chosen interpreter; ends the test as skipped without."""
    chosen = os.environ.get("DISTILL_EXCHANGE_PYTHON")
    if chosen and not os.environ.get("DISTILL_EXCHANGE_CHOSEN"):
        os.environ["DISTILL_EXCHANGE_CHOSEN"] = "1"
        os.execv(chosen, [chosen, *sys.argv])
    try:
        return [importlib.import_module(name) for name in packages]
    except ImportError as error:
        print(f"skipped: {error}")
        sys.exit(SKIPPED)
