import gzip
import os

import pytest

from stretto.workflows.troubleshooting import _log_files as files
from stretto.workflows.troubleshooting import logs as module
from stretto.workflows.troubleshooting._log_files import LogFile
from stretto.workflows.troubleshooting.errors import SourceUnavailable
from stretto.workflows.troubleshooting.logs import Logs
from tests.unit.workflows.troubleshooting.logging_folder import WRITTEN_AT, at, lines, write

# Files


def test_files_that_are_logs_are_read_and_others_are_not(tmp_path):
    good = ("a.log", "a.log.1", "a.log.23", "a.log-20261120", "a.json", "a.jsonl", "deep/er/A.LOG", "a.2026.log")
    for name in (*good, "a.txt", "log", "a.log.bak", "a.logs", "a.log~", ".log"):
        write(tmp_path / name, '{"level": "error", "msg": "etl"}')
    found, left_out = files.log_files(tmp_path)
    assert sorted(file.name for file in found) == sorted(good)
    assert left_out == []


def test_packed_files_are_read(tmp_path):
    for name in ("a.log.gz", "a.log.1.gz", "a.jsonl.gz"):
        (tmp_path / name).write_bytes(gzip.compress(b'{"level":"error","msg":"etl"}\n'))
    (found,) = Logs(tmp_path).search("etl")
    assert found.count == 3


def test_of_a_packed_file_the_end_is_read_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "TAIL_BYTES_MAX", 60)
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(b"ERROR etl first\n" * 100 + b"ERROR etl last\n"))
    logs = Logs(tmp_path, cache_seconds=0)
    assert [finding.count for finding in logs.search("etl")] == [1, 2]
    monkeypatch.setattr(files, "UNPACKED_BYTES_MAX", 160)
    assert lines(logs.search("etl")) == ["ERROR etl first"]
    assert logs.left_out[0] == "a.log.gz is read up to 160 unpacked bytes only."


@pytest.mark.parametrize("damage", ["cut", "changed", "none"])
def test_of_a_damaged_packed_file_the_rest_is_told(tmp_path, damage):
    content = gzip.compress(b"ERROR etl\n" + os.urandom(100_000).replace(b"\0", b"1"))
    (tmp_path / "a.log.gz").write_bytes(
        {"cut": content[:60_000], "changed": content[:60_000] + b"x" * 40_000, "none": b"ERROR etl"}[damage]
    )
    logs = Logs(tmp_path)
    logs.search("etl")
    assert logs.left_out == ("a.log.gz is read as far as it can be unpacked.",)


def test_of_a_long_file_the_end_is_read_from_the_next_whole_line_on(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "TAIL_BYTES_MAX", 30)
    write(tmp_path / "a.log", "WARN first etl failed", "WARN second etl failed", "WARN third etl failed")
    assert lines(Logs(tmp_path).search()) == ["WARN third etl failed"]


def test_what_of_long_files_is_not_read_is_told_once(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "TAIL_BYTES_MAX", 30)
    for name, day in (("a.log", 20), ("b.log", 19), ("c.log", 18)):
        write(tmp_path / name, "WARN first etl failed", "WARN second etl failed", written_at=at(2026, 11, day))
    logs = Logs(tmp_path)
    logs.search()
    assert logs.left_out == ("Only the last 5 MB of a.log and 2 other files are read.",)


def test_huge_lines_are_cut(tmp_path, monkeypatch):
    write(tmp_path / "a.log", "ERROR etl " + "x" * 3_000_000)
    (found,) = Logs(tmp_path).search("etl")
    assert len(found.line) == 500
    assert found.line.endswith("x…")
    monkeypatch.setattr(files, "TAIL_BYTES_MAX", 30)
    (tmp_path / "a.log").write_text("x" * 100 + " ERROR etl")
    assert len(Logs(tmp_path).search("etl")) == 1


def test_binary_files_are_left_out_and_told(tmp_path):
    (tmp_path / "a.log").write_bytes(b"ERROR etl\0\1\2")
    logs = Logs(tmp_path)
    assert logs.search("etl") == ()
    assert logs.left_out == ("a.log is left out: it is not text.",)


