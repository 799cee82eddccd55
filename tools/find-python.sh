#!/bin/sh
# Prints the first Python on PATH that is new enough, or says in one line what is missing.
set -eu
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$python"
            exit 0
        fi
        echo "stretto: $python cannot make virtual environments; install its venv package (Debian: python3-venv)" >&2
        exit 1
    fi
done
echo "stretto: Python 3.11 or newer is needed and none was found (tried: ${PYTHON:-python3 python3.13 python3.12 python3.11 python}); set PYTHON=/path/to/python" >&2
exit 1
