//! Offer and answer (RFC 3264, 4566) as a table of what phones say, and what we make of it.

use roomtone_sip::offer::{Codec, Local, Negotiated, accept, answer, make_offer};
use roomtone_sip::sdp::{Direction, parse};

const ALL: &[Codec] = &[Codec::Opus, Codec::Pcmu, Codec::Pcma];
const G711: &[Codec] = &[Codec::Pcmu, Codec::Pcma];

fn local(codecs: &[Codec]) -> Local<'_> {
    Local {
        host: "192.0.2.1".parse().unwrap(),
        port: 20_000,
        session_id: 42,
        session_version: 3,
        codecs,
        direction: Direction::SendRecv,
        telephone_event: true,
    }
}

/// A description around these media lines (separated by newlines).
fn offer(media: &str) -> Vec<u8> {
    let text = format!("v=0\no=- 1 7 IN IP4 192.0.2.9\ns=x\nc=IN IP4 192.0.2.9\nt=0 0\n{media}\n");
    text.replace('\n', "\r\n").into_bytes()
}

fn answered(media: &str) -> (String, Negotiated) {
    answered_with(media, ALL)
}

fn answered_with(media: &str, codecs: &[Codec]) -> (String, Negotiated) {
    let (text, negotiated) = answer(&offer(media), &local(codecs)).unwrap();
    (String::from_utf8(text).unwrap(), negotiated)
}

fn media_lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("m=")).collect()
}

#[test]
fn our_order_decides_among_what_is_offered() {
    let opus = "a=rtpmap:96 opus/48000/2";
    let table: [(&[Codec], String, Codec, u8); 9] = [
        (ALL, "m=audio 4000 RTP/AVP 0 8".to_owned(), Codec::Pcmu, 0),
        (ALL, "m=audio 4000 RTP/AVP 8 0".to_owned(), Codec::Pcmu, 0),
        (&[Codec::Pcma, Codec::Pcmu], "m=audio 4000 RTP/AVP 0 8".to_owned(), Codec::Pcma, 8),
        (ALL, format!("m=audio 4000 RTP/AVP 0 8 96\n{opus}"), Codec::Opus, 96),
        (G711, format!("m=audio 4000 RTP/AVP 96 8\n{opus}"), Codec::Pcma, 8),
        (ALL, "m=audio 4000 RTP/AVP 99\na=rtpmap:99 OPUS/48000".to_owned(), Codec::Opus, 99),
        (ALL, "m=audio 4000 RTP/AVP 97\na=rtpmap:97 pcma/8000/1".to_owned(), Codec::Pcma, 97),
        (ALL, "m=audio 4000 RTP/AVP 0 8\na=rtpmap:0 G726-32/8000".to_owned(), Codec::Pcma, 8),
        (ALL, "m=audio 4000 RTP/AVP 3 9 18 8".to_owned(), Codec::Pcma, 8),
    ];
    for (codecs, media, codec, payload_type) in table {
        let (text, negotiated) = answered_with(&media, codecs);
        assert_eq!((negotiated.codec, negotiated.payload_type), (codec, payload_type), "{media}");
        assert_eq!(media_lines(&text), [format!("m=audio 20000 RTP/AVP {payload_type}")], "{media}");
    }
}

#[test]
fn a_whole_answer() {
    let (text, negotiated) = answered(
        "m=audio 4000 RTP/AVP 96 0 101 102 13\na=rtpmap:96 opus/48000/2\na=fmtp:96 sprop-stereo=1;useinbandfec=1\n\
         a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=rtpmap:102 telephone-event/48000\na=fmtp:102 0-15\n\
         a=ptime:40\na=maxptime:30\na=rtcp:4444\na=rtcp-mux\na=sendrecv",
    );
    let expected = "v=0\no=roomtone 42 3 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n\
                    m=audio 20000 RTP/AVP 96 102\na=rtpmap:96 opus/48000/2\na=rtpmap:102 telephone-event/48000\n\
                    a=fmtp:96 useinbandfec=1;maxaveragebitrate=64000\na=fmtp:102 0-15\na=ptime:20\na=sendrecv\n";
    assert_eq!(text.replace("\r\n", "\n"), expected);
    let expected = Negotiated {
        codec: Codec::Opus,
        payload_type: 96,
        telephone_event: Some(102),
        telephone_event_rate_hz: 48_000,
        comfort_noise: None,
        remote_host: "192.0.2.9".parse().unwrap(),
        remote_port: 4_000,
        remote_rtcp_port: 4_444,
        direction: Direction::SendRecv,
        ptime_ms: 30,
        session_version: 7,
    };
    assert_eq!(negotiated, expected);
}

