#!/bin/sh
# Compares the protos with those that somebody may use already, and fails when a caller would break.
#
# What they are compared with: $BREAKING_AGAINST if set, else the newest release tag (v*), else what landed last:
# origin/main where that is another commit, else the commit before this one. A first commit has nothing to break.
set -eu
buf=${1:?usage: breaking.sh BUF}

has_protos() { git cat-file -e "$1:protos" 2>/dev/null; }

against=${BREAKING_AGAINST:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
if [ -z "$against" ]; then
    against=$(git rev-parse --verify -q origin/main || true)
    if [ -z "$against" ] || [ "$against" = "$(git rev-parse HEAD)" ]; then
        against=$(git rev-parse --verify -q HEAD~1 || true)
    fi
fi
if [ -z "$against" ] || ! has_protos "$against"; then
    echo "buf breaking: nothing to compare with"
    exit 0
fi
echo "buf breaking: against $(git rev-parse --short "$against")"
# Our own module alone: what is vendored is not ours to keep, and buf pairs modules by their order, which may change.
"$buf" breaking protos --against ".git#ref=$(git rev-parse "$against^{commit}"),subdir=protos"
