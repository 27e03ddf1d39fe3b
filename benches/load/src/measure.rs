//! What a process has used: CPU time and context switches of each thread, resident memory. From /proc, in the kernel's nanoseconds.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

use crate::os;

/// All threads at one moment. Threads of one name are added together.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    time: u64,
    threads: BTreeMap<String, Thread>,
    resident_kb: u64,
}

/// Since the process began.
#[derive(Clone, Debug, Default)]
struct Thread {
    cpu_ns: u64,
    switches: u64,
    preemptions: u64,
}

/// What was used between two snapshots.
#[derive(Debug, Default, Serialize)]
pub struct Usage {
    /// Wall time between them.
    pub seconds: f64,
    /// User and system time of all threads.
    pub cpu_s: f64,
    /// Voluntary context switches.
    pub switches: u64,
    /// Involuntary ones.
    pub preemptions: u64,
    /// Resident memory at the second.
    pub resident_kb: u64,
    /// CPU seconds by name of thread.
    pub threads: BTreeMap<String, f64>,
}

impl Snapshot {
    /// Of a process; empty for pid 0 or one that has ended.
    pub fn take(pid: u32) -> Self {
        let mut snapshot = Self { time: os::now(), ..Self::default() };
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return snapshot };
        for task in tasks.flatten() {
            let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let thread = snapshot.threads.entry(read("comm").trim().to_owned()).or_default();
            thread.cpu_ns += read("schedstat").split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
            let status = read("status");
            thread.switches += field(&status, "voluntary_ctxt_switches:");
            thread.preemptions += field(&status, "nonvoluntary_ctxt_switches:");
            snapshot.resident_kb = field(&status, "VmRSS:"); // the same in every thread
        }
        snapshot
    }

    /// What was used since an earlier one.
    pub fn since(&self, earlier: &Snapshot) -> Usage {
        let mut usage = Usage {
            seconds: (self.time - earlier.time) as f64 / 1e9,
            resident_kb: self.resident_kb,
            ..Usage::default()
        };
        for (name, thread) in &self.threads {
            let before = earlier.threads.get(name).cloned().unwrap_or_default();
            let cpu_s = thread.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1e9;
            usage.cpu_s += cpu_s;
            usage.switches += thread.switches.saturating_sub(before.switches);
            usage.preemptions += thread.preemptions.saturating_sub(before.preemptions);
            usage.threads.insert(name.clone(), cpu_s);
        }
        usage
    }
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line[name.len()..].split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_work_is_seen() {
        let pid = std::process::id();
        let before = Snapshot::take(pid);
        let started = os::now();
        while os::now() < started + 50_000_000 {}
        let usage = Snapshot::take(pid).since(&before);
        assert!(usage.cpu_s >= 0.02 && usage.resident_kb > 0, "{usage:?}");
    }
}
