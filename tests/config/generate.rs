//! Makes main.cf files up: valid ones, faulty ones, pattern lists.

use fastrand::Rng;

/// The parameters of the table.
pub const NAMES: [&str; 36] = [
    "alternate_config_directories",
    "authorized_flush_users",
    "authorized_mailq_users",
    "command_directory",
    "compatibility_level",
    "daemon_directory",
    "duplicate_filter_limit",
    "empty_address_recipient",
    "enable_long_queue_ids",
    "fast_flush_domains",
    "flush_service_name",
    "hash_queue_depth",
    "hash_queue_names",
    "import_environment",
    "ipc_timeout",
    "mail_name",
    "mail_owner",
    "maillog_file",
    "maillog_file_prefixes",
    "multi_instance_directories",
    "multi_instance_name",
    "mydestination",
    "mydomain",
    "myhostname",
    "parent_domain_matches_subdomains",
    "pickup_service_name",
    "postlog_service_name",
    "queue_directory",
    "queue_service_name",
    "relay_domains",
    "setgid_group",
    "showq_service_name",
    "smtputf8_enable",
    "syslog_facility",
    "syslog_name",
    "trigger_timeout",
];

/// Those that take any text but none at all.
const TEXTS: [&str; 16] = [
    "alternate_config_directories",
    "command_directory",
    "daemon_directory",
    "empty_address_recipient",
    "flush_service_name",
    "hash_queue_names",
    "import_environment",
    "mail_name",
    "multi_instance_directories",
    "mydestination",
    "pickup_service_name",
    "postlog_service_name",
    "queue_service_name",
    "relay_domains",
    "showq_service_name",
    "syslog_name",
];

/// Valid settings of those that do not take any text.
const TYPED: [&str; 20] = [
    "compatibility_level = 0",
    "compatibility_level = 2",
    "compatibility_level = 3.6",
    "enable_long_queue_ids = YES",
    "enable_long_queue_ids = ${{$u0} == {$u1} ? {yes} : {no}}",
    "smtputf8_enable = no",
    "smtputf8_enable = yes",
    "hash_queue_depth = 3",
    "duplicate_filter_limit = 0",
    "ipc_timeout = 1d",
    "trigger_timeout = ${nosuch:12}m",
    "myhostname = mail.example.com",
    "myhostname = host",
    "mydomain = example.net",
    "mail_owner = daemon",
    "syslog_facility = local${nosuch:3}",
    "maillog_file = /var/log/x",
    "multi_instance_name = postfix-x",
    "fast_flush_domains = $relay_domains, x.example",
    "parent_domain_matches_subdomains =",
];

/// Lines with something wrong, or right but strange.
const FAULTS: [&str; 60] = [
    "enable_long_queue_ids = maybe",
    "enable_long_queue_ids =",
    "smtputf8_enable = $u0",
    "hash_queue_depth = x",
    "hash_queue_depth = 0",
    "hash_queue_depth = -7",
    "hash_queue_depth = 1$$",
    "hash_queue_depth = 2147483648",
    "trigger_timeout = 10x",
    "trigger_timeout = 0",
    "trigger_timeout = s",
    "trigger_timeout = 35791394m",
    "ipc_timeout = 0w",
    "ipc_timeout = $nosuch",
    "ipc_timeout = 1h1s",
    "queue_directory =",
    "hash_queue_names =",
    "mail_name = $nosuch",
    "syslog_name =",
    "mail_owner =",
    "mail_owner = no such",
    "mail_owner = root",
    "mail_owner = \u{e4}\u{1b}\t",
    "syslog_facility = nope",
    "syslog_facility = security",
    "syslog_facility = \u{e4}",
    "maillog_file = /nope/x",
    "maillog_file = x\nmaillog_file_prefixes = y, x",
    "maillog_file_prefixes =",
    "compatibility_level = x",
    "compatibility_level = 3.6.",
    "compatibility_level =",
    "compatibility_level = $mail_version",
    "myhostname = a..b",
    "myhostname = -",
    "myhostname = x.",
    "myhostname = \u{e4}.b",
    "mydomain = 1.2",
    "mydomain = $myhostname",
    "myhostname = $mydomain",
    "u0 = $u1\nu1 = $u0",
    "u2 = $u2 $u1\nu1 = x ${u2} y",
    "nothing",
    "no equals",
    "= nothing",
    "x == y",
    "config_directory = /x",
    "process_name = $u0",
    "u0 = again\nu0 = and again",
    "mail_name = $$",
    "syslog_name = $ $",
    "hash_queue_names = ${",
    "relay_domains = ${}",
    "authorized_mailq_users = ${x",
    "authorized_flush_users = $(u0",
    "import_environment = ${{$u0} <level {3}}",
    "alternate_config_directories = ${{1} < {99999999999999999999}}",
    "x = y\0z",
    "  # \n\n\t\n  \u{e4}",
    "queue_directory = /nonexistent/$relay_domains/$ipc_timeout/$myorigin",
];

