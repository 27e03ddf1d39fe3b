//! The packets of a leg that wait for their time, in the order of their sequence numbers.
//!
//! Payloads lie one behind the other in a ring of bytes that is taken once; a sequence number has its slot by
//! its lower bits. When either is full the oldest give way and are counted: what is newest is nearest to what
//! is said now.

use crate::prefetch::prefetch;

/// Packets that can wait: 1.3 s of 20 ms, 640 ms of 10 ms.
pub(crate) const PACKETS_MAX: usize = 64;

/// The longest payload that is kept, in bytes: that of an Ethernet frame.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 1_500;

/// 20 ms of G.711; most of Opus is smaller.
const USUAL_PAYLOAD_BYTES: usize = 160;

/// So many packets may be overtaken by the first one to come.
const OVERTAKEN_MAX: i64 = 8;

/// What waits in a slot.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A payload of the codec.
    Audio,
    /// Comfort noise begins; its level in −dBov.
    Noise(u8),
    /// A key's packet: it only says that this sequence number is not lost.
    Digit,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Extended.
    pub(crate) sequence: i64,
    /// Extended, of the first sample.
    pub(crate) timestamp: i64,
    /// 0 unless audio.
    pub(crate) samples: usize,
    pub(crate) kind: Kind,
}

impl Entry {
    /// Timestamp of the first sample after it.
    pub(crate) fn end(&self) -> i64 {
        self.timestamp + self.samples as i64
    }
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kept {
    Yes,
    Duplicate,
    Late,
    TooLong,
}

#[derive(Copy, Clone, Debug)]
struct Slot {
    entry: Entry,
    start: u64,
    length: usize,
    /// False once it was taken: the slot then only knows repetitions.
    waits: bool,
}

#[derive(Debug)]
pub(crate) struct Store {
    slots: Box<[Option<Slot>]>,
    bytes: Box<[u8]>,
    /// Bytes ever written: where the next payload goes, modulo the size.
    written: u64,
    /// No entry below it waits, nor may one come.
    first: i64,
    highest: i64,
    overflowed: u64,
}

impl Store {
    pub(crate) fn new(bytes_max: usize) -> Store {
        Store {
            slots: vec![None; PACKETS_MAX].into_boxed_slice(),
            bytes: vec![0; bytes_max.max(PAYLOAD_BYTES_MAX)].into_boxed_slice(),
            written: 0,
            first: i64::MIN,
            highest: i64::MIN,
            overflowed: 0,
        }
    }

    /// Asks for the places of the next packet.
    pub(crate) fn prefetch(&self) {
        prefetch(&self.slots[Self::place(self.highest.wrapping_add(1))]);
        let start = (self.written % self.bytes.len() as u64) as usize;
        if let Some(place) = self.bytes.get(start..start + USUAL_PAYLOAD_BYTES) {
            prefetch(place);
        }
    }

    /// Forgets all packets. The first one to come is probably `first`; a few that it overtook are taken too.
    pub(crate) fn restart(&mut self, first: i64) {
        self.slots.fill(None);
        self.first = first - OVERTAKEN_MAX;
        self.highest = first - 1;
    }

    pub(crate) fn insert(&mut self, entry: Entry, payload: &[u8]) -> Kept {
        let place = Self::place(entry.sequence);
        if self.slots[place].is_some_and(|slot| slot.entry.sequence == entry.sequence) {
            return Kept::Duplicate;
        }
        if entry.sequence < self.first {
            return Kept::Late;
        }
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Kept::TooLong;
        }
        self.make_room(entry.sequence);
        let start = self.write(payload);
        self.slots[place] = Some(Slot { entry, start, length: payload.len(), waits: true });
        Kept::Yes
    }

    /// Forgets what waits before `sequence`: it is of another time.
    pub(crate) fn forget_before(&mut self, sequence: i64) {
        for slot in self.slots.iter_mut().flatten().filter(|slot| slot.entry.sequence < sequence) {
            slot.waits = false;
        }
        self.first = self.first.max(sequence);
    }

    /// The waiting entry with the lowest sequence number. Those before it may still come.
    pub(crate) fn earliest(&mut self) -> Option<Entry> {
        let mut sequence = self.first;
        while sequence <= self.highest {
            match self.slot(sequence) {
                Some(slot) if slot.start + self.bytes.len() as u64 >= self.written => {
                    return Some(slot.entry);
                }
                Some(_) => {
                    self.overflowed += 1;
                    self.remove(sequence); // its bytes were overwritten
                }
                None => {}
            }
            sequence += 1;
        }
        None
    }

