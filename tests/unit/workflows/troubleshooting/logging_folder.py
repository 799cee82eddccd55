"""Folders of logs, as the tests write them and read what was found."""

import datetime as dt
import os
from pathlib import Path

from stretto.workflows.troubleshooting._log_entries import bad_entry, blocks_of
from stretto.workflows.troubleshooting._log_files import LogFile

WRITTEN_AT = dt.datetime(2026, 11, 21, 8, tzinfo=dt.UTC)


def at(*parts):
    return dt.datetime(*parts, tzinfo=dt.UTC)


def write(path, *lines, written_at=WRITTEN_AT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    os.utime(path, (written_at.timestamp(), written_at.timestamp()))


def lines(findings):
    return [finding.line for finding in findings]


def entries(*of, name="a.log"):
    file = LogFile(Path(name), name, WRITTEN_AT)
    return [entry for block in blocks_of(of) if (entry := bad_entry(file, block))]
