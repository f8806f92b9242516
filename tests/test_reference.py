"""The reference page: every public name of the library is on it, and says what it must."""

import ast
import importlib
import inspect
import re
import textwrap

import pytest

from tools.chapters import ROOT

SOURCE = (ROOT / "appendices" / "reference.md").read_text(encoding="utf-8")
PAGE = ROOT / "_build" / "html" / "appendices" / "reference.html"
ON_THE_PAGE = re.findall(r"automodule:: (\S+)", SOURCE)
# What others raise for bad input: it stands in their docstrings.
NOT_ON_THE_PAGE = {"attention_lib.inputs", "attention_lib.settings"}

SHAPE = re.compile(r"``\((?!output)[^`]*[,.][^`]*\)``|any shape")
AS_ANOTHER = re.compile(r"\bas\s+:(?:func|meth|class):`")


def modules():
    """The public modules: files of the library and of its models; other folders are one each."""
    library = ROOT / "attention_lib"
    for path in sorted([*library.iterdir(), *(library / "models").iterdir()]):
        is_package = (path / "__init__.py").exists() and path.name != "models"
        if (is_package or path.suffix == ".py") and not path.stem.startswith("_"):
            inside = "models." if path.parent.name == "models" else ""
            yield f"attention_lib.{inside}{path.stem}"


def public():
    """Every public function, class and method by its name on the page."""
    for module in ON_THE_PAGE:
        loaded = importlib.import_module(module)
        for name in loaded.__all__:
            thing = getattr(loaded, name)
            if inspect.isfunction(thing):
                yield f"{module}.{name}", thing
            elif inspect.isclass(thing):
                yield f"{module}.{name}", thing
                for method, held in vars(thing).items():
                    function = getattr(held, "fget", getattr(held, "__func__", held))
                    if inspect.isfunction(function) and not method.startswith("_"):
                        yield f"{module}.{name}.{method}", function


PUBLIC = dict(public())


def takes_tensors(thing):
    annotations = [str(p.annotation) for p in inspect.signature(thing).parameters.values()]
    return any("Tensor" in a and not a.startswith("Callable") for a in annotations)


def refuses_something(thing):
    """Whether its own code, a class's when it is made, raises or calls what checks arguments."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    made = [n for n in tree.body if getattr(n, "name", "") in ("__init__", "__post_init__")]
    for part in made if inspect.isclass(thing) else [tree]:
        for node in ast.walk(part):
            if isinstance(node, ast.Raise) and node.exc is not None:
                return True
            if isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if called.lstrip("_").startswith("check"):
                    return True
    return False


def test_every_public_module_is_on_the_page_once():
    assert len(ON_THE_PAGE) == len(set(ON_THE_PAGE)) > 15
    missing = set(modules()) - NOT_ON_THE_PAGE - set(ON_THE_PAGE)
    assert missing == set(), "give each a section in appendices/reference.md"
    assert set(ON_THE_PAGE) <= set(modules()) and set(modules()) >= NOT_ON_THE_PAGE


def test_what_the_packages_offer_is_on_the_page():
    things = list(PUBLIC.values())
    for package in ("attention_lib", "attention_lib.models"):
        loaded = importlib.import_module(package)
        assert [name for name in loaded.__all__ if getattr(loaded, name) not in things] == []


def test_every_public_name_has_a_docstring():
    assert len(PUBLIC) > 150
    assert [name for name, thing in PUBLIC.items() if not (thing.__doc__ or "").strip()] == []
    for module in ON_THE_PAGE:
        assert importlib.import_module(module).__doc__


def test_whatever_takes_tensors_says_of_which_shapes():
    """In double backquotes, ``(batch, length)``, or "as" another's docstring says."""
    takers = {name: thing.__doc__ for name, thing in PUBLIC.items() if takes_tensors(thing)}
    assert len(takers) > 50
    shapeless = [n for n, d in takers.items() if not (SHAPE.search(d) or AS_ANOTHER.search(d))]
    assert shapeless == []


def test_whatever_refuses_arguments_says_so():
    """In a section "Raises:", or "as" another's docstring says."""
    refusing = {name: thing.__doc__ for name, thing in PUBLIC.items() if refuses_something(thing)}
    assert len(refusing) > 60
    silent = [n for n, d in refusing.items() if "Raises:\n" not in d and not AS_ANOTHER.search(d)]
    assert silent == []


def test_no_docstring_reads_as_something_else_on_the_page():
    """Single backquotes are italics there, and what stands before a colon in Returns is a type."""
    roles_and_code = re.compile(r"``[^`]*``|:[\w:]+:`[^`]*`")
    for name, thing in PUBLIC.items():
        doc = roles_and_code.sub("", inspect.cleandoc(thing.__doc__))
        assert "`" not in doc, f"{name}: code stands in double backquotes"
        returns = re.search(r"^Returns:\n +(.*)", doc, re.MULTILINE)
        assert not (returns and re.search(r":(\s|$)", returns[1])), (
            f"{name}: the first line of what it returns has a colon: {returns[1]}"
        )


@pytest.fixture(scope="module")
def page():
    assert PAGE.exists(), "no pages yet: run `make book` first"
    return PAGE.read_text(encoding="utf-8")


def test_the_built_page_has_every_public_name(page):
    anchors = set(re.findall(r'<dt class="sig[^>]* id="([\w.]+)"', page))
    assert PUBLIC.keys() - anchors == set()
    for module in ON_THE_PAGE:  # a package's constants stand there under their files' names
        names = {a.split(".")[-1] for a in anchors if a.startswith(f"{module}.")}
        assert set(importlib.import_module(module).__all__) - names == set()


def test_a_phone_can_load_the_page(page):
    assert len(page) < 1_500_000


def test_every_module_can_be_linked_to(page):
    for module in ON_THE_PAGE:
        assert f'id="module-{module}"' in page


def test_the_built_page_is_the_same_on_every_machine(page):
    assert re.findall(r" at 0x[0-9a-f]+|/site-packages/", page) == []
