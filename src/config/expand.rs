//! Expands `$name`, `${name?value}` and similar references in the values of
//! main.cf.
//!
//! Implements the limits and warnings of Postfix. Independent of files, defaults
//! and types. The text between the braces is parsed by `reference`.

use std::collections::HashMap;

use bstr::ByteSlice;

use super::reference;
use super::reference::{Condition, Incomparable, Operator, ReferenceForm};

pub use super::reference::LevelOperators;

/// Largest nesting depth that Postfix accepts, of values and branches alike.
const NESTING_MAX: u32 = 100;
/// Largest number of items (literals and references) in the expansion of one value.
/// Postfix has no such limit; this one stops values that double at each step.
const ITEMS_MAX: u32 = 100_000;
/// Largest recursion depth. Postfix has no such limit: it does not count
/// comparisons within comparisons as nesting, and crashes.
const DEPTH_MAX: u32 = 4 * NESTING_MAX;
/// Largest length of an expanded value, in bytes.
const LENGTH_MAX: usize = 1 << 20;
/// The expansion of a comparison that holds and has no branches.
const TRUE: &[u8] = b"true";

/// Unexpanded values by name.
pub type Values = HashMap<Vec<u8>, Vec<u8>>;

/// Why a value cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpansionError {
    /// The value is malformed or nested too deeply; a warning describes the
    /// problem.
    Malformed,
    /// A number in a comparison is too large; contains its digits.
    Conversion(Vec<u8>),
}

/// Replaces all references in `text` and, recursively, in the values that it refers
/// to.
///
/// # Errors
///
/// The value is malformed or too deep, or a number in a comparison is too large.
pub fn expand(
    text: &[u8],
    values: &Values,
    levels: LevelOperators,
    warnings: &mut Vec<Vec<u8>>,
) -> Result<Vec<u8>, ExpansionError> {
    let mut expander = Expander {
        values,
        levels,
        warnings,
        items: 0,
        depth: 0,
    };
    expander.whole(text)
}

struct Expander<'a> {
    values: &'a Values,
    levels: LevelOperators,
    warnings: &'a mut Vec<Vec<u8>>,
    /// Number of items so far.
    items: u32,
    /// Number of references that enclose the current item.
    depth: u32,
}

/// The expansion of a value or an operand.
#[derive(Default)]
struct Expansion {
    result: Vec<u8>,
    /// Nesting depth of the current item.
    nesting: u32,
    state: ExpansionState,
}

/// Whether an error was found. As in Postfix, an error does not stop the expansion
/// immediately: some of the remaining text is still checked, and can give more
/// warnings.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum ExpansionState {
    #[default]
    Good,
    Failed,
}

