//! How the C library allocates memory.

/// Has all threads allocate from one pool of memory. Each thread has one of its own
/// otherwise, and what is free in one cannot be used by the others: a program that
/// reads a large queue with many threads, again and again, takes more memory then.
///
/// Does nothing with other C libraries than glibc.
pub fn share_one_arena() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt(3) sets a number in the allocator and takes no pointers. If it
    // fails, it returns 0 and changes nothing.
    unsafe {
        nix::libc::mallopt(nix::libc::M_ARENA_MAX, 1);
    }
}
