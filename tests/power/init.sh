#!/bin/sh
# The first process of the guest whose power is going to be cut: mounts what
# there is, and runs dedupd and the load on it. See power.py, which sets the
# environment; lines that begin with "power: " are for it.
set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

say()
{
    echo "power: $*"
}

# The end of the first process is the end of the guest.
fail()
{
    say "failed: $*"
    sleep 5
    exit 1
}

# Not to outlive a harness that is gone.
trap 'exit 1' ALRM
(
    sleep 600
    kill -ALRM 1
) &

say booted "$(uname -r)"
mount -t proc proc /proc || fail "mount of /proc"
mount -t sysfs sysfs /sys || fail "mount of /sys"
mount -t tmpfs tmpfs /run || fail "mount of /run"
mkdir /run/disk /run/host /run/log || fail "directories"
mount -t hostfs none /run/host -o "$POWER_HOST" || fail "mount of the host"
insmod "/usr/lib/uml/modules/$(uname -r)/kernel/drivers/block/loop.ko" ||
    fail "no loop devices"
losetup /dev/loop0 /run/host/disk || fail "no disk"
# The driver of loop devices reports of a merged request only what became of its
# last part: nobody would be told of a write that failed in front of it.
echo 2 >/sys/block/loop0/queue/nomerges || fail "requests are merged"
mount -t "$POWER_FS" /dev/loop0 /run/disk || fail "mount of the disk"
say mounted
export TMPDIR=/run

dedupd()
{
    env ${POWER_PRELOAD:+LD_PRELOAD="$POWER_PRELOAD"} \
        "$POWER_BUILD/dedupd" -o listen=unix:/run/socket \
        -o data_dir=/run/disk/data -o log_dir=/run/log \
        -o min_free=8MiB -o write_buffer=1MiB -o block_cache=4MiB
    say "dedupd ended $? at $(date +%s%6N)"
}

# Until dedupd ends: $1 is the record, $2 the life.
serve()
{
    say starting
    dedupd &
    server=$!
    "$POWER_BUILD/tests/power-load" /run/socket "/run/host/$1" \
        /run/host/keys "$2" "$POWER_SEED" "$POWER_SECONDS"
    wait "$server"
}

serve record "$POWER_LIFE"

# Only where the disk was made to fail: as a service manager would, and to learn
# what the page cache shows of what is not on the disk.
sed -n 's/.* key=\([0-9]*\) .*/\1/p' /run/host/record | sort -nu >/run/host/keys
serve record-again $((POWER_LIFE + 1))
sleep 60