#[test]
fn telephone_event_and_comfort_noise() {
    let opus = "a=rtpmap:96 opus/48000/2\n";
    let table = [
        ("m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000", Some(101), 8_000, None),
        ("m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 Telephone-Event/8000", Some(101), 8_000, None),
        ("m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/48000", None, 8_000, None),
        ("m=audio 4000 RTP/AVP 0 101", None, 8_000, None),
        ("m=audio 4000 RTP/AVP 0 13", None, 8_000, Some(13)),
        ("m=audio 4000 RTP/AVP 0 98\na=rtpmap:98 cn/8000", None, 8_000, Some(98)),
        ("m=audio 4000 RTP/AVP 96 101 13\n@a=rtpmap:101 telephone-event/8000", Some(101), 8_000, None),
        ("m=audio 4000 RTP/AVP 96 13\n@", None, 48_000, None),
    ];
    for (media, event, rate_hz, noise) in table {
        let (text, negotiated) = answered(&media.replace('@', opus));
        assert_eq!(negotiated.telephone_event, event, "{media}");
        assert_eq!(negotiated.telephone_event_rate_hz, rate_hz, "{media}");
        assert_eq!(negotiated.comfort_noise, noise, "{media}");
        let numbers: Vec<String> = [Some(negotiated.payload_type), event, noise]
            .into_iter()
            .flatten()
            .map(|number| number.to_string())
            .collect();
        assert_eq!(media_lines(&text), [format!("m=audio 20000 RTP/AVP {}", numbers.join(" "))]);
    }
}

#[test]
fn hold_in_every_spelling() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let zero = "c=IN IP4 0.0.0.0\n";
    let table = [
        ("", "", SendRecv, SendRecv),
        ("", "a=sendonly", SendRecv, RecvOnly),
        ("", "a=recvonly", SendRecv, SendOnly),
        ("", "a=inactive", SendRecv, Inactive),
        ("", zero, SendRecv, RecvOnly),
        ("", "c=IN IP4 0.0.0.0\na=inactive", SendRecv, Inactive),
        ("", "c=IN IP4 0.0.0.0\na=recvonly", SendRecv, Inactive),
        ("", "c=IN IP6 ::", SendRecv, RecvOnly),
        ("a=sendonly\n", "", SendRecv, RecvOnly),
        ("a=sendonly\n", "a=sendrecv", SendRecv, SendRecv),
        ("a=inactive\n", "a=recvonly", SendRecv, SendOnly),
        ("", "a=sendrecv", SendOnly, SendOnly),
        ("", "a=sendonly", SendOnly, Inactive),
        ("", "a=recvonly", RecvOnly, Inactive),
        ("", "a=sendrecv", Inactive, Inactive),
    ];
    for (session, media, ours, expected) in table {
        let offer = offer(&format!("{session}m=audio 4000 RTP/AVP 0\n{media}"));
        let (text, negotiated) = answer(&offer, &Local { direction: ours, ..local(ALL) }).unwrap();
        assert_eq!(negotiated.direction, expected, "{session:?} {media:?} {ours:?}");
        let attribute = format!("a={}\r\n", expected.name());
        assert!(String::from_utf8(text).unwrap().ends_with(&attribute), "{media:?}");
    }
}

