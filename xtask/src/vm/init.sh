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
mount -t cgroup2 none /sys/fs/cgroup
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
WATCHER_ARGS=$(cat /watcher-arguments)
export WATCHER_ARGS
watcher doctor --verbose $WATCHER_ARGS
doctor=$(watcher doctor --json $WATCHER_ARGS)
echo "@@doctor $doctor"
case $doctor in
*'"backend":null'*) ;;
*) WATCHER_BIN=/bin/watcher exactness --color never $(cat /suite-arguments) ;;
esac
echo "@@end"
poweroff -f
