//! A core: workers, signalling and control of one server, or of one robot caller; live, or on a virtual network. Composes, decides nothing.

use core::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use core::time::Duration;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use crossbeam_queue::ArrayQueue;
use roomtone_media::codec::Codec;
use roomtone_media::id::LegId;
use rtrb::RingBuffer;

use crate::control::{Control, News, WorkerHandle};
use crate::death::{Death, Deaths};
use crate::gauge::{LATENESS_BOUNDS_US, Lateness, WorkerGauges};
use crate::live::{self, Driver};
use crate::mailbox::{
    ARRIVALS_MAX, Arrivals, INBOX_BATCHES_MAX, Notifier, OUTBOX_EVENTS_MAX, RETIRED_PLAYERS_MAX,
};
use crate::network::Network;
use crate::os::{Epoch, Scratch, Wake, WallOffset};
use crate::ports::Ports;
use crate::signalling::{self, SharedSignalling, SipNews};
use crate::transport::{Reading, SocketPair, Transport};
use crate::wire::MailboxPair;
use crate::worker::{Outbox, Worker, WorkerParts};

/// First RTP port of a host on a virtual network.
const VIRTUAL_PORT_FIRST: u16 = 20_000;

/// What a core is made of.
#[derive(Clone, Debug)]
pub struct CoreConfig {
    /// Where RTP is bound.
    pub host: IpAddr,
    /// Media threads.
    pub workers: usize,
    /// Of SSRCs, sequence numbers, branches and tags; `None`: from the system.
    pub seed: Option<u64>,
    /// First and last RTP port; zeros: any.
    pub rtp_ports: (u16, u16),
    /// Silence after which a far end is gone.
    pub silence_max: Duration,
    /// In order of preference.
    pub codecs: Vec<Codec>,
}

enum Mode {
    Live {
        driver: Driver,
        ports: Mutex<Ports>,
        threads: Mutex<Vec<JoinHandle<()>>>,
        lateness: Vec<Arc<Lateness>>,
    },
    Virtual {
        network: Network,
        host: usize,
        next_port: AtomicU16,
    },
}

/// See the module.
pub struct Core {
    control: Mutex<Control>,
    signalling: SharedSignalling,
    notifier: Arc<Notifier>,
    host: IpAddr,
    mode: Mode,
}

/// News of signalling and of media, each with its time, in order.
pub type Drained = (Vec<(Duration, SipNews)>, Vec<(Duration, News)>);

/// Lateness of all workers' ticks: (upper bounds in µs, counts, sum in µs).
pub type LatenessReport = (Vec<u64>, Vec<u64>, u64);

impl Core {
    /// Starts a live core.
    pub fn live(config: &CoreConfig) -> io::Result<Self> {
        let epoch = Epoch::start();
        let notifier = Arc::new(Notifier::new(Some(Wake::new()?)));
        let seed = config.seed.unwrap_or_else(|| fastrand::u64(..));
        let (handles, workers) = make_workers(config, &notifier, || epoch.wall_offset());
        let stop = Arc::new(AtomicBool::new(false));
        let deaths = Deaths::new(notifier.clone());
        let driver = Driver { epoch, stop, lateness: Arc::default(), gauges: Arc::default(), deaths };
        let mut threads = Vec::new();
        let mut lateness = Vec::new();
        for (index, worker) in workers.into_iter().enumerate() {
            let driver =
                Driver { lateness: Arc::default(), gauges: handles[index].gauges.clone(), ..driver.clone() };
            lateness.push(driver.lateness.clone());
            threads.push(live::spawn(worker, index, driver)?);
        }
        let (signalling, thread) = signalling::live(seed, notifier.clone(), &driver)?;
        threads.push(thread);
        let ports = Mutex::new(Ports::new(config.host, config.rtp_ports.0, config.rtp_ports.1));
        let mode = Mode::Live { driver, ports, threads: Mutex::new(threads), lateness };
        Ok(Self::assemble(config, seed, handles, signalling, notifier, mode))
    }

    /// Joins a virtual network.
    pub fn on(network: &Network, config: &CoreConfig) -> Self {
        let notifier = Arc::new(Notifier::new(None));
        let host = network.next_host();
        let seed = config.seed.unwrap_or_else(|| network.seed().wrapping_add(host as u64));
        let (handles, workers) = make_workers(config, &notifier, || WallOffset::of_virtual(network.now()));
        let signalling = signalling::on(network.wire().clone(), host, seed, notifier.clone());
        network.join(workers, signalling.clone(), notifier.clone());
        let next_port = AtomicU16::new(VIRTUAL_PORT_FIRST);
        let mode = Mode::Virtual { network: network.clone(), host, next_port };
        Self::assemble(config, seed, handles, signalling, notifier, mode)
    }

