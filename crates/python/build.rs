//! Writes the fingerprint of the border into the module: a hash of the page that describes it, so that Python notices a module that was built from another.

use std::path::Path;
use std::{env, fs};

use sha2::{Digest, Sha256};

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo"); // as it runs: a checkout may have been moved since this was built
    let page = Path::new(&here).join("../../src/roomtone/_native.pyi");
    println!("cargo::rerun-if-changed={}", page.display());
    let text = fs::read(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let fingerprint: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    println!("cargo::rustc-env=ROOMTONE_BORDER={fingerprint}");
}
