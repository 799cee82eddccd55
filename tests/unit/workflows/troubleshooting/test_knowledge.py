import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stretto.troubleshooting.v1.troubleshooting_pb2 import KnowledgeHit
from stretto.workflows.troubleshooting import _knowledge_files as files
from stretto.workflows.troubleshooting import knowledge as module
from stretto.workflows.troubleshooting._knowledge_runbook import runbook_of
from stretto.workflows.troubleshooting._knowledge_words import TERMS_MAX, query_of, terms_of
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.knowledge import Knowledge

KETTLE = """# The kettle is cold

Cause: DEPENDENCY_UNAVAILABLE
Symptoms: lukewarm, no steam

Every office has one.

## Check

- Is it plugged in?

```
## no heading
# nor this
```

## Do

1. Plug it in,
   and wait.
2. Buy another kettle.

   ```
   3. not an action
   ```

## Later

1. Not an action either.
"""
DOOR = "# The door is stuck\n\n## Check\n\nThe kettle does not matter here.\n\n## Do\n\n1. Push.\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "kettle.md").write_text(KETTLE)
    (tmp_path / "door.md").write_text(DOOR)
    return tmp_path


def names(hits):
    return [hit.runbook for hit in hits]


def test_the_runbook_that_a_title_names_comes_first(folder):
    hits = Knowledge(folder).search("Why is my kettle cold?")
    assert names(hits) == ["kettle.md", "door.md"]
    assert hits[0].title == "The kettle is cold"
    assert hits[0].score > hits[1].score > 0


def test_a_hit_has_the_words_of_the_contract(folder):
    (hit,) = Knowledge(folder).search("steam")
    assert KnowledgeHit(**hit.model_dump()).cause
    assert hit.cause == "CAUSE_DEPENDENCY_UNAVAILABLE"
    assert hit.actions == ("Plug it in, and wait.", "Buy another kettle.")
    (hit,) = Knowledge(folder).search("door")
    assert KnowledgeHit(**hit.model_dump()).runbook == "door.md"
    assert hit.cause == "CAUSE_UNSPECIFIED"


def test_the_excerpt_is_of_the_section_that_fits_best(folder):
    (hit,) = Knowledge(folder).search("plugged")
    assert hit.excerpt.startswith("- Is it plugged in?")
    (hit,) = Knowledge(folder).search("offices")
    assert hit.excerpt == "Every office has one."


def test_an_excerpt_of_a_long_section_is_cut_around_what_fits(tmp_path):
    (tmp_path / "long.md").write_text(f"# Long\n\n## Check\n\n{'filler ' * 5000} needle {'x' * 5000}\n")
    (hit,) = Knowledge(tmp_path).search("needle")
    assert "needle" in hit.excerpt
    assert len(hit.excerpt) <= 500


def test_a_runbook_is_found_once_however_many_sections_fit(tmp_path):
    (tmp_path / "a.md").write_text("# A\n" + "".join(f"\n## Part {n}\n\nkettle {n}\n" for n in range(20)))
    assert names(Knowledge(tmp_path).search("kettle")) == ["a.md"]


def test_words_are_found_in_their_other_forms(folder):
    assert names(Knowledge(folder).search("plugging")) == ["kettle.md"]


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_than_the_limit_are_found(tmp_path, limit):
    for number in range(6):
        (tmp_path / f"{number}.md").write_text(f"# Kettle {number}\n")
    assert len(Knowledge(tmp_path).search("kettle", limit)) == limit
    assert len(Knowledge(tmp_path).search("kettle")) == 5