#[test]
fn addresses() {
    let table = [
        ("", "192.0.2.9"),
        ("c=IN IP4 198.51.100.1", "198.51.100.1"),
        ("c=IN IP4 198.51.100.1/127", "198.51.100.1"),
        ("c=IN IP6 2001:db8::5", "2001:db8::5"),
    ];
    for (line, host) in table {
        let (_, negotiated) = answered(&format!("m=audio 4000 RTP/AVP 0\n{line}"));
        assert_eq!(negotiated.remote_host.to_string(), host);
        assert_eq!((negotiated.remote_port, negotiated.remote_rtcp_port), (4_000, 4_001));
    }
    let here = Local { host: "2001:db8::1".parse().unwrap(), ..local(ALL) };
    let (text, _) = answer(&offer("m=audio 4000 RTP/AVP 0"), &here).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("c=IN IP6 2001:db8::1\r\n") && text.contains(" IN IP6 2001:db8::1\r\ns="),
        "{text}"
    );
    let (_, negotiated) = answered("m=audio 65535 RTP/AVP 0");
    assert_eq!(negotiated.remote_rtcp_port, 65_535);
}

#[test]
fn what_we_do_not_take_is_refused_in_its_place() {
    let (text, negotiated) = answered(
        "m=video 5000 RTP/AVP 31 34\na=rtpmap:31 H261/90000\nm=audio 4000 RTP/SAVP 0\nm=audio 0 RTP/AVP 0\n\
         m=audio 4002 RTP/AVP 18\nm=audio 4004 RTP/AVP 8\na=sendonly\nm=audio 4006 RTP/AVP 0\n\
         m=image 4008 udptl t38\nm=application 9 UDP/BFCP *",
    );
    let expected = [
        "m=video 0 RTP/AVP 31 34",
        "m=audio 0 RTP/SAVP 0",
        "m=audio 0 RTP/AVP 0",
        "m=audio 0 RTP/AVP 18",
        "m=audio 20000 RTP/AVP 8",
        "m=audio 0 RTP/AVP 0",
        "m=image 0 udptl t38",
        "m=application 0 UDP/BFCP *",
    ];
    assert_eq!(media_lines(&text), expected);
    assert_eq!((negotiated.codec, negotiated.remote_port), (Codec::Pcma, 4_004));
    assert_eq!(negotiated.direction, Direction::RecvOnly);
    let (text, _) = answered("m=audio 4000 RTP/AVPF 0");
    assert_eq!(media_lines(&text), ["m=audio 20000 RTP/AVPF 0"]);
}

#[test]
fn offers_that_cannot_be_answered() {
    let whole = |text: &str| text.replace('\n', "\r\n").into_bytes();
    let table = [
        (offer(""), 488),
        (offer("m=video 5000 RTP/AVP 31"), 488),
        (offer("m=image 5000 udptl t38"), 488),
        (offer("m=audio 4000 RTP/AVP 18"), 488),
        (offer("m=audio 4000 RTP/SAVP 0"), 488),
        (offer("m=audio 4000 UDP/TLS/RTP/SAVPF 0"), 488),
        (offer("m=audio 0 RTP/AVP 0"), 488),
        (offer("m=audio 4000 RTP/AVP 0\nc=IN IP4 phone.example.com"), 488),
        (offer("m=audio 4000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127"), 488),
        (offer("m=audio 4000 RTP/AVP 0\nc=IN IP4 255.255.255.255"), 488),
        (whole("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\n"), 400),
        (offer("m=audio"), 400),
        (offer("m=audio 4000 RTP/AVP"), 400),
        (offer("m=audio x RTP/AVP 0"), 400),
        (offer("m=audio 70000 RTP/AVP 0"), 400),
        (offer("m=audio 4000 RTP/AVP 0\nc=IN"), 400),
        (offer("m=audio 4000 RTP/AVP 0\na=rtcp:x"), 400),
        (offer("m=audio 4000 RTP/AVP 0\nnonsense"), 400),
        (offer(&"m=audio 4000 RTP/AVP 0\n".repeat(33)), 400),
        (offer(&format!("m=audio 4000 RTP/AVP 0\n{}", "a=x\n".repeat(1_100))), 400),
        (offer(&format!("m=audio 4000 RTP/AVP{}", " 0".repeat(65))), 400),
        (offer(&format!("m=audio 4000 RTP/AVP 0\na={}", "x".repeat(40_000))), 400),
        (whole("o=- 1 1 IN IP4 1.2.3.4\nv=0\n"), 400),
        (whole("v=1\n"), 400),
        (whole("v=0\ns=-\n"), 400),
        (whole("v=0\no=- x 1 IN IP4 1.2.3.4\n"), 400),
        (Vec::new(), 400),
    ];
    for (offer, status) in table {
        let error = answer(&offer, &local(ALL)).unwrap_err();
        assert_eq!(error.status, status, "{error}: {}", String::from_utf8_lossy(&offer));
    }
}

