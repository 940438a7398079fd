//! Replacements of references, and warnings about malformed ones. Observed with
//! Postfix 3.7.11, unless a test says otherwise.

use super::super::expansion::LENGTH_MAX;
use super::*;

fn values(settings: &[(&str, &str)]) -> Values {
    settings
        .iter()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

fn run(text: &str, values: &Values) -> (Result<Vec<u8>, ExpansionError>, Vec<String>) {
    run_with(LevelOperators::Known, text, values)
}

fn run_with(
    levels: LevelOperators,
    text: &str,
    values: &Values,
) -> (Result<Vec<u8>, ExpansionError>, Vec<String>) {
    let mut warnings = Vec::new();
    let result = expand(text.as_bytes(), values, levels, &mut warnings);
    let warnings = warnings
        .into_iter()
        .map(|words| String::from_utf8(words).unwrap());
    (result, warnings.collect())
}

fn expanded(text: &str) -> String {
    let values = values(&[("x", "X"), ("y", "Y"), ("n", ""), ("r", "${x}$y")]);
    String::from_utf8(run(text, &values).0.unwrap()).unwrap()
}

fn warnings(text: &str) -> Vec<String> {
    let (result, warnings) = run(text, &values(&[("x", "X"), ("n", "")]));
    assert_eq!(result, Err(ExpansionError::Malformed), "{text}");
    warnings
}

#[test]
fn names_are_replaced_by_values() {
    for (text, expected) in [
        ("$x ${x} $(x) ${ x }", "X X X X"),
        ("a$$x$$", "a$x$"),
        ("$$$x", "$X"),
        ("$r.$nosuch.${nosuch}", "XY.."),
        ("$x-y $x.y $x:y ${x}}", "X-y X.y X:y X}"),
        ("${ }", ""),
    ] {
        assert_eq!(expanded(text), expected, "{text}");
    }
}

#[test]
fn a_condition_tests_whether_the_raw_value_is_empty() {
    for (text, expected) in [
        ("${x?y} ${n?y} ${x:y} ${n:y}", "y   y"),
        ("${x?{a}:{b}} ${n?{a}:{b}}", "a b"),
        ("${n ? { a } :  b }", "  b "),
        ("${x?{a}:b}${n:{a} }", "aa"),
        ("${x?a:b} ${n?a:b} ${x? a }", "a:b   a "),
        ("${x?{$y}} ${x?${y}:{z}}", "Y Y:{z}"),
        ("$(x?(a):(b)) $(x?{a}:{b})", "(a):(b) a"),
        ("${?a}${:a}${x??a}${n::a}", "a?a:a"),
        ("${x?}${x?{}:{b}}${n?{a}}", ""),
    ] {
        assert_eq!(expanded(text), expected, "{text}");
    }
}

#[test]
fn comparisons_compare_numbers_bytes_or_levels() {
    for (text, expected) in [
        ("${{9} < {10} ? {a} : {b}}", "a"),
        ("${{9a} < {10a} ? {a} : {b}}", "b"),
        ("${{09}=={9}?{a}}${{-1}<{1}:{b}}", "a"),
        ("${{3.6} <level {3.10} ? {a} : {b}}", "a"),
        ("${{3}==level{3.0}?a:b}", "a:b"),
        ("${{1} == {1}}${{1} == {2}}", "true"),
        ("${ {$x} == {${x}} ? {$x} : {$y} }", "X"),
        ("${{ a } == {a}?{y}:{n}}", "n"),
        ("${{${{1}=={1}?{q}}} != {q} ? {y} : {n}}", "n"),
    ] {
        assert_eq!(expanded(text), expected, "{text}");
    }
}

#[test]
fn errors_name_the_place() {
    let operators = r#""==" or "!="" or "<"" or "<="" or ">="" or ">" expected"#;
    for (text, words) in [
        ("a ${x b", "truncated macro reference: \"a ${x b\""),
        ("/$ x", "empty macro name: \"/$ x\""),
        ("/${}", "empty macro name: \"/${}\""),
        (
            "${ x .y}",
            "attribute name syntax error at: \"... x>>> .y\"",
        ),
        ("${x?{a}c}", "\":\" expected at: \"...a}>>>c\""),
        ("${n:{a}?{b}}", "unexpected input at: \"...a}>>>?{b}\""),
        ("$(x?{a)})", "unbalanced {} in attribute expression: \"{a\""),
        (
            "${{1}==LEVEL {2}}",
            "bad operator suffix at: \"...==>>>LEVEL\"",
        ),
        (
            "${{1}  == 1 }",
            "\"{expression}\" expected at: \"...{1} ==>>> 1 \"",
        ),
        (
            "${{1} == {1} x}",
            "\"?\" or \":\" expected at: \"...}>>>x\"",
        ),
        (
            "${{x} <level {y}}",
            "malformed compatibility level syntax: \"x\"",
        ),
        (
            "${{1} =<  {2345678901234567890}}",
            &format!("{operators} at: \"...1}}>>>=<  {{234567890123456\""),
        ),
    ] {
        assert_eq!(warnings(text), [words], "{text}");
    }
}

// As Postfix 3.5.25 warned.
#[test]
fn before_3_6_levels_cannot_be_compared() {
    for (text, place) in [
        (
            "${{3.10} >level {3.9} ? {yes} : {no}}",
            "{3.10} >>>>level {3.9} ? {yes} ",
        ),
        ("${{1} <=level{2}}", "{1} <=>>>level{2}"),
        ("${{1}==LEVEL {2}}", "{1} ==>>>LEVEL {2}"),
    ] {
        let (result, warnings) = run_with(LevelOperators::Unknown, text, &Values::new());
        assert_eq!(result, Err(ExpansionError::Malformed), "{text}");
        let words = format!("\"{{expression}}\" expected at: \"...{place}\"");
        assert_eq!(warnings, [words], "{text}");
    }
    let (result, _) = run_with(LevelOperators::Unknown, "${{9} < {10}}", &Values::new());
    assert_eq!(result, Ok(b"true".to_vec()));
}

#[test]
fn after_an_error_some_of_the_rest_is_checked() {
    for text in [
        "${x.} ${y.}",
        "${x.} ${} $ ",
        "${x.} $b ${c} ${",
        "$ ${x",
        "$ $-",
    ] {
        assert_eq!(warnings(text).len(), 1, "{text}");
    }
    for text in [
        "${x.} $ ",
        "${x.} $b ${y",
        "${x?{${x.}} zz}",
        "${n:{${x.}}zz}",
    ] {
        assert_eq!(warnings(text).len(), 2, "{text}");
    }
    assert_eq!(warnings("${{${x.}} == {${y.}} zzz}").len(), 2);
    assert!(run("${x?{${y.}}:{a}}", &Values::new()).0.is_ok());
}

#[test]
fn a_number_that_is_too_large_is_a_separate_error() {
    let text = "${{99999999999999999999} == {1}}";
    let digits = b"99999999999999999999".to_vec();
    assert_eq!(
        run(text, &Values::new()),
        (Err(ExpansionError::Conversion(digits)), vec![])
    );
}

#[test]
fn values_can_nest_a_hundred_deep() {
    let nested = |depth| format!("{}a{}", "${n:".repeat(depth), "}".repeat(depth));
    assert_eq!(expanded(&nested(100)), "a");
    let expected = ["unreasonable macro call nesting: \"a\""];
    assert_eq!(warnings(&nested(101)), expected);
}

#[test]
fn items_after_one_that_is_too_deep_are_too_deep() {
    let loops = values(&[("a", "$a foo $a"), ("b", "$c"), ("c", "$b")]);
    let (result, warnings) = run("/$a", &loops);
    assert_eq!(result, Err(ExpansionError::Malformed));
    let foo = warnings.iter().filter(|words| words.contains("foo"));
    assert_eq!((warnings.len(), foo.count()), (203, 101));
    let expected = ["unreasonable macro call nesting: \"c\""];
    assert_eq!(run("/$b", &loops).1, expected);
}

#[test]
fn values_that_grow_exponentially_are_stopped() {
    let doubled: Vec<_> = (0..90)
        .map(|n| (format!("v{n}"), format!("$v{0}$v{0}", n + 1)))
        .collect();
    let doubled: Vec<_> = doubled
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        run("$v0", &values(&doubled)).0,
        Err(ExpansionError::Malformed)
    );
    let long = values(&[("a", "$b$b"), ("b", &"x".repeat(LENGTH_MAX))]);
    assert_eq!(run("$a", &long).0, Err(ExpansionError::Malformed));
}

#[test]
fn nested_comparisons_are_limited() {
    let depth = 10_000;
    let text = format!("{}{}", "${{".repeat(depth), "}=={}}".repeat(depth));
    assert_eq!(run(&text, &Values::new()).0, Err(ExpansionError::Malformed));
    let looped = values(&[("a", "${{$a}=={}}")]);
    assert_eq!(run("$a", &looped).0, Err(ExpansionError::Malformed));
}
