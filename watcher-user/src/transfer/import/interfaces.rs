//! Which of netmon's interfaces carry no bytes of their own. It wrote their names only: those of macOS's drivers, and Linux's usual
//! ones.

/// Whether an interface is no part of the total: it stays within the machine, or its bytes travel over another one too.
pub fn is_apart(name: &str) -> bool {
    let stem = name.split(|c: char| c.is_ascii_digit() || c == '-' || c == '.').next().unwrap_or(name);
    let is_vlan = name.contains('.');
    is_vlan
        || matches!(
            stem,
            "lo" | "utun"
                | "tun"
                | "tap"
                | "ipsec"
                | "ppp"
                | "gif"
                | "stf"
                | "wg"
                | "bridge"
                | "br"
                | "virbr"
                | "docker"
                | "veth"
                | "vethernet"
                | "vnet"
                | "vmnet"
                | "vmenet"
                | "feth"
                | "cni"
                | "flannel"
                | "vlan"
                | "bond"
                | "team"
                | "dummy"
                | "ifb"
                | "pktap"
                | "pflog"
                | "tailscale"
                | "zt"
                | "nordlynx"
        )
        || ["veth", "cali", "docker", "br-", "lxc", "lxd", "tailscale"].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::is_apart;

    #[test]
    fn an_interface_whose_bytes_travel_elsewhere_too_is_apart() {
        let apart =
            ["lo", "lo0", "utun3", "bridge100", "docker0", "veth12ab3c", "br-0a1b2c", "wg0", "eth0.100", "virbr0"];
        assert!(apart.iter().all(|name| is_apart(name)));
        let counted = ["en0", "en1", "eth0", "wlan0", "enp3s0", "wlp2s0", "pdp_ip0", "awdl0", "broadband", "lobby"];
        assert!(counted.iter().all(|name| !is_apart(name)));
    }
}
