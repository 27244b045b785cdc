#!/bin/busybox sh
# The first process of the virtual machine: prepares a system, runs what is to be tried, and switches the machine off.
# Lines that begin with @@ are for `cargo xtask vm`.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /run
mount -t tmpfs tmp /tmp
# WITHOUT, WATCHER, SUITE, PACKETS, SUSPEND; or ACTOR, where something is to be measured instead
. /machine
case $WITHOUT in
cgroup2)
    mount -t tmpfs none /sys/fs/cgroup
    for controller in cpu,cpuacct pids devices; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" none "/sys/fs/cgroup/$controller"
    done
    ;;
*) mount -t cgroup2 none /sys/fs/cgroup ;;
esac
[ "$WITHOUT" != btf ] || mount -t tmpfs none /sys/kernel/btf
mount -t tracefs none /sys/kernel/tracing
mount -t bpf none /sys/fs/bpf
mount -t securityfs none /sys/kernel/security
mkdir -p /dev/shm /run/netns
echo 3 >/proc/sys/kernel/printk
while read -r module; do
    insmod "/modules/$module"
done </modules/order
ip link set lo up
echo "@@kernel $(uname -r)"
if [ -n "$ACTOR" ]; then
    mkdir -p /usr/sbin && ln -s /bin/bpftool /usr/sbin/
    CARGO_TARGET_DIR=/tmp xtask bench-actor $ACTOR 2>&1
    echo "@@end"
    poweroff -f
fi
watcher doctor --verbose $WATCHER
echo "@@doctor $(watcher doctor --json $WATCHER)"
if [ -n "$PACKETS" ]; then
    # Nobody asks for packets here: they have to be what is left.
    echo "@@left $(watcher top --json --once --interval 0.2 --standalone $WATCHER)"
    WATCHER="$WATCHER --backend pcap"
fi
# Emulated processors are slow, and others may keep the real ones busy.
[ -z "$SUSPEND" ] || export EXACTNESS_SUSPEND=1
EXACTNESS_PATIENCE=6 WATCHER_ARGS=$WATCHER WATCHER_BIN=/bin/watcher exactness --color never $SUITE
echo "@@suite $?"
dmesg | grep -E 'BUG: |WARNING: |Oops|general protection fault' | while read -r line; do
    echo "@@trouble $line"
done
echo "@@end"
poweroff -f
