//! Gives up rights for good, and checks that they are gone: for programs that
//! are installed set-gid, or called by root.

use nix::errno::Errno;
use nix::unistd::{
    Gid, Uid, getegid, getgid, getgroups, getresgid, getresuid, getuid, setgid, setgroups,
    setresgid, setresuid, setuid,
};
use thiserror::Error;

/// Why rights could not be given up. The program must stop.
#[derive(Debug, Error)]
pub enum RightsError {
    /// A system call failed.
    #[error("{call}({id}): {}", .cause.desc())]
    Call {
        /// setgid, setgroups or setuid.
        call: &'static str,
        /// The group or user asked for.
        id: u32,
        /// What the kernel said.
        cause: Errno,
    },
    /// Every call succeeded, and still the process is not, or not for good,
    /// this user in this group.
    #[error("the process has not become user {user} in group {group}")]
    Kept {
        /// The user asked for.
        user: Uid,
        /// The group asked for.
        group: Gid,
    },
}

/// Becomes `user` in `group` and no other group, for the rest of the process.
///
/// The order matters: after setuid the process may no longer change groups.
pub fn irrevocably_become(user: Uid, group: Gid) -> Result<(), RightsError> {
    let failed = |call, id| move |cause| RightsError::Call { call, id, cause };
    setgid(group).map_err(failed("setgid", group.as_raw()))?;
    setgroups(&[group]).map_err(failed("setgroups", group.as_raw()))?;
    setuid(user).map_err(failed("setuid", user.as_raw()))?;
    prove(user, group)
}

/// Gives up the group that a set-gid file lent to the process.
pub fn irrevocably_drop_borrowed_group() -> Result<(), RightsError> {
    let own = getgid();
    set_groups(own, own, own)?;
    if is_group(own) {
        Ok(())
    } else {
        Err(kept(getuid(), own))
    }
}

/// A group that a set-gid file lent to the process, and that has no effect
/// until it is resumed.
#[derive(Debug)]
#[must_use]
pub struct SuspendedGroup {
    own: Gid,
    lent: Gid,
}

/// Suspends the group that a set-gid file lent to the process, so that what
/// the caller names is opened with the caller's rights.
///
/// # Errors
///
/// The system call's; nothing has changed then.
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
    /// The system call's; the group stays suspended then.
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

/// Gives up the user that a set-uid file lent to the process: nothing here is
/// made to be installed like that.
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

/// Fails unless every ID is the new one and the old user cannot come back.
fn prove(user: Uid, group: Gid) -> Result<(), RightsError> {
    let groups = getgroups().is_ok_and(|all| all.iter().all(|g| *g == group));
    let root_is_gone = user.is_root() || setuid(Uid::from_raw(0)).is_err();
    if is_user(user) && is_group(group) && groups && root_is_gone {
        Ok(())
    } else {
        Err(kept(user, group))
    }
}

/// Whether the real, effective and saved user are this one.
fn is_user(user: Uid) -> bool {
    getresuid().is_ok_and(|ids| [ids.real, ids.effective, ids.saved] == [user; 3])
}

/// Whether the real, effective and saved group are this one.
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
    fn an_error_names_the_user_and_group_that_were_asked_for() {
        let error = kept(Uid::from_raw(104), Gid::from_raw(105));
        let text = "the process has not become user 104 in group 105";
        assert_eq!(error.to_string(), text);
    }
}
