#!/bin/sh
# Sees to it that there is a tmux, in which the tests drive the chat: what is installed, else Debian's package.
set -eu
have() { command -v "$1" >/dev/null 2>&1; }

if ! have tmux && [ "$(id -u)" = 0 ] && have apt-get; then
    echo "stretto: installing tmux"
    apt-get -qq install -y tmux >/dev/null 2>&1 || { apt-get -qq update && apt-get -qq install -y tmux; } >/dev/null 2>&1 || true
fi
have tmux || { echo "stretto: the tests need tmux, and it is not there; install it, for instance with apt install tmux" >&2; exit 1; }