    /// The bytes of a waiting entry.
    pub(crate) fn payload(&self, sequence: i64) -> &[u8] {
        self.slot(sequence).map_or(&[], |slot| {
            let start = (slot.start % self.bytes.len() as u64) as usize;
            &self.bytes[start..start + slot.length]
        })
    }

    /// Takes an entry out; those before it may no longer come.
    pub(crate) fn remove(&mut self, sequence: i64) {
        if let Some(slot) = &mut self.slots[Self::place(sequence)]
            && slot.entry.sequence == sequence
        {
            slot.waits = false;
        }
        self.first = self.first.max(sequence + 1);
    }

    /// Packets that gave way to newer ones so far.
    pub(crate) fn overflowed(&self) -> u64 {
        self.overflowed
    }

    fn slot(&self, sequence: i64) -> Option<&Slot> {
        self.slots[Self::place(sequence)]
            .as_ref()
            .filter(|slot| slot.entry.sequence == sequence && slot.waits)
    }

    fn make_room(&mut self, sequence: i64) {
        self.highest = self.highest.max(sequence);
        let lowest = self.highest - (PACKETS_MAX as i64 - 1);
        if self.first < lowest {
            let evicted =
                self.slots.iter_mut().flatten().filter(|slot| slot.waits && slot.entry.sequence < lowest);
            for slot in evicted {
                slot.waits = false;
                self.overflowed += 1;
            }
            self.first = lowest;
        }
    }

    fn write(&mut self, payload: &[u8]) -> u64 {
        let size = self.bytes.len() as u64;
        let left = size - self.written % size;
        if left < payload.len() as u64 {
            self.written += left;
        }
        let start = self.written;
        let place = (start % size) as usize;
        self.bytes[place..place + payload.len()].copy_from_slice(payload);
        self.written += payload.len() as u64;
        start
    }

    fn place(sequence: i64) -> usize {
        sequence.rem_euclid(PACKETS_MAX as i64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(sequence: i64) -> Entry {
        Entry { sequence, timestamp: sequence * 160, samples: 160, kind: Kind::Audio }
    }

    fn all(store: &mut Store) -> Vec<i64> {
        let mut sequences = Vec::new();
        while let Some(entry) = store.earliest() {
            assert!(store.payload(entry.sequence).iter().all(|byte| *byte == entry.sequence as u8));
            sequences.push(entry.sequence);
            store.remove(entry.sequence);
        }
        sequences
    }

    #[test]
    fn packets_come_out_in_order_and_once() {
        let mut store = Store::new(8_000);
        store.restart(6);
        assert_eq!(store.insert(entry(8), &[8; 160]), Kept::Yes);
        assert_eq!(store.earliest(), Some(entry(8)));
        let kept: Vec<_> = [5, 8, 6, 6, -3]
            .iter()
            .map(|number| store.insert(entry(*number), &[*number as u8; 160]))
            .collect();
        assert_eq!(kept, [Kept::Yes, Kept::Duplicate, Kept::Yes, Kept::Duplicate, Kept::Late]);
        assert_eq!(all(&mut store), [5, 6, 8]);
        assert_eq!(store.insert(entry(7), &[7]), Kept::Late);
        assert_eq!(store.insert(entry(8), &[8]), Kept::Duplicate);
        assert_eq!(store.insert(entry(9), &[0; PAYLOAD_BYTES_MAX + 1]), Kept::TooLong);
    }

    #[test]
    fn the_oldest_give_way_when_slots_run_out() {
        let mut store = Store::new(100_000);
        store.restart(0);
        for number in 0..100 {
            assert_eq!(store.insert(entry(number), &[number as u8; 160]), Kept::Yes);
        }
        assert_eq!(all(&mut store), (36..100).collect::<Vec<_>>());
        assert_eq!(store.overflowed(), 36);
    }

    #[test]
    fn the_oldest_give_way_when_bytes_run_out() {
        let mut store = Store::new(1_700);
        store.restart(0);
        for number in 0..20 {
            store.insert(entry(number), &[number as u8; 160]);
        }
        assert_eq!(all(&mut store), (10..20).collect::<Vec<_>>());
        assert_eq!(store.overflowed(), 10);
    }
}