impl Expander<'_> {
    fn whole(&mut self, text: &[u8]) -> Result<Vec<u8>, ExpansionError> {
        let mut progress = Expansion::default();
        self.text(text, &mut progress)?;
        match progress.state {
            ExpansionState::Good => Ok(progress.result),
            ExpansionState::Failed => Err(ExpansionError::Malformed),
        }
    }

    /// Expands a text item by item. The literal text between two references is one
    /// item.
    fn text(&mut self, text: &[u8], progress: &mut Expansion) -> Result<(), ExpansionError> {
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find_byte(b'$') {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            literal.extend_from_slice(before);
            let after = from.get(1..).unwrap_or_default();
            if let Some(more) = after.strip_prefix(b"$") {
                literal.push(b'$');
                rest = more;
                continue;
            }
            self.literal(&mut literal, progress)?;
            let scanned = match reference::scan(after, text) {
                Ok(scanned) => scanned,
                Err(words) => {
                    self.fail(words, progress);
                    return Ok(());
                }
            };
            if scanned.form == ReferenceForm::Braces && progress.state == ExpansionState::Failed {
                return Ok(());
            }
            if scanned.body.is_empty() {
                self.fail(reference::empty(text), progress);
                return Ok(());
            }
            self.reference(scanned.body, progress)?;
            rest = scanned.rest;
        }
        literal.extend_from_slice(rest);
        match progress.state {
            ExpansionState::Good => self.literal(&mut literal, progress),
            ExpansionState::Failed => Ok(()),
        }
    }

    fn literal(
        &mut self,
        literal: &mut Vec<u8>,
        progress: &mut Expansion,
    ) -> Result<(), ExpansionError> {
        if !literal.is_empty() && self.enter(literal, progress)? == Depth::Accepted {
            self.append(literal, progress)?;
            leave(progress);
        }
        literal.clear();
        Ok(())
    }

    /// Replaces one reference; `body` is the text in its braces.
    fn reference(&mut self, body: &[u8], progress: &mut Expansion) -> Result<(), ExpansionError> {
        if self.enter(body, progress)? == Depth::Exceeded {
            return Ok(());
        }
        if progress.state == ExpansionState::Good {
            self.depth = self.depth.saturating_add(1);
            if self.depth > DEPTH_MAX {
                return Err(self.give_up(nesting(body)));
            }
            self.replace(body, progress)?;
            self.depth = self.depth.saturating_sub(1);
        }
        leave(progress);
        Ok(())
    }

    fn replace(&mut self, body: &[u8], progress: &mut Expansion) -> Result<(), ExpansionError> {
        let reference = match reference::condition(body, self.levels) {
            Ok(reference) => reference,
            Err(words) => {
                self.fail(words, progress);
                return Ok(());
            }
        };
        let holds = match reference.condition {
            Condition::Name(name) => self.values.get(name).is_some_and(|raw| !raw.is_empty()),
            Condition::Comparison(left, operator, right) => {
                // Postfix warns about both operands before it stops.
                let (left, right) = (self.whole(left.0), self.whole(right.0));
                match self.compare(left, operator, right) {
                    Err(ExpansionError::Malformed) => {
                        progress.state = ExpansionState::Failed;
                        return Ok(());
                    }
                    result => result?,
                }
            }
        };
        let Some(branches) = reference::branches(reference.rest) else {
            return self.without_branches(reference.condition, holds, progress);
        };
        let chosen = if holds { branches.yes } else { branches.no };
        if let Some(text) = chosen {
            self.text(text, progress)?;
        }
        if let Some(words) = branches.fault {
            self.fail(words, progress);
        }
        Ok(())
    }

    /// Replaces a reference that consists only of a name or a comparison.
    fn without_branches(
        &mut self,
        condition: Condition<'_>,
        holds: bool,
        progress: &mut Expansion,
    ) -> Result<(), ExpansionError> {
        let values = self.values;
        match condition {
            Condition::Name(name) => match values.get(name) {
                Some(raw) => self.text(raw, progress),
                None => Ok(()),
            },
            Condition::Comparison(..) if holds => self.append(TRUE, progress),
            Condition::Comparison(..) => Ok(()),
        }
    }

    fn compare(
        &mut self,
        left: Result<Vec<u8>, ExpansionError>,
        operator: Operator,
        right: Result<Vec<u8>, ExpansionError>,
    ) -> Result<bool, ExpansionError> {
        operator
            .compare(&left?, &right?)
            .map_err(|wrong| match wrong {
                Incomparable::Number(digits) => ExpansionError::Conversion(digits),
                Incomparable::Level(words) => self.give_up(words),
            })
    }

    /// Counts an item. As in Postfix, an item that is nested too deeply remains
    /// counted, so that the items after it are too deep as well.
    fn enter(&mut self, item: &[u8], progress: &mut Expansion) -> Result<Depth, ExpansionError> {
        self.items = self.items.saturating_add(1);
        if self.items > ITEMS_MAX {
            return Err(self.give_up(b"too many macro calls".to_vec()));
        }
        let outer = progress.nesting;
        progress.nesting = outer.saturating_add(1);
        if outer <= NESTING_MAX {
            return Ok(Depth::Accepted);
        }
        self.fail(nesting(item), progress);
        Ok(Depth::Exceeded)
    }

    fn append(&mut self, text: &[u8], progress: &mut Expansion) -> Result<(), ExpansionError> {
        if progress.result.len().saturating_add(text.len()) > LENGTH_MAX {
            return Err(self.give_up(b"macro result too long".to_vec()));
        }
        progress.result.extend_from_slice(text);
        Ok(())
    }

    /// Adds a warning and continues.
    fn fail(&mut self, words: Vec<u8>, progress: &mut Expansion) {
        self.warnings.push(words);
        progress.state = ExpansionState::Failed;
    }

    /// Adds a warning and stops.
    fn give_up(&mut self, words: Vec<u8>) -> ExpansionError {
        self.warnings.push(words);
        ExpansionError::Malformed
    }
}

/// Whether the nesting depth of an item is accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Accepted,
    Exceeded,
}

fn leave(progress: &mut Expansion) {
    progress.nesting = progress.nesting.saturating_sub(1);
}

fn nesting(item: &[u8]) -> Vec<u8> {
    [b"unreasonable macro call nesting: \"", item, b"\""].concat()
}

#[cfg(test)]
mod tests {
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
}
