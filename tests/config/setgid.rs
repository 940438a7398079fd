//! What the installed, set-gid postqueue lets an unprivileged user choose:
//! asked in a mount namespace of its own, with another /etc/postfix.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use spoolbox::config::locate;
use spoolbox::sys::process::Trust;

use crate::real::Instance;
use crate::{last_words, load};

/// Texts of the default main.cf; `@` stands for the other directory.
const DEFAULTS: [&str; 14] = [
    "",
    "alternate_config_directories = @",
    "alternate_config_directories = @/",
    "multi_instance_directories = /x,@ /y",
    "alternate_config_directories = /x\n   @\n",
    "alternate_config_directories = @\nalternate_config_directories = /x\n",
    "x = @\nalternate_config_directories = $x",
    "bad line\n= x\nalternate_config_directories = { @ }",
    " lead\nmulti_instance_directories\n = @\n",
    "alternate_config_directories : @",
    "Alternate_config_directories = @",
    "alternate_config_directories = {@}",
    "#alternate_config_directories = @",
    "mail_name = x\nalternate_config_directories = /x\nmulti_instance_directories = @",
];

/// Mounts the directory $1 and asks for the directory $2 as nobody.
const SCRIPT: &str = r#"
mount --make-rprivate / && mount --bind "$1" /etc/postfix || exit 1
exec setpriv --reuid=nobody --regid=nogroup --clear-groups /usr/sbin/postqueue -c "$2" -p
"#;

/// Compares one default main.cf; `Ok(false)` if there can be no namespace.
pub fn compare(case: usize) -> Result<bool, String> {
    let Some(text) = DEFAULTS.get(case) else {
        return Ok(true);
    };
    let other = Instance::new(b"queue_directory = /nonexistent");
    let directory = other.directory().display().to_string();
    let default = Instance::new(text.replace('@', &directory).as_bytes());
    for instance in [&other, &default] {
        instance.make_public();
    }
    let (ours, name) = (ours(&default, other.directory()), default.directory());
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", SCRIPT, "sh"])
        .args([name, other.directory()])
        .env_remove("MAIL_CONFIG")
        .output();
    let Some(output) = output
        .ok()
        .filter(|output| output.status.code() == Some(69))
    else {
        return Ok(false);
    };
    let theirs = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<_> = ours
        .iter()
        .map(|line| format!("postqueue: {line}\n"))
        .collect();
    let ours = ours
        .concat()
        .replace(&name.display().to_string(), "/etc/postfix");
    if ours != theirs {
        return Err(format!(
            "{}theirs:\n{theirs}\nours:\n{ours}",
            default.text()
        ));
    }
    Ok(true)
}

fn ours(default: &Instance, directory: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    let option = Some(OsStr::new(directory));
    let found = locate::locate(
        option,
        None,
        Trust::BorrowedRights,
        || default.directory().to_owned(),
        &mut warnings,
    );
    let result = found.and_then(|directory| load(&directory, &mut warnings));
    let mut lines: Vec<_> = warnings
        .iter()
        .map(|words| format!("warning: {words}"))
        .collect();
    match result {
        Err(error) => lines.extend(last_words(&error)),
        Ok(_) => lines.push("fatal: chdir /nonexistent: No such file or directory".to_owned()),
    }
    lines
}

/// How many there are to compare.
pub fn count() -> usize {
    DEFAULTS.len()
}
