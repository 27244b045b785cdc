//! The ladder: each capability, and the ways to get it, best first. Chosen by trying, never by version number.

use super::{
    Without,
    kprobes::Function,
    traits::Trait::{self, PreemptibleTracepoints, RacyStorageIterator},
};

/// How a program is loaded and attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// A BTF-typed tracepoint.
    Tracepoint(&'static str),
    /// A tracepoint through perf, which switches preemption off: category and name.
    Perf(&'static str, &'static str),
    /// The exit of a kernel function, by trampoline.
    Exit(&'static str),
    /// The entry of a kernel function, by kprobe.
    Entry(Function),
    /// The entry and the exit of a kernel function, by kprobes.
    Call {
        /// The function.
        function: Function,
        /// The program at its exit.
        ends: &'static str,
    },
    /// `cgroup/sock_create` or `sock_release`, at the root of cgroup v2.
    CgroupSock,
    /// `cgroup/sendmsg4` and its kin, at the root of cgroup v2.
    CgroupSockAddr,
    /// `cgroup/skb`, at the root of cgroup v2.
    CgroupSkb(Side),
    /// Attached to nothing: user space runs it.
    Called,
    /// An iterator that runs when user space reads it.
    Iterator(&'static str),
}

/// Where packets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Those that leave a socket.
    Egress,
    /// Those that come to one.
    Ingress,
}

/// One program of the object file.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Its symbol.
    pub symbol: &'static str,
    /// Where it goes.
    pub hook: Hook,
    /// The way still counts when this one cannot be had.
    pub optional: bool,
    /// What it means when the kernel passes the program over, because an earlier run of it is not finished on that CPU.
    pub missed: Missed,
}

impl Program {
    /// What reports call it: its symbol, or the function where it is at several.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.hook {
            Hook::Entry(function) | Hook::Call { function, .. } => function.name,
            _ => self.symbol,
        }
    }

    /// At a function, by kprobe.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        matches!(self.hook, Hook::Entry(_) | Hook::Call { .. })
    }
}

/// What a run that was passed over costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// A call may go uncounted.
    Lost,
    /// The same, unless the other program ran.
    LostWith(&'static str),
    /// An event goes untold.
    Untold,
    /// The same, unless the other program ran.
    UntoldWith(&'static str),
    /// Nothing, or something that has a counter of its own.
    Nothing,
    /// Nothing where tracepoints can be preempted: the program's next run makes up for it, or the socket's end.
    Late,
}

/// On which kernels a way is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// On all.
    Always,
    /// Where the kernel is like this.
    If(Trait),
    /// Where it is not.
    Unless(Trait),
}

/// A set of programs that together give a capability.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// As `doctor` prints it.
    pub name: &'static str,
    /// Passed over elsewhere.
    pub wanted: Wanted,
    /// Loaded in this order.
    pub programs: &'static [Program],
}

impl Way {
    /// Its programs count calls without the socket's record: see `watcher-ebpf/src/bare.rs` and `probe.rs`.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.programs.iter().any(|program| matches!(program.hook, Hook::Perf(..)) || program.is_probe())
    }

    /// Whether it is by what is to be left out.
    #[must_use]
    pub fn is_by(&self, what: Without) -> bool {
        self.programs.iter().any(|program| match program.hook {
            Hook::Tracepoint(name) if name.starts_with("sched_process_") => what == Without::Processes,
            Hook::Tracepoint(name) | Hook::Perf(_, name) => what == Without::Lengths && name.ends_with("_length"),
            Hook::Exit(_) => what == Without::Fexit,
            Hook::Entry(_) => what == Without::Taken,
            _ => false,
        })
    }
}

/// Something that the collector can do.
#[derive(Debug, Clone, Copy)]
pub struct Capability {
    /// As `doctor` prints it.
    pub name: &'static str,
    /// What is worse without it, or `None` when nothing goes without it.
    pub without: Option<&'static str>,
    /// Best first.
    pub ways: &'static [Way],
}

const fn tracepoint(symbol: &'static str, name: &'static str) -> Program {
    Program { symbol, hook: Hook::Tracepoint(name), optional: false, missed: Missed::Lost }
}

const fn perf(symbol: &'static str, category: &'static str, name: &'static str, behind: &'static str) -> Program {
    Program { symbol, hook: Hook::Perf(category, name), optional: false, missed: Missed::LostWith(behind) }
}

/// The second of two programs for the same thing.
const fn again(symbol: &'static str, name: &'static str) -> Program {
    Program { missed: Missed::Nothing, ..tracepoint(symbol, name) }
}

/// The first of two.
const fn with(other: &'static str, program: Program) -> Program {
    Program { missed: Missed::UntoldWith(other), ..program }
}

