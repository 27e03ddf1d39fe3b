//! Bodies with more than a session description in them.

mod lab;

use lab::*;
use proptest::prelude::*;
use roomtone_sip::Event;

const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
const TYPE: &str = "Content-Type: multipart/mixed;boundary=cut\r\n";
const ISUP: &str = "Content-Type: application/ISUP;version=x\r\nContent-Disposition: signal;handling=optional\r\n\r\n\x01\x02\0\n";

fn sdp_part() -> String {
    format!("Content-Type: application/sdp\r\n\r\n{SDP}")
}

fn body(parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--cut\r\n{part}\r\n")).collect();
    format!("{parts}--cut--\r\n")
}

/// The body that goes up, or the status of the answer.
fn outcome(method: &str, headers: &str, body: &str) -> Result<String, u16> {
    let mut lab = Lab::udp();
    lab.receive(their_request_with(method, "1", headers, body));
    match lab.take_events().as_slice() {
        [Event::Request { message, .. }] => Ok(String::from_utf8(message.body.clone()).unwrap()),
        _ => Err(status_of(&lab.take_one())),
    }
}

#[test]
fn the_description_among_the_parts_counts() {
    let sdp = sdp_part();
    let early = format!("Content-Disposition: early-session\r\n{sdp}");
    let whole = |parts: &[&str]| (TYPE, body(parts));
    let quoted = "Content-Type: Multipart/Mixed; charset=x; boundary=\"cut\"\r\n";
    let folded =
        "CONTENT-type :\r\n application/SDP;x=y\r\nContent-Disposition: session;handling=required\r\n\r\n";
    for (headers, text) in [
        whole(&[&sdp]),
        whole(&[&sdp, ISUP]),
        whole(&[&sdp, "Content-Type: application/ISUP\r\n\r\n\x01"]),
        whole(&[ISUP, &sdp, "\r\nno headers"]),
        whole(&[&early, &sdp]),
        whole(&[&format!("{folded}{SDP}")]),
        (quoted, body(&[ISUP, &sdp])),
        (TYPE, format!("to be passed over\r\n{}and this", body(&[&sdp]))),
    ] {
        for method in ["INVITE", "UPDATE"] {
            assert_eq!(outcome(method, headers, &text).as_deref(), Ok(SDP), "{text}");
        }
    }
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let sdp = sdp_part();
    let required = ISUP.replace("optional", "required");
    let packed = sdp.replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    let optional = format!("{TYPE}Content-Disposition: render; handling=optional\r\n");
    for (headers, text, expected) in [
        (TYPE, body(&[&sdp, &required]), Err(415)),
        (TYPE, body(&[&sdp, &sdp]), Err(415)),
        (TYPE, body(&[ISUP]), Err(415)),
        ("Content-Type: application/ISUP\r\n", "\x01".to_owned(), Err(415)),
        (TYPE, body(&[&packed]), Err(415)),
        (&*optional, body(&[ISUP]), Ok(String::new())),
        ("Content-Type: multipart/mixed\r\n", body(&[&sdp]), Err(400)),
        (TYPE, "no parts at all".to_owned(), Err(400)),
        (TYPE, body(&[&sdp]).replace("--cut--", "--cat--"), Err(400)),
    ] {
        assert_eq!(outcome("INVITE", headers, &text), expected, "{text}");
    }
}

#[test]
fn a_body_may_have_sixteen_parts() {
    let sdp = sdp_part();
    let many = |others| body(&std::iter::repeat_n(ISUP, others).chain([&*sdp]).collect::<Vec<_>>());
    assert_eq!(outcome("INVITE", TYPE, &many(15)).as_deref(), Ok(SDP));
    assert_eq!(outcome("INVITE", TYPE, &many(16)), Err(400));
}

#[test]
fn the_answer_to_our_invite_may_have_parts_too() {
    let mut lab = Lab::udp();
    lab.request("INVITE");
    let text = body(&[ISUP, &sdp_part()]);
    let length = format!("{TYPE}Content-Length: {}", text.len());
    let asked = lab.take_one();
    lab.receive(answer_to(&asked, 200, "theirs").replace("Content-Length: 0", &length) + &text);
    let events = lab.take_events();
    assert!(
        matches!(&events[..], [Event::Response { message, .. }] if message.body == SDP.as_bytes()),
        "{events:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_parts_have_one_outcome(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "--cut", "--cut--", "--", "cut", "\r\n", "\n", "\r\n\r\n", ":", ";", "\"", "Content-Type: application/sdp",
            "Content-Disposition: x;handling=required", "v=0", " ", "\0", "ä",
        ]), 0..40),
    ) {
        let text = pieces.concat();
        match outcome("INVITE", TYPE, &text) {
            Ok(description) => prop_assert!(text.contains(&description)),
            Err(status) => prop_assert!(status == 400 || status == 415),
        }
    }

    #[test]
    fn a_description_comes_out_as_it_went_in(
        before in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..5),
        description in "[ -~\r\n]{0,200}",
    ) {
        prop_assume!(!description.contains("--cut"));
        let odd: Vec<String> = before.iter().map(|bytes| format!("\r\n{}", bytes.escape_ascii())).collect();
        let part = format!("Content-Type: application/sdp\r\n\r\n{description}");
        let parts: Vec<&str> = odd.iter().map(String::as_str).chain([part.as_str()]).collect();
        prop_assert_eq!(outcome("INVITE", TYPE, &body(&parts)), Ok(description));
    }
}
