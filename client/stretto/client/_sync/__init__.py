"""The blocking client, written by `tools/make_sync.py` from the asynchronous one; only `_io` is written by hand."""