    fn assemble(
        config: &CoreConfig,
        seed: u64,
        handles: Vec<WorkerHandle>,
        signalling: SharedSignalling,
        notifier: Arc<Notifier>,
        mode: Mode,
    ) -> Self {
        let dice = fastrand::Rng::with_seed(seed);
        let control = Control::new(handles, dice, config.codecs.clone(), notifier.clone());
        Self { control: Mutex::new(control), signalling, notifier, host: config.host, mode }
    }

    /// Control of the media side.
    pub fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().expect("no holder panics")
    }

    /// The signalling side.
    pub fn signalling(&self) -> &SharedSignalling {
        &self.signalling
    }

    /// Time since the start.
    pub fn now(&self) -> Duration {
        match &self.mode {
            Mode::Live { driver, .. } => driver.epoch.now(),
            Mode::Virtual { network, .. } => network.now(),
        }
    }

    /// What the event loop waits for.
    pub fn fd(&self) -> Option<std::os::fd::RawFd> {
        self.notifier.fd()
    }

    /// Binds the ports of a new leg; its RTP port. `None` when all are taken.
    pub fn open_leg(&self, leg: LegId) -> Option<u16> {
        let (transport, port): (Box<dyn Transport>, u16) = match &self.mode {
            Mode::Live { ports, .. } => {
                let (rtp, rtcp) = ports.lock().expect("no holder panics").bind()?;
                let port = rtp.local().ok()?.port();
                (Box::new(SocketPair { rtp, rtcp }), port)
            }
            Mode::Virtual { network, next_port, .. } => {
                let port = next_port.fetch_add(2, Ordering::Relaxed);
                (Box::new(MailboxPair::open(network.wire(), SocketAddr::new(self.host, port))?), port)
            }
        };
        self.control().open_leg(leg, transport, self.now());
        Some(port)
    }

    /// Everything that waits: signalling first, then media, each with its time, in order.
    pub fn drain(&self) -> Drained {
        self.notifier.clear();
        let sip = self.signalling.take_news();
        let mut media = Vec::new();
        let now = self.now();
        self.control().drain(now, &mut media);
        if let Mode::Live { driver, .. } = &self.mode {
            let lost =
                |Death { thread, fault }| (now, News::ThreadLost { thread, reason: fault.to_string() });
            media.extend(driver.deaths.take().into_iter().map(lost));
        }
        (sip, media)
    }

    /// How late ticks began; empty in virtual time.
    pub fn lateness(&self) -> LatenessReport {
        let mut total = (LATENESS_BOUNDS_US.to_vec(), vec![0; LATENESS_BOUNDS_US.len() + 1], 0);
        if let Mode::Live { lateness, .. } = &self.mode {
            for (counts, sum_us) in lateness.iter().map(|worker| worker.snapshot()) {
                total.1.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
                total.2 += sum_us;
            }
        }
        total
    }

    /// Stops threads and closes sockets. Again is harmless.
    pub fn close(&self) {
        match &self.mode {
            Mode::Virtual { network, host, .. } => network.leave(*host),
            Mode::Live { driver, threads, .. } => {
                driver.stop.store(true, Ordering::Release);
                self.signalling.wake();
                for thread in threads.lock().expect("no holder panics").drain(..) {
                    // A fault is no error here: it was told by `drain`.
                    let _ = thread.join();
                }
            }
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.close();
    }
}

fn make_workers(
    config: &CoreConfig,
    notifier: &Arc<Notifier>,
    offset: impl Fn() -> WallOffset,
) -> (Vec<WorkerHandle>, Vec<Worker>) {
    let count = config.workers.max(1);
    let arrivals: Arrivals = (0..count).map(|_| ArrayQueue::new(ARRIVALS_MAX)).collect();
    let make = |index| {
        let (inbox_in, inbox) = RingBuffer::new(INBOX_BATCHES_MAX);
        let (events_in, events) = RingBuffer::new(OUTBOX_EVENTS_MAX);
        let (retired_in, retired) = RingBuffer::new(RETIRED_PLAYERS_MAX);
        let gauges = Arc::new(WorkerGauges::default());
        let worker = Worker::new(WorkerParts {
            index,
            inbox,
            arrivals: arrivals.clone(),
            outbox: Outbox::new(events_in, gauges.clone()),
            retired: retired_in,
            reading: Reading { scratch: Scratch::default(), offset: offset(), before: Duration::ZERO },
            silence_max: config.silence_max,
            notifier: notifier.clone(),
            gauges: gauges.clone(),
        });
        (WorkerHandle { inbox: inbox_in, events, retired, gauges }, worker)
    };
    (0..count).map(make).unzip()
}
