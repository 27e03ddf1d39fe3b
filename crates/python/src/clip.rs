//! Decoded audio in Python's hands.

use std::sync::Arc;

use pyo3::prelude::*;

/// See `_native.pyi`.
#[pyclass(frozen, module = "roomtone._native")]
pub struct Clip {
    /// Its number.
    #[pyo3(get)]
    id: u64,
    /// How long it lasts.
    #[pyo3(get)]
    milliseconds: u64,
    /// Itself.
    pub inner: Arc<roomtone_media::clip::Clip>,
}

impl Clip {
    /// Wraps a clip.
    pub fn new(id: u64, clip: roomtone_media::clip::Clip) -> Self {
        Self { id, milliseconds: clip.milliseconds(), inner: Arc::new(clip) }
    }
}