def test_text_in_another_encoding_is_read_all_the_same(tmp_path):
    (tmp_path / "a.log").write_bytes("ERROR etl größer\r\nERROR etl ok\r\n".encode("latin-1"))
    assert lines(Logs(tmp_path).search("etl")) == ["ERROR etl ok", "ERROR etl gr\ufffd\ufffder"]


def test_a_file_that_was_rotated_away_while_reading_is_told(tmp_path, monkeypatch):
    write(tmp_path / "a.log", "ERROR etl one", written_at=at(2026, 11, 20))
    write(tmp_path / "b.log", "ERROR etl two", written_at=at(2026, 11, 19))
    tail_of = module.tail_of

    def rotate(file):
        (tmp_path / "b.log").unlink(missing_ok=True)
        return tail_of(file)

    monkeypatch.setattr(module, "tail_of", rotate)
    logs = Logs(tmp_path)
    assert lines(logs.search("etl")) == ["ERROR etl one"]
    assert logs.left_out == ("b.log is left out: No such file or directory.",)


def test_a_file_that_is_truncated_while_reading_gives_what_is_left(tmp_path, monkeypatch):
    write(tmp_path / "a.log", "ERROR etl one", "ERROR etl two")
    fstat = os.fstat

    def truncate(descriptor):
        found = fstat(descriptor)
        os.truncate(tmp_path / "a.log", 14)
        return found

    monkeypatch.setattr(files.os, "fstat", truncate)
    logs = Logs(tmp_path)
    assert lines(logs.search("etl")) == ["ERROR etl one"]
    assert logs.left_out == ()


def test_links_that_lead_out_of_the_folder_are_not_followed(tmp_path):
    inside = tmp_path / "in"
    write(inside / "real" / "a.log", "ERROR etl inside")
    write(tmp_path / "out" / "b.log", "ERROR etl outside")
    (inside / "b.log").symlink_to(tmp_path / "out" / "b.log")
    (inside / "up.log").symlink_to("../out/b.log")
    (inside / "out").symlink_to(tmp_path / "out")
    (inside / "nowhere.log").symlink_to(inside / "missing.log")
    (inside / "round.log").symlink_to(inside / "round.log")
    (inside / "current.log").symlink_to(inside / "real" / "a.log")
    found = Logs(inside).search("etl")
    assert lines(found) == ["ERROR etl inside"]
    assert found[0].count == 2


def test_a_link_that_takes_a_file_s_place_is_not_followed(tmp_path):
    write(tmp_path / "in" / "a.log", "ERROR etl inside")
    write(tmp_path / "secret.log", "ERROR etl outside")
    (file,), _ = files.log_files(tmp_path / "in")
    file.path.unlink()
    file.path.symlink_to(tmp_path / "secret.log")
    lines_read, told, _ = files.tail_of(file)
    assert lines_read == []
    assert told.startswith("a.log is left out: ")


def test_the_folder_itself_may_be_a_link(tmp_path):
    write(tmp_path / "real" / "a.log", "ERROR etl")
    (tmp_path / "logs").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "b.log").symlink_to(tmp_path / "real" / "a.log")
    assert Logs(tmp_path / "logs").search("etl")[0].count == 2


def test_a_pipe_and_a_folder_that_are_called_like_logs_are_passed_over(tmp_path):
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "folder.log").mkdir()
    write(tmp_path / "a.log", "ERROR etl")
    assert lines(Logs(tmp_path).search("etl")) == ["ERROR etl"]
    assert files.tail_of(LogFile(tmp_path / "pipe.log", "pipe.log", WRITTEN_AT)).lines == []


def test_a_folder_that_is_not_there_is_told_each_time(tmp_path):
    logs = Logs(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match=r"The folder of logs .*away cannot be read: No such file"):
            logs.search("etl")
    write(tmp_path / "away" / "a.log", "ERROR etl")
    assert len(logs.search("etl")) == 1
    with pytest.raises(SourceUnavailable, match=r"cannot be read: Not a directory\."):
        Logs(tmp_path / "away" / "a.log").search("etl")
