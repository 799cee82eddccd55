"""The asynchronous client. `tools/make_sync.py` writes its blocking twin from these modules, all but `_io`."""
