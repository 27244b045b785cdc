//! Which mounts are disks of this machine, each physical file system once, from the text of mountinfo (proc_pid_mountinfo(5)).
//!
//! A file system is mounted more than once by bind mounts, btrfs subvolumes and containers, which changes neither its
//! device nor its size. Not counted: what lives in memory (tmpfs, zram), on top of others (overlay), inside a file of
//! others (loop devices and so snaps and images), on other machines (NFS, SMB, 9p, sshfs), and read-only media.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

/// One physical file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    /// Major and minor number, where the file system has one to itself. That of btrfs is made up per subvolume.
    pub device: Option<(u64, u64)>,
    /// Where it is mounted, in the order of mounting.
    pub mounts: Vec<String>,
}

impl Disk {
    /// Whether `path` shows this file system, and not one that was mounted over it.
    pub fn is_at(&self, path: &Path) -> bool {
        let Some(device) = self.device else { return true };
        let number = |dev| (nix::sys::stat::major(dev), nix::sys::stat::minor(dev));
        path.metadata().is_ok_and(|metadata| number(metadata.dev()) == device)
    }
}

/// The physical file systems in a text of mountinfo. `canonical` follows links such as `/dev/mapper/root`.
pub(super) fn disks(mountinfo: &str, canonical: impl Fn(&str) -> String) -> Vec<Disk> {
    let mut disks: BTreeMap<String, Disk> = BTreeMap::new();
    for mount in mountinfo.lines().filter_map(Mount::parse).filter(Mount::is_on_a_disk) {
        let device = (mount.device.0 != 0).then_some(mount.device);
        let key = device.map_or_else(|| canonical(mount.source), |(major, minor)| format!("{major}:{minor}"));
        let point = unescaped(mount.point);
        match disks.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(Disk { device, mounts: vec![point] });
            }
            Entry::Occupied(slot) => slot.into_mut().mounts.push(point),
        }
    }
    disks.into_values().collect()
}

struct Mount<'a> {
    device: (u64, u64),
    point: &'a str,
    kind: &'a str,
    source: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        // Optional fields end at a lone dash.
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ');
        let (major, minor) = before.nth(2)?.split_once(':')?;
        let point = before.nth(1)?;
        let mut after = after.split(' ');
        let (kind, source) = (after.next()?, after.next()?);
        Some(Self { device: (major.parse().ok()?, minor.parse().ok()?), point, kind, source })
    }

    fn is_on_a_disk(&self) -> bool {
        let Some(device) = self.source.strip_prefix("/dev/") else { return false };
        let is_no_disk = ["loop", "ram", "zram", "sr", "fd", "fuse", "nfs"]
            .iter()
            .any(|name| device.strip_prefix(name).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())));
        // An image on a partition is still read-only media.
        let is_image = matches!(self.kind, "squashfs" | "iso9660" | "udf" | "erofs" | "cramfs" | "romfs");
        !is_no_disk && !is_image && !self.kind.starts_with("fuse.")
    }
}

/// Space, tab, newline, backslash and hash are written as three octal digits.
fn unescaped(field: &str) -> String {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|_| first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            out.push(byte);
            rest = &tail[3..];
        } else {
            out.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Disk, disks, unescaped};

    fn of(mountinfo: &str) -> Vec<Disk> {
        let links =
            |device: &str| if device == "/dev/mapper/pool" { "/dev/dm-1".to_owned() } else { device.to_owned() };
        disks(mountinfo, links)
    }

    #[test]
    fn a_desktop_has_the_disks_that_it_has() {
        let found = of("\
22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw
24 22 0:22 / /sys rw,nosuid shared:2 - sysfs sysfs rw
25 22 0:5 / /dev rw,nosuid shared:8 - devtmpfs udev rw,size=8000000k
26 22 0:23 / /run rw,nosuid shared:11 - tmpfs tmpfs rw,size=1600000k
27 22 259:1 / /boot/efi rw,relatime shared:30 - vfat /dev/nvme0n1p1 rw
28 22 7:0 / /snap/core20/1 ro,nodev shared:40 - squashfs /dev/loop0 ro
29 22 7:1 / /mnt/image rw shared:41 - ext4 /dev/loop1 rw
30 22 259:2 /home/me/shared /srv/shared rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
31 22 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/a,upperdir=/b
32 22 0:51 / /home/me/remote rw - fuse.sshfs me@host:/ rw
33 22 0:52 / /mnt/nfs rw - nfs4 server:/export rw
34 22 8:17 / /media/usb\\040stick rw shared:50 - fuseblk /dev/sdb1 rw
35 22 11:0 / /media/cd ro - iso9660 /dev/sr0 ro
36 22 252:0 / /zram rw - ext4 /dev/zram0 rw
37 22 0:60 / /run/user/1000/doc rw - fuse.portal portal rw
");
        let mounts: Vec<Vec<&str>> = found.iter().map(|d| d.mounts.iter().map(String::as_str).collect()).collect();
        assert_eq!(mounts, [vec!["/boot/efi"], vec!["/", "/srv/shared"], vec!["/media/usb stick"]]);
        assert_eq!(found[1].device, Some((259, 2)));
    }

    #[test]
    fn subvolumes_of_btrfs_are_one_file_system_whatever_its_device_is_called() {
        let found = of("\
60 1 0:32 /root / rw shared:1 - btrfs /dev/dm-1 rw,subvol=/root
61 60 0:32 /home /home rw shared:2 - btrfs /dev/mapper/pool rw,subvol=/home
62 60 0:33 / /data rw shared:3 - btrfs /dev/sdc rw
");
        let mounts: Vec<usize> = found.iter().map(|disk| disk.mounts.len()).collect();
        assert_eq!((mounts, found[0].device), (vec![2, 1], None));
    }

    #[test]
    fn a_container_without_disks_has_none() {
        assert!(of("1 0 0:40 / / rw - overlay overlay rw\n2 1 0:41 / /dev rw - tmpfs tmpfs rw\n").is_empty());
        assert!(of("").is_empty() && of("nonsense\n1 2 3 - \n1 0 a:b / / rw - ext4 /dev/sda1 rw\n").is_empty());
    }

    #[test]
    fn escapes_are_octal() {
        assert_eq!(unescaped(r"/a\040b\011c\134d\043"), "/a b\tc\\d#");
        assert_eq!(unescaped(r"/a\04"), r"/a\04");
        assert_eq!(unescaped(r"\999"), r"\999");
    }
}
