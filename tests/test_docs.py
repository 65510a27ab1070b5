"""README and docs say what is so: commands, flags, settings, names, links."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
import shlex
from pathlib import Path

import pytest
import yaml

from napari_bioseg.cli import COMMANDS
from napari_bioseg.cli.flags import changed, given_settings, setting_flags
from napari_bioseg.settings import Workflow

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|\| )\$? ?napari-bioseg (.+)")
SECTIONS = tuple(Workflow.model_fields)
SETTING = re.compile(rf"(?:{'|'.join(SECTIONS)})\.[a-z_.]+[a-z]")


def blocks(page, *languages):
    """Yield the fenced blocks of a page in one of some languages."""
    for language, text in FENCE.findall(page.read_text("utf-8")):
        if language in languages:
            yield text


def inline(page):
    """Yield what stands between single backticks outside of blocks."""
    text = FENCE.sub("", page.read_text("utf-8"))
    for code in re.findall(r"`([^`]+)`", text):
        yield " ".join(code.split())


def parser_of(command):
    if command == "demo":
        return importlib.import_module("napari_bioseg.widgets.demo")._parser()
    return importlib.import_module(f"napari_bioseg.cli.{command}").make_parser()


def options_of(command):
    return {name for act in parser_of(command)._actions for name in act.option_strings}


def options_of_scripts(page):
    """Return the options of the benchmarks that a page names."""
    scripts = set(re.findall(r"benchmarks/\w+\.py", page.read_text("utf-8")))
    sources = [(ROOT / script).read_text("utf-8") for script in scripts]
    return set(re.findall(r'"(--[a-z-]+)"', "".join(sources)))


def written_commands():
    """List every command line in a block: page and words."""
    for page in PAGES:
        for text in blocks(page, "", "bash", "console"):
            for line in text.replace("\\\n", " ").splitlines():
                found = COMMAND.match(line.strip())
                if found and not found[1].startswith("COMMAND"):
                    yield pytest.param(found[1], id=f"{page.name}: {found[1][:60]}")


@pytest.mark.parametrize("line", list(written_commands()))
def test_a_command_line_is_one(line):
    command, *words = shlex.split(line, comments=True)
    if "…" in words:
        assert {word for word in words if word[:2] == "--"} <= options_of(command)
    elif "--help" not in words and command != "--version":
        parser = parser_of(command)
        args = parser.parse_args(words) if command == "demo" else parser.parse(words)
        changed(Workflow(), given_settings(args))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_and_settings_in_the_text_exist(page):
    every = options_of_scripts(page).union(*(options_of(name) for name in COMMANDS))
    settings = {flag.dotted for flag in setting_flags(parsed_sections())}
    parts = {".".join(name.split(".")[:n]) for name in settings for n in (2, 3, 4)}
    for code in inline(page):
        words = code.removeprefix("napari-bioseg ").split()
        known = options_of(words[0]) if words[0] in COMMANDS else every
        if words[0] in ("python", "python3", "pip", "tensorboard", "accelerate"):
            continue
        flags = {word.partition("=")[0] for word in words if word[:2] == "--"}
        assert flags <= known, code
        named = SETTING.match(code)
        if named and "(" not in code:
            assert named[0] in parts | {"trained.intensities"}, code


def parsed_sections():
    apart = ("format", "trained")
    return [name for name in SECTIONS if name not in apart]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_import_what_there_is(page):
    for text in blocks(page, "python"):
        if ">>>" in text:
            continue  # run below
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and "napari_bioseg" in str(node.module):
                module = importlib.import_module(str(node.module))
                for name in node.names:
                    assert hasattr(module, name.name), (page.name, name.name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_in_yaml_are_read(page):
    for text in blocks(page, "yaml"):
        values = yaml.safe_load(text)
        if set(values) <= set(SECTIONS):
            assert Workflow(**values) != Workflow()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_menu_and_no_picture_is_left_over():
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    pages = {target for entry in menu for target in entry.values()}
    assert pages == {page.name for page in ROOT.glob("docs/*.md")}
    shown = "".join(page.read_text("utf-8") for page in PAGES)
    for picture in ROOT.glob("docs/images/*"):
        assert f"images/{picture.name}" in shown, picture.name
        assert picture.stat().st_size < 250_000, picture.name


def test_the_examples_of_the_api_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "\n".join(blocks(ROOT / "docs/api.md", "python"))
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(text, {}, "docs/api.md", None, None)
    result = doctest.DocTestRunner(optionflags=flags).run(test)
    assert result.attempted > 20
    assert not result.failed
