//! The attempts, and who can make them outside. `{base}` holds `own` (granted for writing), `reading` and `foreign`;
//! `{victim}` is a process of the same account outside, `{first}` the same or, inside, the sandbox's own process 1.

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Works outside for any user.
    Anyone,
    /// Works outside for root; inside it is refused to everyone.
    Root,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Plain,
    /// With `subprocesses: true`.
    Subprocesses,
    /// The engine forgot to close descriptor 7 on the secret.
    InheritedDescriptor,
    /// Standard input is the secret, opened for reading only.
    SecretOnStdin,
}

pub struct Case {
    pub who: Who,
    pub way: Way,
    pub words: &'static [&'static str],
}

impl Case {
    pub fn words(&self) -> String {
        self.words.join(" ")
    }
}

const fn anyone(words: &'static [&'static str]) -> Case {
    Case { who: Who::Anyone, way: Way::Plain, words }
}

const fn root(words: &'static [&'static str]) -> Case {
    Case { who: Who::Root, way: Way::Plain, words }
}

const fn special(way: Way, words: &'static [&'static str]) -> Case {
    Case { who: Who::Anyone, way, words }
}

pub const CASES: &[Case] = &[
    // --- foreign files
    anyone(&["read", "{base}/foreign/secret"]),
    anyone(&["read", "{base}/own/../foreign/secret"]),
    anyone(&["read", "{base}/own/planted"]),
    anyone(&["read", "/proc/self/root{base}/foreign/secret"]),
    anyone(&["read", "/proc/{victim}/root{base}/foreign/secret"]),
    root(&["read", "/etc/shadow"]),
    anyone(&["list", "{base}/foreign"]),
    anyone(&["list", "/"]),
    anyone(&["list", "/home"]),
    anyone(&["list", "/var"]),
    anyone(&["list", "/sys"]),
    anyone(&["stat", "{base}/foreign/secret"]),
    anyone(&["append", "{base}/foreign/secret"]),
    anyone(&["append", "{base}/reading/given"]),
    anyone(&["create", "{base}/foreign/new"]),
    anyone(&["create", "{base}/reading/new"]),
    root(&["create-a-moment", "/usr/lib/laufzettel-hostile"]),
    root(&["create-a-moment", "/laufzettel-hostile"]),
    anyone(&["mkdir", "{base}/foreign/new"]),
    anyone(&["remove", "{base}/foreign/secret"]),
    anyone(&["rename", "{base}/foreign/secret", "{base}/own/taken"]),
    anyone(&["rename", "{base}/own/mine", "{base}/foreign/put"]),
    anyone(&["hard-link", "{base}/foreign/secret", "{base}/own/linked"]),
    anyone(&["hard-link", "{base}/reading/given", "{base}/own/linked"]),
    anyone(&["chmod", "{base}/foreign/secret"]),
    anyone(&["chmod", "{base}/reading/given"]),
    anyone(&["chown", "{base}/foreign/secret"]),
    anyone(&["touch", "{base}/foreign/secret"]),
    anyone(&["touch", "{base}/reading/given"]),
    anyone(&["truncate", "{base}/foreign/secret"]),
    anyone(&["truncate", "{base}/reading/given"]),
    anyone(&["xattr", "{base}/foreign/secret"]),
    anyone(&["inotify", "{base}/foreign"]),
    root(&["fanotify"]),
    root(&["by-handle", "{base}/foreign/secret"]),
    special(Way::InheritedDescriptor, &["read-descriptor", "7"]),
    special(Way::SecretOnStdin, &["open-to-write", "/proc/self/fd/0"]),
    // --- traps for whoever opens the granted folder outside
    anyone(&["symlink", "/etc/passwd", "{base}/own/trap"]),
    anyone(&["fifo", "{base}/own/trap"]),
    root(&["device", "{base}/own/trap"]),
    anyone(&["set-uid-later", "{base}/own/trap"]),
    anyone(&["set-uid-at-once", "{base}/own/trap"]),
    special(Way::Subprocesses, &["execute-own", "{base}/own/program"]),
    anyone(&["execute-memory"]),
    // --- the kernel's files and devices
    anyone(&["read", "/proc/{victim}/environ"]),
    anyone(&["read", "/proc/{first}/environ"]),
    anyone(&["open-to-write", "/proc/{first}/mem"]),
    anyone(&["read", "/proc/kallsyms"]),
    anyone(&["read", "/proc/sys/kernel/core_pattern"]),
    root(&["open-to-write", "/proc/sys/kernel/core_pattern"]),
    root(&["open-to-write", "/proc/sys/vm/overcommit_memory"]),
    root(&["open-to-write", "/dev/kmsg"]),
    anyone(&["open-to-write", "/dev/ptmx"]),
    anyone(&["open-to-write", "/dev/zero"]),
    anyone(&["spare-me"]),
    // --- other processes
    anyone(&["signal", "{victim}"]),
    anyone(&["signal-thread", "{victim}"]),
    anyone(&["signal-queue", "{victim}"]),
    anyone(&["signal-all"]),
    anyone(&["pidfd", "{victim}"]),
    anyone(&["pidfd-steal", "{victim}"]),
    anyone(&["ptrace", "{victim}"]),
    anyone(&["ptrace-me"]),
    anyone(&["vm-read", "{victim}"]),
    anyone(&["vm-write", "{victim}"]),
    anyone(&["kcmp", "{victim}"]),
    anyone(&["move-pages", "{victim}"]),
    anyone(&["renice", "{victim}"]),
    anyone(&["affinity", "{victim}"]),
    anyone(&["limits-of", "{victim}"]),
    anyone(&["session-of", "{victim}"]),
    // --- other accounts and namespaces
    root(&["set-uid", "0"]),
    root(&["set-uid", "1"]),
    root(&["set-gid", "1"]),
    root(&["set-groups"]),
    root(&["capabilities"]),
    anyone(&["unshare", "268435456"]),
    root(&["unshare", "131072"]),
    anyone(&["clone-user"]),
    special(Way::Subprocesses, &["clone-user"]),
    anyone(&["clone3"]),
    root(&["join-namespace", "/proc/{victim}/ns/net"]),
    root(&["join-namespace", "/proc/{victim}/ns/mnt"]),
    root(&["chroot"]),
    root(&["mount", "{base}/foreign/empty"]),
    root(&["mount-new-way"]),
    root(&["open-tree"]),
    // --- the network
    anyone(&["tcp-connect", "{tcp}"]),
    anyone(&["tcp-listen", "127.0.0.1:0"]),
    anyone(&["udp-send", "{udp}"]),
    anyone(&["udp-listen", "127.0.0.1:0"]),
    anyone(&["unix-connect", "{base}/foreign/listening"]),
    anyone(&["unix-connect", "{base}/own/listening"]),
    anyone(&["unix-listen", "{base}/own/door"]),
    anyone(&["unix-abstract", "{abstract}"]),
    anyone(&["unix-abstract-listen", "{abstract}-own"]),
    anyone(&["unix-datagram"]),
    anyone(&["socket", "10", "1", "0"]),
    anyone(&["socket", "16", "3", "0"]),
    root(&["socket", "17", "3", "768"]),
    root(&["socket", "2", "3", "1"]),
    anyone(&["socket", "40", "1", "0"]),
    // --- the rest of the kernel
    anyone(&["io-uring"]),
    anyone(&["aio"]),
    root(&["bpf"]),
    anyone(&["perf"]),
    anyone(&["userfaultfd"]),
    anyone(&["keyring"]),
    anyone(&["add-key"]),
    anyone(&["memory-file"]),
    root(&["ctrl-alt-del"]),
    root(&["host-name"]),
    root(&["clock"]),
    root(&["clock-drift"]),
    anyone(&["local-descriptors"]),
    root(&["accounting"]),
    root(&["kernel-log"]),
    anyone(&["shared-segment"]),
    anyone(&["message-queue"]),
    anyone(&["semaphores"]),
    anyone(&["posix-queue", "hostile-{victim}"]),
    root(&["real-time"]),
    root(&["io-priority"]),
    anyone(&["personality"]),
    anyone(&["own-filter"]),
    anyone(&["own-landlock"]),
    // --- more than granted
    anyone(&["subprocess"]),
    anyone(&["forks", "1"]),
    special(Way::Subprocesses, &["forks", "300"]),
    anyone(&["threads", "300"]),
    anyone(&["descriptors", "300"]),
    anyone(&["memory", "300000000"]),
    anyone(&["shared-memory", "300000000"]),
    anyone(&["grow", "{base}/own/big", "5000000"]),
    anyone(&["fill-a-moment", "/tmp/hostile-{victim}", "2000000"]),
    anyone(&["limit-at-least", "4", "2"]),
    anyone(&["limit-at-least", "9", "300000000"]),
];