/// Tells of an event.
const fn event(symbol: &'static str, name: &'static str) -> Program {
    Program { missed: Missed::Untold, ..tracepoint(symbol, name) }
}

const fn way(name: &'static str, programs: &'static [Program]) -> Way {
    Way { name, wanted: Wanted::Always, programs }
}

const fn exit(symbol: &'static str, name: &'static str) -> Program {
    Program { symbol, hook: Hook::Exit(name), optional: false, missed: Missed::Lost }
}

/// What it misses is told by the probes' profile.
const fn entry(symbol: &'static str, function: &'static str) -> Program {
    Program {
        symbol,
        hook: Hook::Entry(Function { name: function, module: None }),
        optional: false,
        missed: Missed::Nothing,
    }
}

const fn call(symbol: &'static str, ends: &'static str, function: &'static str) -> Program {
    let function = Function { name: function, module: None };
    Program { symbol, hook: Hook::Call { function, ends }, optional: false, missed: Missed::Nothing }
}

/// A call that takes a socket.
const fn send(function: &'static str) -> Program {
    call("watcher_send_begins", "watcher_send_ends", function)
}

/// A protocol's receiving function: not every kernel has every protocol.
const fn receive(function: &'static str) -> Program {
    optional(call("watcher_receive_begins", "watcher_receive_ends", function))
}

/// In a module, on most kernels.
const fn of(name: &'static str, program: Program) -> Program {
    match program.hook {
        Hook::Call { function, ends } => {
            let function = Function { module: Some(name), ..function };
            Program { hook: Hook::Call { function, ends }, ..program }
        }
        _ => program,
    }
}

const fn optional(program: Program) -> Program {
    Program { optional: true, ..program }
}

const fn program(symbol: &'static str, hook: Hook) -> Program {
    Program { symbol, hook, optional: false, missed: Missed::Lost }
}

/// The capability that `names.passive` switches off.
pub const NAMES: &str = "names";
/// The capability that tells of forks, execs and ends.
pub const PROCESSES: &str = "processes";
/// The capability without which the ends of connections are not told of.
pub const LIFECYCLES: &str = "lifecycles";
/// The capability without which the ends of sockets without connections are not told of.
pub const DATAGRAM_ENDS: &str = "datagram ends";

