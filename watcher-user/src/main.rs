//! stub
#![allow(missing_docs)]
mod linux;
use watcher_core::Source as _;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let t = std::time::Instant::now();
    let mut s = linux::EbpfSource::start(&linux::Config::default()).unwrap();
    for o in s.outcomes() { println!("{:20} {:?} {:?} {:?}", o.capability.name, o.way.map(|w| w.name), o.refused, o.programs) }
    println!("{:?}", t.elapsed());
    loop {
        let b = s.collect().await.unwrap();
        println!("-- {:?} {:?}", b.at, b.losses);
        for p in &b.processes { println!("{p:?}"); }
        for f in &b.flows { println!("{f:?}"); }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}
