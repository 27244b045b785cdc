//! The ladder: each capability, and the ways to get it, best first. Chosen by trying, never by version number.

/// How a program is loaded and attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// A BTF-typed tracepoint.
    Tracepoint(&'static str),
    /// The exit of a kernel function, by trampoline.
    Exit(&'static str),
    /// `cgroup/sock_create` or `sock_release`, at the root of cgroup v2.
    CgroupSock,
    /// `cgroup/sendmsg4` and its kin, at the root of cgroup v2.
    CgroupSockAddr,
    /// An iterator that runs when user space reads it.
    Iterator(&'static str),
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
}

/// A set of programs that together give a capability.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// As `doctor` prints it.
    pub name: &'static str,
    /// Loaded in this order.
    pub programs: &'static [Program],
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
    Program { symbol, hook: Hook::Tracepoint(name), optional: false }
}

const fn exit(symbol: &'static str, name: &'static str) -> Program {
    Program { symbol, hook: Hook::Exit(name), optional: false }
}

const fn optional(program: Program) -> Program {
    Program { optional: true, ..program }
}

const fn cgroup(symbol: &'static str, hook: Hook) -> Program {
    Program { symbol, hook, optional: false }
}

/// Attached in this order: what gives sockets their slots comes before what counts into them.
pub const LADDER: &[Capability] = &[
    Capability {
        name: "reading",
        without: None,
        ways: &[Way {
            name: "iter/bpf_sk_storage_map",
            programs: &[Program {
                symbol: "watcher_read_sockets",
                hook: Hook::Iterator("bpf_sk_storage_map"),
                optional: false,
            }],
        }],
    },
    Capability {
        name: "seeding",
        without: Some("sockets opened before start are counted from their first call on"),
        ways: &[Way {
            name: "iter/task_file",
            programs: &[Program { symbol: "watcher_seed", hook: Hook::Iterator("task_file"), optional: false }],
        }],
    },
    Capability {
        name: "running processes",
        without: Some("processes older than watcher are looked up in /proc when they first move a byte"),
        ways: &[Way {
            name: "iter/task",
            programs: &[Program { symbol: "watcher_read_tasks", hook: Hook::Iterator("task"), optional: false }],
        }],
    },
    Capability {
        name: "processes",
        without: Some("a process that ends before it is looked up shows its kernel name only, and never as ended"),
        ways: &[Way {
            name: "tp_btf/sched_process_*",
            programs: &[
                tracepoint("watcher_sched_process_fork", "sched_process_fork"),
                tracepoint("watcher_sched_process_exec", "sched_process_exec"),
                tracepoint("watcher_sched_process_exit", "sched_process_exit"),
            ],
        }],
    },
    Capability {
        name: "lifecycles",
        without: None,
        ways: &[Way {
            name: "tp_btf/inet_sock_set_state",
            programs: &[
                tracepoint("watcher_inet_sock_set_state", "inet_sock_set_state"),
                tracepoint("watcher_tcp_destroy_sock", "tcp_destroy_sock"),
            ],
        }],
    },
    Capability {
        name: "reset reasons",
        without: Some("a reset is told apart only by the socket's error"),
        ways: &[Way {
            name: "tp_btf/tcp_*_reset",
            programs: &[
                tracepoint("watcher_tcp_receive_reset", "tcp_receive_reset"),
                tracepoint("watcher_tcp_send_reset", "tcp_send_reset"),
            ],
        }],
    },
    Capability {
        name: "socket owner",
        without: Some("a socket belongs to the process that first uses it"),
        ways: &[Way { name: "cgroup/sock_create", programs: &[cgroup("watcher_sock_create", Hook::CgroupSock)] }],
    },
    Capability {
        name: "datagram ends",
        without: Some(
            "sockets without connections never show as closed, and what they moved since the last reading is lost",
        ),
        ways: &[Way { name: "cgroup/sock_release", programs: &[cgroup("watcher_sock_release", Hook::CgroupSock)] }],
    },
    Capability {
        name: "datagram remotes",
        without: Some("unconnected datagram sockets show no remote"),
        ways: &[
            Way {
                name: "cgroup/sendmsg, recvmsg",
                programs: &[
                    cgroup("watcher_sendmsg4", Hook::CgroupSockAddr),
                    cgroup("watcher_recvmsg4", Hook::CgroupSockAddr),
                    optional(cgroup("watcher_sendmsg6", Hook::CgroupSockAddr)),
                    optional(cgroup("watcher_recvmsg6", Hook::CgroupSockAddr)),
                ],
            },
            Way {
                name: "cgroup/sendmsg, recvmsg by thread",
                programs: &[
                    cgroup("watcher_sendmsg4_by_thread", Hook::CgroupSockAddr),
                    cgroup("watcher_recvmsg4_by_thread", Hook::CgroupSockAddr),
                    optional(cgroup("watcher_sendmsg6_by_thread", Hook::CgroupSockAddr)),
                    optional(cgroup("watcher_recvmsg6_by_thread", Hook::CgroupSockAddr)),
                ],
            },
        ],
    },
    Capability {
        name: "tcp receives",
        without: None,
        ways: &[Way {
            name: "tp_btf/tcp_rcv_space_adjust",
            programs: &[tracepoint("watcher_tcp_rcv_space_adjust", "tcp_rcv_space_adjust")],
        }],
    },
    Capability {
        name: "other receives",
        without: None,
        ways: &[
            Way {
                name: "tp_btf/sock_recv_length",
                programs: &[tracepoint("watcher_sock_recv_length", "sock_recv_length")],
            },
            Way {
                name: "fexit/*_recvmsg",
                programs: &[
                    exit("watcher_inet_recvmsg", "inet_recvmsg"),
                    optional(exit("watcher_inet6_recvmsg", "inet6_recvmsg")),
                    exit("watcher_sock_common_recvmsg", "sock_common_recvmsg"),
                    optional(exit("watcher_packet_recvmsg", "packet_recvmsg")),
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
                programs: &[tracepoint("watcher_sock_send_length", "sock_send_length")],
            },
            Way {
                name: "fexit/*_sendmsg",
                programs: &[
                    exit("watcher_inet_sendmsg", "inet_sendmsg"),
                    optional(exit("watcher_inet6_sendmsg", "inet6_sendmsg")),
                    optional(exit("watcher_inet_sendpage", "inet_sendpage")),
                    optional(exit("watcher_packet_sendmsg", "packet_sendmsg")),
                ],
            },
        ],
    },
];
