//! Gives up rights permanently, and verifies that they are gone, for programs
//! that are installed set-gid or called by root.

use nix::errno::Errno;
use nix::unistd::{
    Gid, Uid, getegid, getgid, getgroups, getresgid, getresuid, getuid, setgid, setgroups,
    setresgid, setresuid, setuid,
};
use thiserror::Error;

/// The reason why rights could not be given up. The program must stop.
#[derive(Debug, Error)]
pub enum RightsError {
    /// A system call failed.
    #[error("{call}({id}): {}", .cause.desc())]
    Call {
        /// The name of the system call.
        call: &'static str,
        /// The requested group or user ID.
        id: u32,
        /// The system error.
        cause: Errno,
    },
    /// Every call succeeded, but the process has not permanently become this
    /// user in this group.
    #[error("the process has not become user {user} in group {group}")]
    Kept {
        /// The requested user.
        user: Uid,
        /// The requested group.
        group: Gid,
    },
}

/// Becomes `user` in `group`, and leaves all other groups, for the rest of the
/// process.
///
/// The order matters: after setuid(2) the process can no longer change its
/// groups.
///
/// # Errors
///
/// A system call fails, or the old rights could be regained. The process must
/// end then.
pub fn irrevocably_become(user: Uid, group: Gid) -> Result<(), RightsError> {
    if !user.is_root() && is_user(user) && prove(user, group).is_ok() {
        // It was called before: a program that reads the queue again and again.
        return Ok(());
    }
    let failed = |call, id| move |cause| RightsError::Call { call, id, cause };
    setgid(group).map_err(failed("setgid", group.as_raw()))?;
    setgroups(&[group]).map_err(failed("setgroups", group.as_raw()))?;
    setuid(user).map_err(failed("setuid", user.as_raw()))?;
    prove(user, group)
}

/// Permanently gives up the group that the process got from a set-gid file.
///
/// # Errors
///
/// Those of [`irrevocably_become`].
pub fn irrevocably_drop_borrowed_group() -> Result<(), RightsError> {
    let own = getgid();
    set_groups(own, own, own)?;
    if is_group(own) {
        Ok(())
    } else {
        Err(kept(getuid(), own))
    }
}

/// A group that the process got from a set-gid file. It has no effect until it
/// is resumed.
#[derive(Debug)]
#[must_use]
pub struct SuspendedGroup {
    own: Gid,
    lent: Gid,
}

/// Suspends the group that the process got from a set-gid file, so that files
/// that the caller names are opened with the caller's rights.
///
/// # Errors
///
/// The system call fails; nothing has changed then.
pub fn suspend_borrowed_group() -> Result<SuspendedGroup, RightsError> {
    let (own, lent) = (getgid(), getegid());
    set_groups(own, own, lent)?;
    Ok(SuspendedGroup { own, lent })
}

impl SuspendedGroup {
    /// Makes the group effective again.
    ///
    /// # Errors
    ///
    /// The system call fails; the group stays suspended then.
    pub fn resume(self) -> Result<(), RightsError> {
        set_groups(self.own, self.lent, self.lent)
    }
}

fn set_groups(real: Gid, effective: Gid, saved: Gid) -> Result<(), RightsError> {
    setresgid(real, effective, saved).map_err(|cause| RightsError::Call {
        call: "setresgid",
        id: effective.as_raw(),
        cause,
    })
}

/// Permanently gives up the user that the process got from a set-uid file: none
/// of these programs may be installed set-uid.
///
/// # Errors
///
/// Those of [`irrevocably_become`].
pub fn irrevocably_drop_borrowed_user() -> Result<(), RightsError> {
    let own = getuid();
    setresuid(own, own, own).map_err(|cause| RightsError::Call {
        call: "setresuid",
        id: own.as_raw(),
        cause,
    })?;
    if is_user(own) {
        Ok(())
    } else {
        Err(kept(own, getgid()))
    }
}

/// Verifies that every ID is the new one and that the old user cannot be
/// regained.
fn prove(user: Uid, group: Gid) -> Result<(), RightsError> {
    let groups = getgroups().is_ok_and(|all| all.iter().all(|g| *g == group));
    let root_is_gone = user.is_root() || setuid(Uid::from_raw(0)).is_err();
    if is_user(user) && is_group(group) && groups && root_is_gone {
        Ok(())
    } else {
        Err(kept(user, group))
    }
}

/// Returns whether the real, effective and saved user IDs are all this one.
fn is_user(user: Uid) -> bool {
    getresuid().is_ok_and(|ids| [ids.real, ids.effective, ids.saved] == [user; 3])
}

/// Returns whether the real, effective and saved group IDs are all this one.
fn is_group(group: Gid) -> bool {
    getresgid().is_ok_and(|ids| [ids.real, ids.effective, ids.saved] == [group; 3])
}

fn kept(user: Uid, group: Gid) -> RightsError {
    RightsError::Kept { user, group }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_requested_user_and_group() {
        let error = kept(Uid::from_raw(104), Gid::from_raw(105));
        let text = "the process has not become user 104 in group 105";
        assert_eq!(error.to_string(), text);
    }
}
