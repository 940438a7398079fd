//! demo
use super::{Call, Fatal};
pub fn run(_: &Call) -> Result<(), Fatal> {
    Ok(())
}
