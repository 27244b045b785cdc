//! Upload over real sockets, from real files, by processes that are really killed.

mod child;
mod day;
mod endpoint;
mod faults;
mod kill;
mod network;
mod proxy;
mod tls;
#[cfg(target_os = "linux")]
mod tmpfs;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    if let Some(orders) = child::orders() {
        return child::obey(&orders);
    }
    let mut trials = Vec::new();
    trials.extend(network::trials());
    trials.extend(tls::trials());
    trials.extend(kill::trials());
    trials.extend(day::trials());
    #[cfg(target_os = "linux")]
    trials.extend(tmpfs::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A test in a runtime like watcher's.
fn async_trial<F: Future<Output = ()> + 'static>(name: &str, test: fn() -> F) -> Trial {
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(Failed::from)?.block_on(test());
        Ok(())
    })
}
