//! Telephones for the benches, and the bare echo that the server is compared with.
//!
//! `roomtone-load run PLAN.json` sets up the calls of a plan, speaks and listens for its time, hangs up, prints one JSON object and leaves what it heard in
//! the plan's capture file. `roomtone-load echo BASE_PORT LEGS` sends back what comes, a socket a leg, until standard input closes.
//! It shares no code with the server: its G.711, RTP, SIP and SDP are its own. Only libopus is the same library on both sides.

mod calls;
mod capture;
mod echo;
mod g711;
mod leg;
mod measure;
mod os;
mod plan;
mod random;
mod rtp;
mod run;
mod signal;
mod sip;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["run", path] => run::run(path),
        ["echo", base_port, legs] => echo::serve(base_port, legs),
        _ => Err("usage: roomtone-load run PLAN.json | roomtone-load echo BASE_PORT LEGS".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("roomtone-load: {fault}");
            ExitCode::FAILURE
        }
    }
}
