"""What the README and the docs tell a reader to type works, and what they show is what comes out."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.docs.pages import CODE, PAGES, ROOT, VERBS, Block, blocks
from tests.docs.running import Runner, alike

TESTS = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    runner = Runner(tmp_path)
    yield runner
    runner.close()


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.runs for block in blocks(page))], ids=name_of)
def test_the_blocks_of_a_page_work(page: Path, runner: Runner) -> None:
    found = blocks(page)
    for block, following in zip_longest(found, found[1:]):
        if block.runs:
            runner.run(block, following)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_code_stands_there_untested_without_a_reason(page: Path) -> None:
    assert not [block.place for block in blocks(page) if block.language in CODE and not block.mark]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_mark_is_one_that_is_known(page: Path) -> None:
    """A mark that nobody understands would hide a block that nobody runs."""
    fences = {block.line - 1 for block in blocks(page)}
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        if re.match(r"<!-- (file|test|prints|no test)\b", line):
            assert number in fences, f"{name_of(page)}:{number} marks no block"
    for block in blocks(page):
        assert not block.mark or block.argument or block.mark == "prints", block.place
        assert block.mark != "test" or block.argument in VERBS or is_tested_elsewhere(block), block.place


def is_tested_elsewhere(block: Block) -> bool:
    """Whether a test names the page and the block."""
    texts = (path.read_text() for path in TESTS)
    return any(block.page.name in text and f'"{block.argument}"' in text for text in texts)


def test_the_first_graph_of_the_readme_has_about_twenty_lines() -> None:
    hello = next(block for block in blocks(ROOT / "README.md") if block.argument == "hello.py")
    assert len([line for line in hello.text.splitlines() if line]) <= 20


def test_a_page_may_leave_out_what_differs_between_runs() -> None:
    assert alike("started wf_…\n…\nend\n", "started   wf_01abc\nany\n  lines\nend\n")
    assert alike("one\n…\n", "one\n")
    assert not alike("started wf_…\n", "started wf_01abc\nand more\n")
    assert not alike("one\ntwo\n", "one\n")


def test_every_link_leads_somewhere() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", page.read_text()):
            leads = (page.parent / target) if target else page
            if not target.startswith("http"):
                assert leads.exists(), f"{name_of(page)}: {target}"
                assert not anchor or anchor in anchors(leads), f"{name_of(page)}: {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """What can be linked to in a page: what is named so, and its headings, as GitHub makes anchors of them."""
    text = page.read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    named = re.findall(r'<a id="([^"]+)">', text)
    return {*named, *(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)}
