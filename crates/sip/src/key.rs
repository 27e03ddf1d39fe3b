//! Which server transaction a request belongs to (RFC 3261 section 17.2.3).
//!
//! An ACK has the key of its INVITE; a CANCEL has a key of its own, and `cancelled` finds the INVITE's. For a
//! peer of RFC 2543 (no magic cookie) the To tag is left out: its ACK to a refusal carries ours, which the
//! INVITE had not.

use crate::via::TopVia;

const COOKIE: &[u8] = b"z9hG4bK";

/// Key of a server transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    method: Vec<u8>,
    fields: Vec<u8>,
}

impl Key {
    /// By branch and sent-by; none when the branch is not of RFC 3261. A branch that is the cookie alone
    /// (RFC 4475 section 3.3.9 has one) names nothing, so it counts as none.
    pub fn of_branch(method: &[u8], via: &TopVia) -> Option<Self> {
        let branch = via.branch.as_ref()?;
        if branch.len() <= COOKIE.len() || !branch.starts_with(COOKIE) {
            return None;
        }
        let sent_by = format!("{}:{}", via.host.to_ascii_lowercase(), via.port.unwrap_or(0));
        Some(Self::of_fields(method, &[branch, sent_by.as_bytes()]))
    }

    /// By fields, each of which must be equal.
    pub fn of_fields(method: &[u8], values: &[&[u8]]) -> Self {
        let mut fields = Vec::with_capacity(values.iter().map(|value| value.len() + 1).sum());
        for value in values {
            fields.extend_from_slice(value);
            fields.push(0);
        }
        let method = if method == b"ACK" { b"INVITE" } else { method };
        Self { method: method.to_vec(), fields }
    }

    /// Of a CANCEL: the key of the INVITE that it names.
    pub fn cancelled(&self) -> Self {
        Self { method: b"INVITE".to_vec(), fields: self.fields.clone() }
    }

    /// All that is in it, to make a tag from.
    pub fn bytes(&self) -> &[u8] {
        &self.fields
    }
}
