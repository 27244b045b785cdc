//! Datagrams, connected and not, whole and cut, over every family.

use anyhow::{Result, ensure};

use super::{Case, streams};
use crate::{netns::Netns, stage::Stage};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (host, family) in [("v4", "v4"), ("v6", "v6"), ("mapped", "v4_mapped")] {
        for (calls, words) in [
            ("send", "send_and_recv"),
            ("write", "write_and_read"),
            ("msg", "sendmsg_and_recvmsg"),
            ("mmsg", "sendmmsg_and_recvmmsg"),
            ("vectored", "writev_and_readv"),
        ] {
            cases.push(exchange(format!("udp_{family}_connected_{words}"), host, calls, "plain"));
        }
        for calls in ["send", "msg", "mmsg"] {
            let claim = format!("udp_{family}_unconnected_{calls}_has_a_flow_per_remote");
            cases.push(Case::new(claim, move |stage| many_remotes(stage, host, calls)));
        }
    }
    for (calls, option, claim) in [
        ("peek", "plain", "a_peeked_datagram_counts_once"),
        ("zerocopy", "plain", "udp_msg_zerocopy_counts_and_its_completions_do_not"),
        ("splice", "plain", "udp_splice_into_and_out_of_a_socket"),
        ("sendfile", "plain", "udp_sendfile"),
        ("uring", "plain", "udp_io_uring_send_and_recv"),
        ("uring-write", "plain", "udp_io_uring_write_and_read"),
        ("uring-zerocopy", "plain", "udp_io_uring_send_zc"),
        ("uring-multishot", "plain", "udp_io_uring_multishot_recv"),
        ("send", "gso", "udp_gso_counts_what_the_call_took"),
        ("msg", "gso-gro", "udp_gro_counts_what_the_call_gave"),
    ] {
        let case = exchange(claim.to_owned(), "v4", calls, option);
        cases.push(streams::since_linux_6(case, calls));
    }
    cases.extend(odd());
    cases
}

fn odd() -> Vec<Case> {
    vec![
        Case::new("empty_and_cut_datagrams_count_what_recv_returned", |mut stage| {
            stage.leaky();
            let (_, address) = stage.open("datagram-cut v4")?;
            stage.start(&format!("datagram-send {address} 0 1000 0 1000 1000 1000"))?;
            stage.finish().map(|_| ())
        }),
        Case::new("corked_datagrams_count_per_call_even_if_they_never_leave", |mut stage| {
            stage.leaky();
            let (_, address) = stage.open("datagram-take v4 2")?;
            stage.start(&format!("datagram-cork {address} 100"))?;
            let reports = stage.finish()?;
            let (tx, rx) = reports.iter().fold((0, 0), |(tx, rx), r| (tx + r.tx, rx + r.rx));
            ensure!((tx, rx) == (760, 660), "sent {tx}, received {rx}");
            Ok(())
        }),
        Case::new("an_icmp_error_gives_the_payload_back_and_that_is_no_receive_v4", |stage| refused(stage, "v4")),
        Case::new("an_icmp_error_gives_the_payload_back_and_that_is_no_receive_v6", |stage| refused(stage, "v6")),
        Case::new("a_udp_timestamp_gives_the_packet_back_and_that_is_no_receive", |mut stage| {
            let (_, address) = stage.open("datagram-take v4 1")?;
            stamped(stage, "udp", &address)
        }),
        Case::new("a_tcp_timestamp_gives_the_packet_back_and_that_is_no_receive", |mut stage| {
            let (_, address) = stage.open("stream-server tcp v4 send 777 0")?;
            stamped(stage, "tcp", &address)
        }),
        Case::new("one_socket_with_two_thousand_remotes_has_as_many_flows", |mut stage| {
            stage.leaky();
            // In a namespace where nobody listens, so that nobody receives.
            let netns = Netns::new()?;
            stage.start_in(&netns, "datagram-scatter v4 2000")?;
            stage.finish().map(|_| ())
        }),
        Case::new("the_first_calls_of_two_threads_on_one_socket_both_count", |mut stage| {
            stage.leaky();
            let netns = Netns::new()?;
            stage.start_in(&netns, "datagram-first-calls v4 3")?;
            stage.finish().map(|_| ())
        }),
        Case::new("each_member_of_a_multicast_group_receives", multicast),
    ]
}

/// Both ways between connected sockets, both ends by the same calls.
fn exchange(claim: String, host: &'static str, calls: &'static str, option: &'static str) -> Case {
    Case::new(claim, move |mut stage| {
        let (server, server_address) = stage.open(&format!("datagram-server {host} {calls} {option}"))?;
        let (client, client_address) = stage.open(&format!("datagram-client {host} {calls} {option}"))?;
        stage.tell(server, &client_address)?;
        stage.tell(client, &server_address)?;
        stage.finish().map(|_| ())
    })
}

fn many_remotes(mut stage: Stage<'_>, host: &str, calls: &str) -> Result<()> {
    let mut remotes = Vec::new();
    for _ in 0..3 {
        // As many rounds as the hub has sizes.
        remotes.push(stage.open(&format!("datagram-echo {host} {calls} 6"))?.1);
    }
    stage.start(&format!("datagram-hub {host} {calls} {}", remotes.join(" ")))?;
    stage.finish().map(|_| ())
}

fn refused(mut stage: Stage<'_>, host: &str) -> Result<()> {
    stage.leaky();
    stage.start(&format!("datagram-refused {host}"))?;
    stage.finish().map(|_| ())
}

fn stamped(mut stage: Stage<'_>, transport: &str, address: &str) -> Result<()> {
    stage.start(&format!("datagram-stamped {transport} {address} 777"))?;
    let reports = stage.finish()?;
    let returned: u64 = reports.iter().map(|r| r.number("returned")).sum();
    ensure!(returned >= 777, "the error queue gave {returned} bytes back, the packet has more");
    Ok(())
}

fn multicast(mut stage: Stage<'_>) -> Result<()> {
    stage.leaky();
    let netns = Netns::new()?;
    netns.ip("link set lo multicast on")?;
    netns.ip("route add 239.77.0.0/16 dev lo src 127.0.0.1")?;
    for _ in 0..2 {
        stage.open_in(&netns, "multicast-take 239.77.0.1 7777 3")?;
    }
    stage.start_in(&netns, "datagram-send 239.77.0.1:7777 1 500 1400")?;
    let reports = stage.finish()?;
    let (tx, rx) = reports.iter().fold((0, 0), |(tx, rx), r| (tx + r.tx, rx + r.rx));
    ensure!((tx, rx) == (1_901, 3_802), "sent {tx}, received {rx}");
    Ok(())
}
