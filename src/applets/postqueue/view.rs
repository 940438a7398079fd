//! Listings: the output format of each option, and the request that is made of
//! it.

use super::super::Fatal;
use super::super::authorization;
use super::super::fatal::unavailable;
use super::super::instance;
use super::super::instances::name_of;
use super::super::listing;
use super::super::listing::{ListingRequest, Session};
use super::super::output;
use super::super::output::Target;
use super::arguments::PostqueueArguments;
use super::mode::{OutputScope, View};
use crate::config::Config;
use crate::listing::{
    Clock, Columns, DetailRules, Members, Style, Template, Terminator, TimeStyle,
};
use crate::logging::Logger;
use crate::sys::time;

/// Lists the queue.
pub(super) fn list(
    session: Session<'_>,
    view: &View,
    arguments: &PostqueueArguments,
    target: Target<'_>,
) -> Result<(), Fatal> {
    let clock = clock(arguments);
    let terminator = terminator(arguments);
    let (details, template);
    let style = match view {
        View::Text => {
            let columns = Columns::of(session.config);
            Style::Text(columns, arguments.time_style.map(|_| clock))
        }
        View::Json => Style::Json(Members {
            instance: arguments.instance.as_deref(),
            ..Members::default()
        }),
        View::DetailedJson => {
            details = detail_rules(session.config, session.logger)?;
            Style::Json(Members {
                details: Some(&details),
                instance: arguments.instance.as_deref(),
            })
        }
        View::Oneline => {
            template = Template::oneline(terminator, clock);
            Style::Lines(&template)
        }
        View::Ids => {
            template = Template::ids(terminator, clock);
            Style::Lines(&template)
        }
        View::Csv => {
            template = csv(arguments, clock, session.config);
            Style::Lines(&template)
        }
        View::Format(format) => {
            template = template_of(format, clock, arguments, session.logger)?
                .of_instance(&name_of(session.config));
            Style::Lines(&template)
        }
    };
    listing::run(session, &request(arguments, style), target)
}

/// Returns the end of a line: `--null` replaces the newline.
fn terminator(arguments: &PostqueueArguments) -> Terminator {
    if arguments.ends_with_nul {
        Terminator::Nul
    } else {
        Terminator::Newline
    }
}

/// Prints the heading of `--csv --all-instances`, which is the same for all.
pub(super) fn print_csv_heading(logger: &mut Logger) -> Result<(), Fatal> {
    let clock = Clock {
        style: TimeStyle::Iso,
        now: time::now(),
    };
    let template = Template::csv(clock).with_instance_column("");
    output::print(logger, template.heading())
}

/// Returns the template of `--csv`: with a column for the instance if an option
/// chose it, and without the heading if that is printed already.
fn csv(arguments: &PostqueueArguments, clock: Clock, config: &Config) -> Template {
    let template = Template::csv(clock);
    match (&arguments.instance, arguments.scope) {
        (None, _) => template,
        (Some(_), OutputScope::Single) => template.with_instance_column(&name_of(config)),
        (Some(_), OutputScope::OneOfSeveral) => template
            .with_instance_column(&name_of(config))
            .without_heading(),
    }
}

/// Returns the request for a listing in this format.
pub(super) fn request<'a>(
    arguments: &'a PostqueueArguments,
    style: Style<'a>,
) -> ListingRequest<'a> {
    ListingRequest {
        style,
        selection: arguments.selection.as_ref(),
        sort_spec: Some(&arguments.sort_spec).filter(|a| a.is_needed()),
        source: arguments.source,
        text_form: arguments.text_form,
        progress: arguments.progress,
    }
}

/// Returns how times are printed.
pub(super) fn clock(arguments: &PostqueueArguments) -> Clock {
    Clock {
        style: arguments.time_style.unwrap_or(TimeStyle::Iso),
        now: time::now(),
    }
}

/// Returns the template of `--format`, which contains its own line ends.
fn template_of(
    format: &str,
    clock: Clock,
    arguments: &PostqueueArguments,
    logger: &mut Logger,
) -> Result<Template, Fatal> {
    let terminator = if arguments.ends_with_nul {
        Terminator::Nul
    } else {
        Terminator::Nothing
    };
    let template = Template::format(format, terminator, clock);
    template.map_err(|problem| {
        unavailable(
            logger,
            format!("bad value for --format: {format}: {problem}"),
        )
    })
}

/// Returns the time and the parameters that ages and times of expiry depend on.
pub(super) fn detail_rules(config: &Config, logger: &mut Logger) -> Result<DetailRules, Fatal> {
    authorization::warned(logger, |warnings| instance::detail_rules(config, warnings))
}