#[test]
fn sloppy_offers_that_can() {
    let lf = String::from_utf8(offer("m=audio 4000 RTP/AVP 0")).unwrap().replace('\r', "");
    assert!(answer(lf.as_bytes(), &local(ALL)).is_ok());
    let bare = "v=0\r\no=- 99999999999999999999 1 IN IP4 h\r\nc=IN IP4 192.0.2.9\r\nm=audio 4000/2 RTP/AVP 0 200 x\r\n";
    let (_, negotiated) = answer(bare.as_bytes(), &local(ALL)).unwrap();
    assert_eq!(negotiated.ptime_ms, 20);
    let latin = [b"v=0\r\no=J\xf6rg 1 1 IN IP4 h\r\n", &offer("m=audio 4000 RTP/AVP 0")[31..]].concat();
    assert!(answer(&latin, &local(ALL)).is_ok());
    for (line, expected) in
        [("a=ptime:20.0", 20), ("a=ptime:0", 20), ("a=ptime:200", 60), ("a=ptime:x", 20), ("a=ptime:5", 10)]
    {
        let (_, negotiated) = answered(&format!("m=audio 4000 RTP/AVP 0\n{line}"));
        assert_eq!(negotiated.ptime_ms, expected, "{line}");
    }
}

#[test]
fn times_are_those_of_the_offer() {
    let with =
        |times: &str| String::from_utf8(offer("m=audio 4000 RTP/AVP 0")).unwrap().replace("t=0 0", times);
    for (times, expected) in
        [("t=2873397496 2873404696", "t=2873397496 2873404696"), ("t=x", "t=0 0"), ("s=y", "t=0 0")]
    {
        let (text, _) = answer(with(times).as_bytes(), &local(ALL)).unwrap();
        assert!(String::from_utf8(text).unwrap().contains(&format!("\r\n{expected}\r\n")), "{times}");
    }
}

#[test]
fn our_offer() {
    let text =
        String::from_utf8(make_offer(&Local { direction: Direction::SendOnly, ..local(ALL) })).unwrap();
    let expected = "v=0\no=roomtone 42 3 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n\
                    m=audio 20000 RTP/AVP 111 0 8 110 101 13\na=rtpmap:111 opus/48000/2\na=rtpmap:0 PCMU/8000\n\
                    a=rtpmap:8 PCMA/8000\na=rtpmap:110 telephone-event/48000\na=rtpmap:101 telephone-event/8000\n\
                    a=rtpmap:13 CN/8000\na=fmtp:111 useinbandfec=1;maxaveragebitrate=64000\n\
                    a=fmtp:110 0-16\na=fmtp:101 0-16\na=ptime:20\n\
                    a=sendonly\n";
    assert_eq!(text.replace("\r\n", "\n"), expected);
    let text = String::from_utf8(make_offer(&local(&[Codec::Opus]))).unwrap();
    assert_eq!(media_lines(&text), ["m=audio 20000 RTP/AVP 111 110"]);
}

