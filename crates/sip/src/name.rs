//! Names of headers: the table of compact forms, which is `sipx-sip`'s.

use bytes::Bytes;
use sipx_sip::HeaderName;

/// The long spelling of a header name, so that `m` and `contact` are `Contact`.
pub(crate) fn canonical_name(name: &str) -> String {
    let name = HeaderName::parse(&Bytes::copy_from_slice(name.as_bytes()));
    String::from_utf8_lossy(name.canonical()).into_owned()
}
