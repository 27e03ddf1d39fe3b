//! What the topmost Via of a request says: where its answer goes, and which transaction it is of.

/// The first hop of the topmost Via.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopVia {
    pub branch: Option<Vec<u8>>,
    pub host: String,
    pub port: Option<u16>,
    pub wants_rport: bool,
    /// The same hop, with `received` and `rport` as RFC 3261 section 18.2.1 and RFC 3581 want them; none:
    /// unchanged.
    pub amended: Option<Vec<u8>>,
}
