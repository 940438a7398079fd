//! The context that the threads of browse share: the instance, the access to its
//! queue, and the rights of the caller.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::borrowed::Connections;
use super::super::fatal::unavailable;
use super::super::listing;
use super::super::listing::{ListingRequest, ListingSource, ProgressMode, Session};
use super::super::{Call, Fatal, instance};
use super::filter::ListFilter;
use super::row_sink::{FROM_DAEMON, FROM_SPOOL};
use crate::config::Config;
use crate::listing::{Clock, Ending, Sink, SortSpec, Style, Template, Terminator, TimeStyle};
use crate::logging::Logger;
use crate::queue_file::mime::TextForm;
use crate::spool::{Queue, QueueId};
use crate::sys::dir::Dir;
use crate::sys::signals::Interrupts;
use crate::sys::time;

/// The number of bytes read at a time from another program.
const PIECE: usize = 64 * 1024;

/// The source of the messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The spool, with the mail owner's rights. Messages can be changed.
    Spool,
    /// The showq daemon.
    Daemon,
    /// The installed postqueue, which may reach the daemon where the caller may
    /// not.
    Program(PathBuf),
}

/// The rights of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpoolAccess {
    /// Messages can be read and changed.
    Full,
    /// Envelopes can be read.
    ReadOnly,
}

/// The instance that the command line chooses, or that was chosen from the list
/// of instances.
#[derive(Clone, Debug, Default)]
pub struct ChosenInstance {
    /// The directory of main.cf; `None` if no option chooses an instance.
    pub directory: Option<OsString>,
    /// Its name, if it was chosen by its name or from the list.
    pub name: Option<String>,
}

/// The context that the threads share.
#[derive(Clone, Copy, Debug)]
pub struct BrowseContext<'a> {
    /// How the applet was called.
    pub call: &'a Call,
    /// The instance's configuration.
    pub config: &'a Config,
    /// The queue directory.
    pub spool: &'a Dir,
    /// The signals that end the program.
    pub interrupts: &'a Interrupts,
    /// The source of the messages.
    pub route: &'a Route,
    /// The directory of main.cf, if the command line names it.
    pub directory: Option<&'a OsStr>,
}

impl BrowseContext<'_> {
    /// The rights of the caller.
    pub fn access(&self) -> SpoolAccess {
        match self.route {
            Route::Spool => SpoolAccess::Full,
            Route::Daemon | Route::Program(_) => SpoolAccess::ReadOnly,
        }
    }

    /// The columns of the list from this source.
    pub fn columns(&self) -> &'static str {
        match self.route {
            Route::Spool => FROM_SPOOL,
            Route::Daemon | Route::Program(_) => FROM_DAEMON,
        }
    }

    /// The filter, with the parameters of the instance that its selection needs.
    pub fn prepared(&self, filter: &ListFilter) -> ListFilter {
        let mut filter = filter.clone();
        let mut warnings = Vec::new();
        // If main.cf cannot be used, the listing reports that.
        let _ = instance::set_lifetimes(filter.selection.as_mut(), self.config, &mut warnings);
        filter
    }

    /// Lists the messages that match into `sink`, one line for each, with these
    /// columns. Of a list of names, only these are read.
    ///
    /// # Errors
    ///
    /// The queue cannot be read; `logger` keeps the reason.
    pub fn lines(
        &self,
        format: &str,
        wanted: Wanted<'_>,
        logger: &mut Logger,
        sink: &mut impl Sink,
    ) -> Result<(), Fatal> {
        let clock = Clock {
            style: TimeStyle::Epoch,
            now: time::now(),
        };
        let format = format!("{format}\\n");
        if let Route::Program(program) = self.route {
            let time_style = OsString::from("--time-style=epoch");
            let format = OsString::from(format!("--format={format}"));
            return self.run(program, &[time_style, format], wanted.filter, logger, sink);
        }
        let template = Template::format(&format, Terminator::Nothing, clock);
        let template = template.map_err(|problem| unavailable(logger, problem))?;
        self.list(Style::Lines(&template), wanted, logger, sink)
    }

    /// Lists the messages that match into `sink`, in a style.
    ///
    /// # Errors
    ///
    /// The queue cannot be read; `logger` keeps the reason.
    pub fn list(
        &self,
        style: Style<'_>,
        wanted: Wanted<'_>,
        logger: &mut Logger,
        sink: &mut impl Sink,
    ) -> Result<(), Fatal> {
        if let Route::Program(program) = self.route {
            return self.run(program, &["-j".into()], wanted.filter, logger, sink);
        }
        let request = self.request(style, wanted.filter);
        match (wanted.names, self.route) {
            (Some(names), Route::Spool) => {
                listing::named(self.session(logger), &request, names, sink)
            }
            _ => listing::into_sink(self.session(logger), &request, sink),
        }
    }

    /// The request for a listing.
    pub fn request<'a>(&self, style: Style<'a>, filter: &'a ListFilter) -> ListingRequest<'a> {
        const UNSORTED: Option<&SortSpec> = None;
        ListingRequest {
            style,
            selection: filter.selection.as_ref(),
            sort_spec: UNSORTED,
            source: match self.route {
                Route::Spool => ListingSource::Spool,
                Route::Daemon | Route::Program(_) => ListingSource::Showq,
            },
            progress: ProgressMode::Nothing,
            text_form: TextForm::Decoded,
        }
    }

    /// The session of a listing.
    pub fn session<'b>(&'b self, logger: &'b mut Logger) -> Session<'b> {
        Session {
            call: self.call,
            config: self.config,
            spool: self.spool,
            logger,
            connections: Connections::MoreToCome,
        }
    }

    /// Reads the output of the installed postqueue.
    fn run(
        &self,
        program: &Path,
        arguments: &[OsString],
        filter: &ListFilter,
        logger: &mut Logger,
        sink: &mut impl Sink,
    ) -> Result<(), Fatal> {
        let mut command = Command::new(program);
        command.arg("-c").arg(&self.config.config_directory);
        command.args(arguments).args(&filter.words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let started = command.spawn();
        let mut child = started
            .map_err(|error| unavailable(logger, format!("{}: {error}", program.display())))?;
        let mut piece = vec![0; PIECE];
        while let Some(output) = &mut child.stdout {
            let length = output.read(&mut piece).unwrap_or(0);
            let part = piece.get(..length).unwrap_or_default();
            if part.is_empty() || !matches!(sink.piece(part), Ok(Ending::Complete)) {
                // It ends with its output.
                child.stdout = None;
            }
        }
        match child.wait() {
            Ok(status) if status.success() || status.code().is_none() => Ok(()),
            _ => {
                let text = format!(
                    "{} cannot list the queue: see what it prints with -p",
                    program.display()
                );
                Err(unavailable(logger, text))
            }
        }
    }
}

/// The messages that are listed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Those that match. With names, only these are looked at.
    pub filter: &'a ListFilter,
    /// The queues and IDs of these messages.
    pub names: Option<&'a [(Queue, QueueId)]>,
}

impl<'a> Wanted<'a> {
    /// All messages that match.
    pub fn matching(filter: &'a ListFilter) -> Self {
        Self {
            filter,
            names: None,
        }
    }
}
