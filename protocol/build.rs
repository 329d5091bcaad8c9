//! Generates the wire types from `proto/`, without `protoc`.

use std::env;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Asked when it runs, not when it is built: clones may share one target directory.
    let package = env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo names the package's folder")?;
    let protos = PathBuf::from(package).join("proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let files = protox::compile(["sumac/v1/node_service.proto", "sumac/v1/log.proto"], [&protos])?;
    // No transport: the rooms that open connections hand in their own, already authenticated.
    tonic_prost_build::configure().build_transport(false).compile_fds(files)?;
    Ok(())
}