@pytest.mark.parametrize(
    "text",
    ["", "   ", "?!", '"', "*", "the of and", "-", "()", "^", ":", "\0", "\ud800", "'; DROP TABLE section; --", "🫖"],
)
def test_a_text_without_words_that_say_something_finds_nothing(folder, text):
    assert Knowledge(folder).search(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        '"kettle',
        'kettle" OR "x',
        "kettle*",
        "NEAR(kettle, 2)",
        "kettle AND NOT kettle",
        "title:kettle",
        "{title symptoms} : kettle",
        "-kettle",
        "^kettle",
        "kettle + x",
        "kettle\0",
        "ketTLE",
        "(kettle",
        "kettle') UNION SELECT 1 --",
    ],
)
def test_operators_of_the_index_are_plain_text(folder, text):
    assert names(Knowledge(folder).search(text))[0] == "kettle.md"


@pytest.mark.parametrize("text", ["title", "text:", "symptoms : x", "section: x", "rank"])
def test_columns_of_the_index_are_plain_text(folder, text):
    assert Knowledge(folder).search(text) == ()


@pytest.fixture(scope="module")
def one_runbook(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    (folder / "kettle.md").write_text("# Kettle\n")
    return Knowledge(folder)


@given(text=st.text(max_size=200))
def test_any_text_can_be_searched_for(one_runbook, text):
    (hit,) = one_runbook.search("kettle " + text)
    assert hit.runbook == "kettle.md"


def test_the_number_of_terms_is_bounded():
    assert len(terms_of(" ".join(f"word{n}" for n in range(1000)))) == TERMS_MAX
    assert query_of(("a", "b")) == '"a" OR "b"'
    assert len(terms_of("x" * 100_000)[0]) == 100


def test_names_in_humps_stand_for_their_parts():
    assert terms_of("OutOfMemory out") == ("outofmemory", "memory")


def test_what_changes_in_the_folder_is_found_at_the_next_search(folder):
    knowledge = Knowledge(folder)
    assert names(knowledge.search("teapot")) == []
    (folder / "teapot.md").write_text("# Teapot\n")
    assert names(knowledge.search("teapot")) == ["teapot.md"]
    (folder / "teapot.md").write_text("# Teapots and cups\n")
    assert names(knowledge.search("cup")) == ["teapot.md"]
    (folder / "teapot.md").unlink()
    assert names(knowledge.search("teapot")) == []


def test_a_change_that_keeps_the_size_is_found_too(folder):
    path, knowledge = folder / "door.md", Knowledge(folder)
    assert names(knowledge.search("door")) == ["door.md"]
    found = path.stat()
    path.write_text(DOOR.replace("door", "gate"))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))
    assert path.stat().st_size == found.st_size
    assert names(knowledge.search("gate")) == ["door.md"]


def test_nothing_is_read_again_while_nothing_changes(folder, monkeypatch):
    read, times = files.read, []

    def counted(*of):
        times.append(of)
        return read(*of)

    monkeypatch.setattr(module, "read", counted)
    knowledge = Knowledge(folder)
    assert times == []
    for _ in range(3):
        knowledge.search("kettle")
    assert len(times) == 1


@pytest.mark.parametrize("text", ["kettle", ""])
def test_a_folder_that_is_not_there_is_told(tmp_path, text):
    with pytest.raises(SourceUnavailable, match=r"The folder of runbooks .*away cannot be read: No such file"):
        Knowledge(tmp_path / "away").search(text)


def test_a_file_in_place_of_a_folder_is_told(folder):
    with pytest.raises(SourceUnavailable, match=r"cannot be read: Not a directory\."):
        Knowledge(folder / "door.md").search("kettle")


def test_a_folder_that_comes_back_is_read(tmp_path):
    knowledge = Knowledge(tmp_path / "late")
    with pytest.raises(SourceUnavailable):
        knowledge.search("door")
    (tmp_path / "late").mkdir()
    assert knowledge.search("door") == ()
    (tmp_path / "late" / "door.md").write_text(DOOR)
    assert names(knowledge.search("door")) == ["door.md"]


