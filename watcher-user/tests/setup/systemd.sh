# systemd as process 1 of namespaces of its own, on a copy of this system that lasts as long as it: what runs there is the
# real systemd with the real unit, and nothing outside changes. $1: a folder to work in, $2: a file that it gets in /tmp.
set -eu
work=$1
file=$2

if [ "${3:-}" != inside ]; then
    # systemd moves every process of its cgroup: it gets one to itself.
    awk '$3 == "cgroup2" || ($3 == "cgroup" && $4 ~ /name=systemd/) {print $2}' /proc/mounts | while read -r tree; do
        mkdir -p "$tree/${work##*/}"
        echo $$ >"$tree/${work##*/}/cgroup.procs"
    done
    exec unshare --mount --pid --fork --cgroup --uts --ipc --kill-child sh "$0" "$work" "$file" inside
fi

mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
root=$work/root
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/run/systemd/system" "$root/run/old"
install -m 755 "$file" "$root/tmp/"
# This system's own services stay out of it.
for units in /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    find "$root$units/" -mindepth 1 -delete
done
rm -rf "$root/etc/init.d" "$root/etc/rc.local"
for target in sysinit basic multi-user shutdown umount final sockets timers paths slices network network-online; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$root/etc/systemd/system/$target.target"
done
: >"$root/run/console"
mount --bind "$root/run/console" "$root/dev/console"
cd "$root"
pivot_root . run/old
umount -l /run/old
export container=watcher-tests
exec /usr/lib/systemd/systemd --system --log-target=console --log-level=info --unit=multi-user.target --show-status=no --crash-shell=no
