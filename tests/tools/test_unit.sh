#!/bin/sh
# The unit file is well-formed and as closed as it is meant to be.
set -eu

cd "$(dirname "$0")/../.."

if ! command -v systemd-analyze >/dev/null; then
    echo "unit: skipped, systemd-analyze is not installed"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail()
{
    echo "unit: $1"
    exit 1
}

# Exposure in tenths: 10 is 1.0.
systemd-analyze security --offline=true --threshold=10 dedupd.service \
    >"$work/security" 2>&1 || {
    grep -v '^✓' "$work/security"
    fail "dedupd.service is more exposed than 1.0"
}

# The program need not be installed here: verify a copy that names one that is,
# and no manual, which verifying looks for.
sed -e 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' -e '/^Documentation=/d' \
    dedupd.service >"$work/dedupd.service"
systemd-analyze verify "$work/dedupd.service" >"$work/verify" 2>&1 || {
    cat "$work/verify"
    fail "dedupd.service is malformed"
}
if [ -s "$work/verify" ]; then
    cat "$work/verify"
    fail "dedupd.service has warnings"
fi

# Each setting stands below a comment of its own.
awk '/^[A-Za-z]+=/ && above !~ /^#/ { print FILENAME ":" FNR ": " $0; bad = 1 }
     { above = $0 } END { exit bad }' dedupd.service ||
    fail "a line of dedupd.service is not explained"

echo "unit: dedupd.service passes," \
    "$(sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/exposure \1/p' \
        "$work/security")"
