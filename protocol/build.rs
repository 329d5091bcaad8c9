//! Generates the wire types from `proto/`, without `protoc`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let files = protox::compile(["sumac/v1/node_service.proto"], [&protos])?;
    // No transport: the rooms that open connections hand in their own, already authenticated.
    tonic_prost_build::configure().build_transport(false).compile_fds(files)?;
    Ok(())
}