/// Attached in this order: what gives sockets their slots comes before what counts into them.
pub const LADDER: &[Capability] = &[
    Capability {
        name: "reading",
        without: None,
        ways: &[way(
            "iter/bpf_map_elem",
            &[
                program("watcher_read_flows", Hook::Iterator("bpf_map_elem")),
                program("watcher_read_waiting", Hook::Iterator("bpf_map_elem")),
                program("watcher_read_overflow", Hook::Iterator("bpf_map_elem")),
                program("watcher_forget", Hook::Called),
            ],
        )],
    },
    Capability {
        name: "reading sockets",
        without: None,
        ways: &[
            Way {
                name: "iter/bpf_sk_storage_map",
                wanted: Wanted::Unless(RacyStorageIterator),
                programs: &[program("watcher_read_sockets", Hook::Iterator("bpf_sk_storage_map"))],
            },
            way("iter/task_file", &[program("watcher_read_files", Hook::Iterator("task_file"))]),
        ],
    },
    Capability {
        name: "seeding",
        without: Some("sockets opened before start are counted from their first call on"),
        ways: &[way("iter/task_file", &[program("watcher_seed", Hook::Iterator("task_file"))])],
    },
    Capability {
        name: "running processes",
        without: Some("processes older than watcher are looked up in /proc when they first move a byte"),
        ways: &[way("iter/task", &[program("watcher_read_tasks", Hook::Iterator("task"))])],
    },
    // The other way round than a life goes: whose beginning is told, its end is.
    Capability {
        name: PROCESSES,
        without: Some(
            "a process that ends before it is looked up shows its kernel name only; ends show some seconds late",
        ),
        ways: &[
            Way {
                name: "tp_btf/sched_process_*, each twice",
                wanted: Wanted::If(PreemptibleTracepoints),
                programs: &[
                    with("watcher_sched_process_exit_again", EXIT),
                    again("watcher_sched_process_exit_again", "sched_process_exit"),
                    with("watcher_sched_process_exec_again", EXEC),
                    again("watcher_sched_process_exec_again", "sched_process_exec"),
                    with("watcher_sched_process_fork_again", FORK),
                    again("watcher_sched_process_fork_again", "sched_process_fork"),
                ],
            },
            way("tp_btf/sched_process_*", &[EXIT, EXEC, FORK]),
        ],
    },
    Capability {
        name: LIFECYCLES,
        without: None,
        ways: &[
            way(
                "tp_btf/inet_sock_set_state, tcp_destroy_sock, each twice",
                &[
                    SET_STATE,
                    again("watcher_inet_sock_set_state_again", "inet_sock_set_state"),
                    Program { missed: Missed::LostWith("watcher_tcp_destroy_sock_again"), ..DESTROY },
                    again("watcher_tcp_destroy_sock_again", "tcp_destroy_sock"),
                ],
            ),
            way("tp_btf/inet_sock_set_state", &[SET_STATE, tracepoint("watcher_tcp_destroy_sock", "tcp_destroy_sock")]),
        ],
    },
    Capability {
        name: "reset reasons",
        without: Some("a reset is told apart only by the socket's error"),
        ways: &[
            way(
                "tp_btf/tcp_*_reset, each twice",
                &[
                    with("watcher_tcp_receive_reset_again", RECEIVE_RESET),
                    again("watcher_tcp_receive_reset_again", "tcp_receive_reset"),
                    with("watcher_tcp_send_reset_again", SEND_RESET),
                    again("watcher_tcp_send_reset_again", "tcp_send_reset"),
                ],
            ),
            way("tp_btf/tcp_*_reset", &[RECEIVE_RESET, SEND_RESET]),
        ],
    },
    Capability {
        name: "socket owner",
        without: Some("a socket belongs to the process that first uses it"),
        ways: &[way("cgroup/sock_create", &[program("watcher_sock_create", Hook::CgroupSock)])],
    },
    Capability {
        name: DATAGRAM_ENDS,
        without: Some(
            "sockets without connections never show as closed, and what they moved since the last reading is lost",
        ),
        ways: &[way("cgroup/sock_release", &[program("watcher_sock_release", Hook::CgroupSock)])],
    },
    Capability {
        name: "datagram remotes",
        without: Some("unconnected datagram sockets show no remote"),
        ways: &[
            way(
                "cgroup/sendmsg, recvmsg",
                &[
                    program("watcher_sendmsg4", Hook::CgroupSockAddr),
                    program("watcher_recvmsg4", Hook::CgroupSockAddr),
                    optional(program("watcher_sendmsg6", Hook::CgroupSockAddr)),
                    optional(program("watcher_recvmsg6", Hook::CgroupSockAddr)),
                ],
            ),
            way(
                "cgroup/sendmsg, recvmsg by thread",
                &[
                    program("watcher_sendmsg4_by_thread", Hook::CgroupSockAddr),
                    program("watcher_recvmsg4_by_thread", Hook::CgroupSockAddr),
                    optional(program("watcher_sendmsg6_by_thread", Hook::CgroupSockAddr)),
                    optional(program("watcher_recvmsg6_by_thread", Hook::CgroupSockAddr)),
                ],
            ),
        ],
    },
    Capability {
        name: NAMES,
        without: Some("remotes go by their addresses: what flows show of their names is not seen"),
        ways: &[way(
            "cgroup_skb",
            &[
                program("watcher_head_sent", Hook::CgroupSkb(Side::Egress)),
                program("watcher_head_received", Hook::CgroupSkb(Side::Ingress)),
            ],
        )],
    },
    Capability {
        name: "tcp receives",
        without: None,
        ways: &[way(
            "tp_btf/tcp_rcv_space_adjust",
            &[Program { missed: Missed::Late, ..tracepoint("watcher_tcp_rcv_space_adjust", "tcp_rcv_space_adjust") }],
        )],
    },
    Capability {
        name: "other receives",
        without: None,
        ways: &[
            Way {
                name: "tp_btf/sock_recv_length",
                wanted: Wanted::Unless(PreemptibleTracepoints),
                programs: &[tracepoint("watcher_sock_recv_length", "sock_recv_length")],
            },
            Way {
                name: "tracepoint/sock_recv_length",
                wanted: Wanted::If(PreemptibleTracepoints),
                programs: &[
                    perf("watcher_received_bare", "sock", "sock_recv_length", "watcher_received_behind"),
                    again("watcher_received_behind", "sock_recv_length"),
                ],
            },
            Way {
                name: "tp_btf/sock_recv_length, preemptible",
                wanted: Wanted::If(PreemptibleTracepoints),
                programs: &[tracepoint("watcher_sock_recv_length", "sock_recv_length")],
            },
            way(
                "fexit/*_recvmsg",
                &[
                    exit("watcher_inet_recvmsg", "inet_recvmsg"),
                    optional(exit("watcher_inet6_recvmsg", "inet6_recvmsg")),
                    exit("watcher_sock_common_recvmsg", "sock_common_recvmsg"),
                    optional(exit("watcher_packet_recvmsg", "packet_recvmsg")),
                ],
            ),
            Way {
                name: "kprobe/*_recvmsg",
                wanted: Wanted::Unless(PreemptibleTracepoints),
                programs: &[
                    entry("watcher_datagram_taken", "skb_consume_udp"),
                    RAW,
                    RAW6,
                    PING,
                    MPTCP,
                    TLS,
                    TLS_SENDING_ONLY,
                    SCTP,
                    DCCP,
                    L2TP,
                    L2TP6,
                    PACKETS,
                ],
            },
            // Where the compiler has put skb_consume_udp into udp_recvmsg. An instance is held while a receive sleeps.
            Way {
                name: "kprobe/*_recvmsg, udp_recvmsg",
                wanted: Wanted::Unless(PreemptibleTracepoints),
                programs: &[
                    call("watcher_receive_begins", "watcher_receive_ends", "udp_recvmsg"),
                    of("ipv6", receive("udpv6_recvmsg")),
                    RAW,
                    RAW6,
                    PING,
                    MPTCP,
                    TLS,
                    TLS_SENDING_ONLY,
                    SCTP,
                    DCCP,
                    L2TP,
                    L2TP6,
                    PACKETS,
                ],
            },
        ],
    },
    Capability {
        name: "sends",
        without: None,
        ways: &[
            Way {
                name: "tp_btf/sock_send_length",
                wanted: Wanted::Unless(PreemptibleTracepoints),
                programs: &[tracepoint("watcher_sock_send_length", "sock_send_length")],
            },
            Way {
                name: "tracepoint/sock_send_length",
                wanted: Wanted::If(PreemptibleTracepoints),
                programs: &[
                    perf("watcher_sent_bare", "sock", "sock_send_length", "watcher_sent_behind"),
                    again("watcher_sent_behind", "sock_send_length"),
                ],
            },
            Way {
                name: "tp_btf/sock_send_length, preemptible",
                wanted: Wanted::If(PreemptibleTracepoints),
                programs: &[tracepoint("watcher_sock_send_length", "sock_send_length")],
            },
            way(
                "fexit/*_sendmsg",
                &[
                    exit("watcher_inet_sendmsg", "inet_sendmsg"),
                    optional(exit("watcher_inet6_sendmsg", "inet6_sendmsg")),
                    optional(exit("watcher_inet_sendpage", "inet_sendpage")),
                    optional(exit("watcher_packet_sendmsg", "packet_sendmsg")),
                ],
            ),
            Way {
                name: "kprobe/*_sendmsg",
                wanted: Wanted::Unless(PreemptibleTracepoints),
                programs: &[
                    send("inet_sendmsg"),
                    of("ipv6", optional(send("inet6_sendmsg"))),
                    optional(call("watcher_pages_begin", "watcher_pages_end", "inet_sendpage")),
                    of("af_packet", optional(send("packet_sendmsg"))),
                ],
            },
        ],
    },
];

