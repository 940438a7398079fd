//! The table of parameters: names, defaults and types, in the order in which
//! Postfix's programs read them.
//!
//! The order determines which of several errors is reported, and to which defaults
//! a value can refer.

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The name.
    pub name: &'static str,
    /// The unexpanded value if main.cf does not set it.
    pub default: &'static str,
    /// The type of the value.
    pub rule: Rule,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Not read by the tools; other values may refer to it.
    Unused,
    /// Text of at least this many bytes.
    Text(usize),
    /// A number of at least this value.
    Integer(i32),
    /// Yes or no.
    Boolean,
    /// A time of at least this many seconds.
    Time(i32),
}

const fn row(name: &'static str, default: &'static str, rule: Rule) -> Parameter {
    Parameter {
        name,
        default,
        rule,
    }
}

use Rule::{Boolean, Integer, Text, Time, Unused};

/// The version whose defaults these are, and mail_version unless --dialect names
/// another one.
const MAIL_VERSION: &str = "3.7.11";

/// Placeholder for a default that is determined at run time.
pub const COMPUTED: &str = "";

/// Parameters for logging, which are read first.
pub const LOGGING: &[Parameter] = &[
    row("mail_version", MAIL_VERSION, Unused),
    row("syslog_facility", "mail", Text(1)),
    row("inet_protocols", "all", Text(0)),
    row("multi_instance_directories", "", Text(0)),
    row("multi_instance_group", "", Unused),
    row("multi_instance_name", "", Text(0)),
    row("maillog_file", "", Text(0)),
    row("maillog_file_prefixes", "/var, /dev/stdout", Text(1)),
    row("maillog_file_compressor", "gzip", Unused),
    row("maillog_file_rotate_suffix", "%Y%m%d-%H%M%S", Unused),
    row("postlog_service_name", "postlog", Text(1)),
    row("dnssec_probe", "ns:.", Unused),
    row(
        "known_tcp_ports",
        "lmtp=24, smtp=25, smtps=submissions=465, submission=587",
        Unused,
    ),
];

/// Switches, which are read before all other parameters except those for logging.
pub const SWITCHES: &[Parameter] = &[
    row("daemon_table_open_error_is_fatal", "no", Unused),
    row("dns_ncache_ttl_fix_enable", "no", Unused),
    row(
        "smtputf8_enable",
        "${{$compatibility_level} <level {1} ? {no} : {yes}}",
        Boolean,
    ),
    row("enable_idna2003_compatibility", "no", Unused),
    row(
        "respectful_logging",
        "${{$compatibility_level} <level {3.6} ? {no} : {yes}}",
        Unused,
    ),
];

/// The names of the host and its domain.
pub const HOST: &[Parameter; 2] = &[
    row("myhostname", COMPUTED, Text(1)),
    row("mydomain", COMPUTED, Text(1)),
];

/// All other parameters that every program reads.
pub const COMMON: &[Parameter] = &[
    row("mail_name", "Postfix", Text(1)),
    row(
        "syslog_name",
        "${multi_instance_name?{$multi_instance_name}:{postfix}}",
        Text(1),
    ),
    row("mail_owner", "postfix", Text(1)),
    row("setgid_group", "postdrop", Text(1)),
    row(
        "mydestination",
        "$myhostname, localhost.$mydomain, localhost",
        Text(0),
    ),
    row("myorigin", "$myhostname", Unused),
    row("relayhost", "", Unused),
    row("daemon_directory", COMPUTED, Text(1)),
    row("data_directory", "/var/lib/postfix", Unused),
    row("command_directory", "/usr/sbin", Text(1)),
    row("meta_directory", "/etc/postfix", Unused),
    row("queue_directory", "/var/spool/postfix", Text(1)),
    row("shlib_directory", "/usr/lib/postfix", Unused),
    row("process_id_directory", "pid", Unused),
    row("inet_interfaces", "all", Unused),
    row("proxy_interfaces", "", Unused),
    row("double_bounce_sender", "double-bounce", Unused),
    row("default_privs", "nobody", Unused),
    row("alias_database", "hash:/etc/aliases", Unused),
    row("mail_release_date", "20240304", Unused),
    row("default_database_type", "hash", Unused),
    row("hash_queue_names", "deferred, defer", Text(1)),
    row("recipient_delimiter", "", Unused),
    row(
        "relay_domains",
        "${{$compatibility_level} <level {2} ? {$mydestination} : {}}",
        Text(0),
    ),
    row("fast_flush_domains", "$relay_domains", Text(0)),
    row("export_environment", "TZ MAIL_CONFIG LANG", Unused),
    row(
        "import_environment",
        "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME",
        Text(0),
    ),
    row(
        "mynetworks_style",
        "${{$compatibility_level} <level {2} ? {subnet} : {host}}",
        Unused,
    ),
    row("debug_peer_list", "", Unused),
    row("default_verp_delimiters", "+=", Unused),
    row("verp_delimiter_filter", "-=+", Unused),
    row(
        "parent_domain_matches_subdomains",
        "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,\
         qmqpd_authorized_clients,relay_domains,smtpd_access_maps",
        Text(0),
    ),
    row("alternate_config_directories", "", Text(0)),
    row("bounce_service_name", "bounce", Unused),
    row("cleanup_service_name", "cleanup", Unused),
    row("defer_service_name", "defer", Unused),
    row("pickup_service_name", "pickup", Text(1)),
    row("queue_service_name", "qmgr", Text(1)),
    row("rewrite_service_name", "rewrite", Unused),
    row("showq_service_name", "showq", Text(1)),
    row("error_service_name", "error", Unused),
    row("flush_service_name", "flush", Text(1)),
    row("address_verify_service_name", "verify", Unused),
    row("trace_service_name", "trace", Unused),
    row("proxymap_service_name", "proxymap", Unused),
    row("proxywrite_service_name", "proxywrite", Unused),
    row("hash_queue_depth", "1", Integer(1)),
    row("enable_long_queue_ids", "no", Boolean),
    row("ipc_timeout", "3600s", Time(1)),
    row("trigger_timeout", "10s", Time(1)),
];

/// Parameters that postqueue reads after the others have been checked, when it
/// already writes to the mail log as main.cf says.
pub const PROGRAMS: &[Parameter] = &[
    row("authorized_flush_users", "static:anyone", Text(0)),
    row("authorized_mailq_users", "static:anyone", Text(0)),
];