/// A valid main.cf.
pub fn valid(rng: &mut Rng) -> Vec<u8> {
    let text = shuffled_lines(rng, settings);
    // postqueue expands defaults made from these twice, postconf does not.
    match text.contains("mydestination") || text.contains("relay_domains") {
        true => text.replace("$$", "D"),
        false => text,
    }
    .into_bytes()
}

/// A main.cf whose queue does not exist, usually with other faults.
pub fn faulty(rng: &mut Rng) -> Vec<u8> {
    let text = shuffled_lines(rng, |rng| {
        let mut lines = settings(rng);
        lines.retain(|line| !line.starts_with("queue_directory"));
        for _ in 0..rng.usize(..3) {
            lines.push(rng.choice(FAULTS).unwrap_or_default().to_owned());
        }
        let value = expression(rng, 3, 3);
        let value = if rng.bool() {
            mutated(rng, &value)
        } else {
            value
        };
        lines.push(format!("queue_directory = /nonexistent/<{value}>"));
        lines
    });
    let text = match rng.u8(..8) {
        0 => format!(" lead {}\n{text}", "x".repeat(rng.usize(..40))),
        1 => format!("#\n\tlead\n and more\n{text}"),
        2 => text.trim_end().to_owned(),
        _ => text,
    };
    // Every other file is not UTF-8.
    match rng.bool() {
        true => text.into_bytes(),
        false => text
            .chars()
            .map(|c| u8::try_from(c).unwrap_or(b'?'))
            .collect(),
    }
}

fn settings(rng: &mut Rng) -> Vec<String> {
    let mut lines = Vec::new();
    for number in 0..rng.u8(2..6) {
        let value = expression(rng, number.into(), 2);
        lines.push(format!("u{number} = {value}"));
    }
    let users = lines.len();
    for _ in 0..rng.usize(..5) {
        let name = rng.choice(TEXTS).unwrap_or_default();
        let value = expression(rng, users, 2);
        lines.push(format!("{name} = x{value}"));
    }
    for _ in 0..rng.usize(..3) {
        lines.push(rng.choice(TYPED).unwrap_or_default().to_owned());
    }
    lines
}

fn shuffled_lines(rng: &mut Rng, lines: impl Fn(&mut Rng) -> Vec<String>) -> String {
    let mut lines = lines(rng);
    rng.shuffle(&mut lines);
    let mut text = String::new();
    for line in lines {
        let line = match rng.u8(..8) {
            0 => line.replacen(' ', "  \n   ", 1),
            1 => line.replacen('{', "{\n# comment\n \n\t", 1),
            2 => format!("{line} \t\r"),
            3 => line.replacen(" = ", "=", 1),
            _ => line,
        };
        text.push_str(&line);
        text.push('\n');
        if rng.u8(..6) == 0 {
            text.push_str("\n  # a comment\n");
        }
    }
    text
}

/// A value that refers to user-defined parameters below a number.
fn expression(rng: &mut Rng, users: usize, depth: usize) -> String {
    (0..rng.usize(1..3))
        .map(|_| item(rng, users, depth))
        .collect()
}

fn item(rng: &mut Rng, users: usize, depth: usize) -> String {
    let name = name(rng, users);
    if depth == 0 || rng.u8(..4) == 0 {
        return rng
            .choice(["a", "7", "10", "", "b c", "$$", "3.6", "x,y", "\u{e4}"])
            .unwrap_or_default()
            .to_owned();
    }
    let (yes, no) = (
        expression(rng, users, depth - 1),
        expression(rng, users, depth - 1),
    );
    match rng.u8(..12) {
        0 => format!("${name}."),
        1 => format!("${{{name}}}"),
        2 => format!("$({name})"),
        3 => format!("${{{name}?{yes}}}"),
        4 => format!("${{{name}:{no}}}"),
        5 => format!("${{{name}?{{{yes}}}:{{{no}}}}}"),
        6 => format!("${{{name} ? {{{yes}}} : {no}}}"),
        7 => format!("$({name}?{{{yes}}}:{{{no}}})"),
        8 => {
            let operator = rng
                .choice(["<level", "==level", ">=level", "!=level"])
                .unwrap_or_default();
            let levels = ["$compatibility_level", "3.6", "2", "3.10.1", "0"];
            let level = rng.choice(levels).unwrap_or_default();
            format!("${{{{{level}}} {operator} {{3.6}} ? {{{yes}}} : {{{no}}}}}")
        }
        _ => {
            let operator = rng
                .choice(["==", "!=", "<", "<=", ">", ">="])
                .unwrap_or_default();
            let (left, right) = (
                self::name(rng, users),
                rng.choice(["7", "10", "a", "", "07"]).unwrap_or_default(),
            );
            let rest = rng
                .choice([" ? {Y} : {N}", "?Y", ":{N}", "", " ? {Y}"])
                .unwrap_or_default();
            let rest = rest.replace('Y', &yes).replace('N', &no);
            format!("${{{{${left}}}{operator} {{{right}}}{rest}}}")
        }
    }
}

