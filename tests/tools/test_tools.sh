#!/bin/sh
# tools/layers finds every kind of violation, and tools/deps installs, asks or
# stays silent as it should.
set -eu

cd "$(dirname "$0")/../.."
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0

fail()
{
    echo "tools: $1"
    exit 1
}

# --- tools/layers -------------------------------------------------------------

# Makes a tree of one file from stdin.
tree()
{
    rm -rf "$work/tree"
    mkdir -p "$work/tree/$(dirname "$1")"
    cat >"$work/tree/$1"
}

# The tree has to be refused, with this file, line and reason.
refused()
{
    if "$top/tools/layers" "$work/tree" >"$work/out"; then
        fail "layers accepts what is: $1"
    fi
    grep -qF "$1" "$work/out" || {
        cat "$work/out"
        fail "layers does not say: $1"
    }
    checks=$((checks + 1))
}

accepted()
{
    "$top/tools/layers" "$work/tree" >"$work/out" || {
        cat "$work/out"
        fail "layers refuses $1"
    }
    [ ! -s "$work/out" ] || fail "layers is not silent about $1"
    checks=$((checks + 1))
}

# Makes a tree with one file that includes this, and refuses or accepts it.
include()
{
    verdict=$1
    shift
    printf '/* A file. */\n#include %s\n' "$2" | tree "$1"
    case $verdict in
    no) refused "$1:2: " ;;
    yes) accepted "$1 with $2" ;;
    esac
}

include no base/a.c '"proto/proto.h"'
include no base/a.c '<rocksdb/c.h>'
include no base/a.c '<uv.h>'
include no base/a.c '<zlib.h>'
include no base/a.c '"a.h"'
include no base/a.c '"../proto/proto.h"'
include no base/a.c '"tests/lib/runner.h"'
include no base/a.c '<check.h>'
include yes base/a.c '<sys/socket.h>'
include yes base/a.h '"base/slice.h"'
include no proto/a.c '"storage/store.h"'
include yes proto/a.c '"base/buf.h"'
include no storage/a.c '<rocksdb/c.h>'
include yes storage/store_rocks.c '<rocksdb/c.h>'
include yes storage/a.c '<xxhash.h>'
include no storage/a.c '"engine/turn.h"'
include yes engine/a.c '"storage/store.h"'
include no engine/a.c '"proto/proto.h"'
include no engine/a.c '<uv.h>'
include no engine/a.c '<xxhash.h>'
include yes daemon/a.c '<uv.h>'
include yes daemon/a.c '<systemd/sd-daemon.h>'
include yes daemon/a.c '"engine/engine.h"'
include no tests/engine/a.c '"proto/proto.h"'
include no tests/engine/a.c '"tests/storage/a.h"'
include yes tests/engine/a.c '"tests/engine/a.h"'
include yes tests/engine/a.c '"tests/lib/runner.h"'
include yes tests/engine/a.c '<check.h>'
include no tests/integration/a.c '"daemon/config.h"'
include yes tests/integration/a.c '"proto/proto.h"'

printf '/* A file. */\nint a;\tint b;\n' | tree base/a.c
refused 'base/a.c:2: a tab'
printf '/* A file. */\nint a; \n' | tree base/a.c
refused 'base/a.c:2: blanks at the end'
printf '/* A file. */\nint a;' | tree base/a.c
refused 'base/a.c:1: no newline'
printf '#ifndef A\n#endif\n' | tree base/a.h
refused 'base/a.h:1: a header begins'
printf '#ifndef A\n#endif\n' | tree base/a.c
accepted 'a source without a comment'
printf '/* %078d */\n' 0 | tree base/a.c
refused 'base/a.c:1: longer than 80'
printf '/* %072d … */\n' 0 | tree base/a.c
accepted 'eighty columns in more bytes'
printf '/* As asked for in Ticket 12. */\n' | tree base/a.c
refused 'base/a.c:1: a comment says why'
printf '/* See #12. */\n' | tree base/a.c
refused 'base/a.c:1: a comment says why'

# --- tools/deps ---------------------------------------------------------------

# Stands in for a program: stub NAME SCRIPT.
stub()
{
    printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# Runs tools/deps with the stubs before everything else; $code is its exit code.
deps()
{
    code=0
    PATH="$work/bin:$PATH" "$top/tools/deps" "$@" >"$work/out" 2>"$work/err" ||
        code=$?
    checks=$((checks + 1))
}

mkdir "$work/bin"
stub apt-get "echo \"\$*\" >>'$work/apt'"
stub id 'echo 0'
stub dpkg-query 'echo installed'
deps test
if [ "$code" -ne 0 ] || [ -s "$work/out" ] || [ -s "$work/err" ]; then
    fail "deps is not silent where all is there"
fi
[ ! -e "$work/apt" ] || fail "deps installs what is there"

# The last argument is the package.
# shellcheck disable=SC2016 # the dollar is the stub's
stub dpkg-query 'for last; do :; done
case $last in make | check) exit 1 ;; esac
echo installed'
deps build
[ "$code" -eq 0 ] || fail "deps cannot install as root"
grep -q '^-qq install -y --no-install-recommends make$' "$work/apt" ||
    fail "deps installs something else than what is missing"
deps test
grep -q 'recommends make check$' "$work/apt" ||
    fail "deps test forgets what only the tests need"

stub id 'echo 1000'
stub sudo 'exit 1'
rm "$work/apt"
deps test
[ "$code" -eq 1 ] || fail "deps goes on without what it needs"
grep -q '^apt-get install -y --no-install-recommends make check$' \
    "$work/err" || fail "deps does not print the command"
[ ! -e "$work/apt" ] || fail "deps installs without being root"

# shellcheck disable=SC2016 # the dollars are the stub's
stub sudo '[ "$1" = -n ] && shift && exec "$@"'
deps test
[ "$code" -eq 0 ] || fail "deps cannot install through sudo"
grep -q 'recommends make check$' "$work/apt" ||
    fail "deps does not install through sudo"

stub apt-get 'echo "E: no such package" >&2; exit 100'
deps test
[ "$code" -ne 0 ] || fail "deps hides that installing failed"
grep -q 'no such package' "$work/err" || fail "deps hides why"

code=0
PATH=$work/none /bin/sh tools/deps build >"$work/out" || code=$?
[ "$code" -eq 0 ] || fail "deps stops where there is no dpkg"
grep -q RocksDB "$work/out" || fail "deps does not name the libraries"
deps nonsense
[ "$code" -eq 2 ] || fail "deps takes any argument"

echo "tools: $checks checks passed"