#[test]
fn an_answer_to_our_offer_settles_it() {
    use Direction::{Inactive, RecvOnly, SendRecv};
    let ours = make_offer(&local(ALL));
    let table = [
        (
            "m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000",
            Codec::Pcmu,
            0,
            Some(101),
            SendRecv,
        ),
        ("m=audio 4000 RTP/AVP 8 0", Codec::Pcma, 8, None, SendRecv),
        (
            "m=audio 4000 RTP/AVP 111 110\na=rtpmap:111 opus/48000/2\na=rtpmap:110 telephone-event/48000",
            Codec::Opus,
            111,
            Some(110),
            SendRecv,
        ),
        ("m=audio 4000 RTP/AVP 0\na=sendonly", Codec::Pcmu, 0, None, RecvOnly),
        ("m=audio 4000 RTP/AVP 0\na=inactive", Codec::Pcmu, 0, None, Inactive),
    ];
    for (media, codec, payload_type, event, direction) in table {
        let negotiated = accept(&ours, &offer(media)).unwrap();
        assert_eq!((negotiated.codec, negotiated.payload_type), (codec, payload_type), "{media}");
        assert_eq!((negotiated.telephone_event, negotiated.direction), (event, direction), "{media}");
    }
    let held = make_offer(&Local { direction: Direction::SendOnly, ..local(ALL) });
    let negotiated = accept(&held, &offer("m=audio 4000 RTP/AVP 0\na=recvonly")).unwrap();
    assert_eq!(negotiated.direction, Direction::SendOnly);
}

#[test]
fn answers_that_are_none() {
    let ours = make_offer(&local(G711));
    let table = [
        ("m=audio 0 RTP/AVP 0", 488),
        ("m=audio 4000 RTP/AVP 18", 488),
        ("m=audio 4000 RTP/AVP 111\na=rtpmap:111 opus/48000/2", 488),
        ("m=video 4000 RTP/AVP 0", 400),
        ("m=audio 4000 RTP/SAVP 0", 400),
        ("m=audio 4000 RTP/AVP 0\nm=video 0 RTP/AVP 31", 400),
        ("", 400),
    ];
    for (media, status) in table {
        assert_eq!(accept(&ours, &offer(media)).unwrap_err().status, status, "{media}");
    }
    assert_eq!(accept(&ours, b"v=0").unwrap_err().status, 400);
}

#[test]
fn offer_and_answer_of_two_of_us_agree_again_and_again() {
    let there = Local { host: "192.0.2.77".parse().unwrap(), port: 30_000, ..local(ALL) };
    for codecs in [ALL, G711, &[Codec::Pcma]] {
        for direction in [Direction::SendRecv, Direction::SendOnly, Direction::Inactive] {
            let offer = make_offer(&Local { direction, ..local(codecs) });
            let (answer, theirs) = answer(&offer, &there).unwrap();
            let ours = accept(&offer, &answer).unwrap();
            assert_eq!((ours.codec, ours.payload_type), (theirs.codec, theirs.payload_type));
            assert_eq!(ours.telephone_event, theirs.telephone_event);
            assert_eq!(ours.direction.sends(), theirs.direction.receives());
            assert_eq!(ours.direction.receives(), theirs.direction.sends());
            assert_eq!((ours.remote_port, theirs.remote_port), (30_000, 20_000));
        }
    }
}

#[test]
fn written_is_read_again() {
    let (text, _) =
        answered("m=audio 4000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\nm=video 0 RTP/AVP 31");
    let session = parse(text.as_bytes()).unwrap();
    assert_eq!(String::from_utf8(roomtone_sip::sdp::write(&session)).unwrap(), text);
}

#[test]
fn without_telephone_event_none_is_offered_and_none_answered() {
    let deaf = Local { telephone_event: false, ..local(ALL) };
    let offer = make_offer(&deaf);
    assert!(!String::from_utf8_lossy(&offer).contains("telephone-event"));
    let (_, negotiated) = answer(&offer, &local(ALL)).unwrap();
    assert_eq!(negotiated.telephone_event, None);
    let (text, negotiated) = answer(&make_offer(&local(ALL)), &deaf).unwrap();
    assert!(!String::from_utf8_lossy(&text).contains("telephone-event"));
    assert_eq!((negotiated.telephone_event, negotiated.telephone_event_rate_hz), (None, 48_000));
}