const FORK: Program = event("watcher_sched_process_fork", "sched_process_fork");
const EXEC: Program = event("watcher_sched_process_exec", "sched_process_exec");
const EXIT: Program = event("watcher_sched_process_exit", "sched_process_exit");
/// One that goes unseen is noticed at the next: `Loss::State`.
const SET_STATE: Program = again("watcher_inet_sock_set_state", "inet_sock_set_state");
const DESTROY: Program = tracepoint("watcher_tcp_destroy_sock", "tcp_destroy_sock");
const RECEIVE_RESET: Program = event("watcher_tcp_receive_reset", "tcp_receive_reset");
const SEND_RESET: Program = event("watcher_tcp_send_reset", "tcp_send_reset");

const RAW: Program = receive("raw_recvmsg");
const RAW6: Program = of("ipv6", receive("rawv6_recvmsg"));
const PING: Program = receive("ping_recvmsg");
const MPTCP: Program = receive("mptcp_recvmsg");
const TLS: Program = of("tls", receive("tls_sw_recvmsg"));
/// What such a socket receives TCP counts.
const TLS_SENDING_ONLY: Program =
    Program { missed: Missed::Late, ..tracepoint("watcher_tcp_read_beside_tls", "tcp_rcv_space_adjust") };
const SCTP: Program = of("sctp", receive("sctp_recvmsg"));
const DCCP: Program = of("dccp", receive("dccp_recvmsg"));
const L2TP: Program = of("l2tp_ip", receive("l2tp_ip_recvmsg"));
const L2TP6: Program = of("l2tp_ip6", receive("l2tp_ip6_recvmsg"));
const PACKETS: Program =
    of("af_packet", optional(call("watcher_packet_begins", "watcher_receive_ends", "packet_recvmsg")));

/// Does nothing: `cargo xtask bench` learns from it what a program costs.
pub const FLOOR: Program = tracepoint("watcher_floor", "sock_send_length");