fn name(rng: &mut Rng, users: usize) -> String {
    match rng.usize(..users + 2) {
        0 => "nosuch".to_owned(),
        1 => "config_directory".to_owned(),
        number => format!("u{}", number - 2),
    }
}

/// A value with a few bytes changed.
fn mutated(rng: &mut Rng, value: &str) -> String {
    let mut text: Vec<char> = value.chars().collect();
    for _ in 0..rng.usize(1..3) {
        let at = rng.usize(..=text.len());
        let new = rng
            .choice("${}():?<>=! a1.level\u{e4}\t".chars().collect::<Vec<_>>())
            .unwrap_or(' ');
        match (rng.bool(), at < text.len()) {
            (true, true) => drop(text.remove(at)),
            (false, true) if rng.bool() => text[at] = new,
            _ => text.insert(at, new),
        }
    }
    text.into_iter().collect()
}

/// A pattern list and what is looked for in it.
pub struct List {
    /// The main.cf with the list.
    pub main_cf: String,
    /// Files that the list may name.
    pub files: Vec<(&'static str, String)>,
    /// The domain.
    pub site: String,
}

/// Makes a pattern list up.
pub fn list(rng: &mut Rng) -> List {
    let count = rng.usize(..4);
    let patterns: Vec<_> = (0..count).map(|_| pattern(rng)).collect();
    let list = patterns.join(rng.choice([" ", ",", ", ", "\n  "]).unwrap_or_default());
    let parents = rng.choice([
        "",
        "parent_domain_matches_subdomains =\n",
        "parent_domain_matches_subdomains = !Fast_Flush_Domains, static:x\n",
    ]);
    let sites = [
        "example.com",
        "a.example.com",
        "b.A.Example.com",
        "com",
        "[1.2.3.4]",
        "x_y",
    ];
    let main_cf = format!(
        "queue_directory = @/queue\n{}fast_flush_domains = {list}\n",
        parents.unwrap_or_default()
    );
    let files = vec![
        ("list", format!("# {}\n{}\n", pattern(rng), domain(rng))),
        (
            "list2",
            format!("{} {}\n {}", domain(rng), domain(rng), domain(rng)),
        ),
        (
            "table",
            format!("# x\n{} x\nlonely\n{}  y\n  z\n", domain(rng), "z.example"),
        ),
    ];
    let site = rng.choice(sites).unwrap_or_default().to_owned();
    List {
        main_cf,
        files,
        site,
    }
}

fn domain(rng: &mut Rng) -> String {
    let domains = [
        "example.com",
        ".example.com",
        "EXAMPLE.com",
        "com",
        ".com",
        "a.example.com",
        "[1.2.3.4]",
        "ample.com",
        "x_y",
        "foo",
    ];
    let negation = rng.choice(["", "", "", "!", "!!"]).unwrap_or_default();
    format!("{negation}{}", rng.choice(domains).unwrap_or_default())
}

fn pattern(rng: &mut Rng) -> String {
    let domain = domain(rng);
    let name = domain.trim_start_matches('!');
    match rng.u8(..18) {
        0 => "@/list".to_owned(),
        1 => "!@/list2".to_owned(),
        2 => "texthash:@/table".to_owned(),
        3 => format!("inline:{{{name}=1}}"),
        4 => format!("!inline:{{{{x = 1}} {{{name} = 2}}}}"),
        5 => "static:x".to_owned(),
        6 => format!("#{name}"),
        7 => "@/nope".to_owned(),
        8 => "!".to_owned(),
        9 => format!("inline:{{{name} = 1}}"),
        10 => format!("{{{name}}}"),
        11 => "inline:{}".to_owned(),
        _ => domain,
    }
}
