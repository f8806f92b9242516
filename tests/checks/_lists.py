"""The lists of mistakes and right variants, NAME_MISTAKES and NAME_RIGHT of the files beside it."""

import importlib.util
from pathlib import Path

TABLES = [
    importlib.util.spec_from_file_location(path.stem, path)
    for path in sorted(Path(__file__).parent.glob("*.py"))
    if not path.name.startswith(("test_", "_", "conftest"))
]


def _lists(kind):
    """By the checker's name."""
    found = {}
    for spec in TABLES:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, table in vars(module).items():
            if name.endswith(f"_{kind}"):
                found[name.removesuffix(f"_{kind}").lower()] = table
    return found


MISTAKES, RIGHT = _lists("MISTAKES"), _lists("RIGHT")


def words(result):
    """The diagnosis without its example."""
    return result.diagnosis.split("\nfor example, on ")[0]
