//! The live driver: a thread a worker, absolute deadlines, lateness as a histogram.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::death::Deaths;
use crate::gauge::{Lateness, WorkerGauges};
use crate::os::{Epoch, Precedence, go_first, sleep_until};
use crate::worker::{TICK, Worker};

/// Lateness beyond which ticks are left out instead of done at once: the machine stood still, and nobody wants to hear the past.
const LATE_MAX: Duration = Duration::from_millis(200);

/// What the thread shares with the rest.
#[derive(Clone)]
pub struct Driver {
    /// Zero of all times.
    pub epoch: Epoch,
    /// Set to end the thread after its tick.
    pub stop: Arc<AtomicBool>,
    /// How late ticks begin.
    pub lateness: Arc<Lateness>,
    /// Counters.
    pub gauges: Arc<WorkerGauges>,
    /// Where it is told that a thread has ended by a fault.
    pub deaths: Deaths,
}

/// Starts a worker's thread.
pub fn spawn(mut worker: Worker, index: usize, driver: Driver) -> std::io::Result<JoinHandle<()>> {
    let name = format!("media-{index}");
    std::thread::Builder::new()
        .name(name.clone())
        .spawn(move || driver.deaths.watch(&name, || drive(&mut worker, &driver)))
}

fn drive(worker: &mut Worker, driver: &Driver) {
    driver.gauges.realtime.set(i64::from(go_first() == Precedence::RealTime));
    let mut deadline = driver.epoch.now();
    while !driver.stop.load(Ordering::Acquire) {
        deadline += TICK;
        sleep_until(driver.epoch.absolute(deadline));
        let late = driver.epoch.now().saturating_sub(deadline);
        driver.lateness.record(late);
        if late > LATE_MAX {
            let skipped = (late.as_nanos() / TICK.as_nanos()) as u32;
            deadline += TICK * skipped;
            driver.gauges.ticks_skipped.add(i64::from(skipped));
        } else if late > TICK {
            driver.gauges.catch_ups.add(1);
        }
        worker.reading_mut().renew(driver.epoch.wall_offset());
        worker.tick(deadline);
    }
}
