//! Which request of ours an ICMP message is about, by the part of it that it quotes (RFC 1812 section 4.3.2.3, RFC 4443 section 3.1).
//!
//! Anybody can send ICMP with any addresses in it, so these prove nothing; the branch does, which only those know who saw the request. Routers that
//! quote eight bytes quote no SIP: then the timers decide.

/// Method and branch, when the quoted beginning of a request as `build_request` makes it reaches past the branch.
pub(crate) fn quoted_request(quoted: &[u8]) -> Option<(&str, &str)> {
    let mut lines = quoted.split(|&byte| byte == b'\n');
    let method = lines.next()?.split(|&byte| byte == b' ').next()?;
    let via = core::str::from_utf8(lines.next()?).ok()?.strip_prefix("Via:")?;
    let (branch, _) = via.split_once(";branch=")?.1.split_once(';')?;
    Some((core::str::from_utf8(method).ok()?, branch))
}
