//! How long a look at a machine's sockets takes: `cargo run --release -p macos-pcap --example owners [SOCKETS]`. It opens as
//! many sockets itself, on loopback, and prints the first look, one with nothing new, and one with a single new socket.

#[cfg(target_os = "linux")]
fn main() {
    use macos_pcap::owners::linux::{Namespace, System};
    use std::{net::UdpSocket, time::Instant};

    let sockets: usize = std::env::args().nth(1).map_or(10_000, |word| word.parse().expect("a number of sockets"));
    let limit = sockets as u64 + 100;
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, limit, limit).expect("root may");
    let open = || UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let mut held: Vec<UdpSocket> = (0..sockets).map(|_| open()).collect();
    let mut system = System::open(Namespace::Own).expect("sock_diag");
    for what in ["the first look", "nothing new", "one new socket"] {
        if what == "one new socket" {
            held.push(open());
        }
        let began = Instant::now();
        system.list().expect("sock_diag");
        println!("{what}: {} sockets, {:.1} ms", held.len(), began.elapsed().as_secs_f64() * 1e3);
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("on Linux only");
}