def test_what_cannot_be_read_is_skipped_and_told(folder):
    (folder / "binary.md").write_bytes(b"# kettle\0\1\2")
    (folder / "latin.md").write_bytes("# Käse kettle".encode("latin-1"))
    (folder / "huge.md").write_text("# kettle\n" + "x" * files.FILE_BYTES_MAX)
    (folder / "odd.md").write_text("# kettle\nCause: MAGIC\n")
    (folder / "notes.txt").write_text("kettle")
    (folder / "folder.md").mkdir()
    knowledge = Knowledge(folder)
    assert knowledge.skipped == ()
    assert names(knowledge.search("kettle")) == ["odd.md", "kettle.md", "door.md"]
    assert knowledge.skipped == (
        "binary.md cannot be read: it is not text.",
        "huge.md is left out: it is larger than 1048576 bytes.",
        "latin.md cannot be read: it is not text in UTF-8.",
        "odd.md is for the cause MAGIC, which there is not; it is kept without one.",
    )


def test_a_file_that_goes_away_while_it_is_read_is_told(folder):
    found = files.files_in(folder)
    (folder / "door.md").unlink()
    shelf = files.read(folder, found)
    assert [each.name for each in shelf.runbooks] == ["kettle.md"]
    assert shelf.skipped == ("door.md cannot be read: No such file or directory.",)


def test_the_number_and_the_size_of_all_files_are_bounded(folder, monkeypatch):
    monkeypatch.setattr(files, "FILES_MAX", 1)
    knowledge = Knowledge(folder)
    assert names(knowledge.search("kettle")) == ["door.md"]
    assert knowledge.skipped == ("1 of 2 files are left out: no more than 1 are read.",)
    monkeypatch.setattr(files, "FILES_MAX", 5)
    monkeypatch.setattr(files, "FOLDER_BYTES_MAX", len(DOOR))
    knowledge = Knowledge(folder)
    assert names(knowledge.search("kettle")) == ["door.md"]
    assert knowledge.skipped == (f"kettle.md is left out: no more than {len(DOOR)} bytes are read.",)


def test_folders_below_are_read_and_links_that_lead_out_are_not(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "deep").mkdir(parents=True)
    (inside / ".git").mkdir()
    outside.mkdir()
    (inside / "deep" / "kettle.md").write_text(KETTLE)
    (inside / ".git" / "kettle.md").write_text(KETTLE)
    (outside / "secret.md").write_text("# Secret kettle\n")
    (inside / "secret.md").symlink_to(outside / "secret.md")
    (inside / "all").symlink_to(outside)
    (inside / "again.md").symlink_to(inside / "deep" / "kettle.md")
    (inside / "nowhere.md").symlink_to(inside / "missing.md")
    (inside / "round.md").symlink_to(inside / "round.md")
    assert sorted(names(Knowledge(inside).search("kettle"))) == ["again.md", "deep/kettle.md"]


def test_fifty_threads_search_while_the_folder_changes(folder):
    knowledge = Knowledge(folder)

    def search(number):
        if number % 5 == 0:
            (folder / f"{number}.md").write_text(f"# Kettle {number}\n")
        return names(knowledge.search("cold kettle", 50))

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(search, range(200)))
    assert all("kettle.md" in each and len(set(each)) == len(each) for each in found)
    assert len(knowledge.search("kettle", 50)) == 42


def test_a_text_without_a_title_is_called_as_its_file_is():
    runbook = runbook_of("deep/full-disk.md", "Buy a larger one.")
    assert runbook.title == "full disk"
    assert runbook.actions == ()
    assert [section.text for section in runbook.sections] == ["Buy a larger one."]


def test_the_actions_of_a_runbook_are_bounded():
    items = "".join(f"{n}. {'x' * 600}\n" for n in range(1, 30))
    runbook = runbook_of("a.md", f"# A\n\n## Do\n\n{items}")
    assert len(runbook.actions) == 10
    assert {len(action) for action in runbook.actions} == {500}


def test_a_paragraph_between_actions_belongs_to_none():
    runbook = runbook_of("a.md", "# A\n\n## Do\n\nFirst of all:\n\n1. Push.\nOr pull.\n  Hard.\n2. Go.\n")
    assert runbook.actions == ("Push.", "Go.")
