//! What the terminal can show: colours, and characters outside ASCII.

use ratatui::style::{Color, Modifier, Style};

use crate::sys::terminal;

/// The variables that name the character set, the first that is set counts.
const LOCALE: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// The characters that the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Characters {
    /// All of Unicode, in UTF-8.
    Unicode,
    /// ASCII only, as in the C locale.
    Ascii,
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// The 16 colours that every terminal with colours has.
    Sixteen,
    /// None: NO_COLOR is set.
    None,
}

/// How texts are marked.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// The characters that can be shown.
    pub characters: Characters,
    /// Whether colours are used.
    pub colours: Colours,
}

impl Theme {
    /// The theme for this environment.
    pub fn of_environment() -> Self {
        let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = LOCALE.iter().find_map(set).unwrap_or_default();
        let locale = locale.to_ascii_uppercase();
        let is_utf8 = locale.contains("UTF-8") || locale.contains("UTF8");
        Self {
            characters: if is_utf8 {
                Characters::Unicode
            } else {
                Characters::Ascii
            },
            colours: if terminal::wants_colours() {
                Colours::Sixteen
            } else {
                Colours::None
            },
        }
    }

    fn coloured(self, colour: Color, otherwise: Style) -> Style {
        match self.colours {
            Colours::Sixteen => Style::new().fg(colour),
            Colours::None => otherwise,
        }
    }

    /// Headings, and the lines at the top and the bottom.
    pub fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The row under the cursor.
    pub fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Column headings and names.
    pub fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What is less important, or cannot be used.
    pub fn faint(self) -> Style {
        let dim = Style::new().add_modifier(Modifier::DIM);
        self.coloured(Color::DarkGray, dim)
    }

    /// What is tagged or found.
    pub fn marked(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        self.coloured(Color::Yellow, bold)
    }

    /// A warning or an error.
    pub fn warning(self) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        self.coloured(Color::Red, bold)
    }

    /// A message in the active queue.
    pub fn active(self) -> Style {
        self.coloured(Color::Green, Style::new())
    }

    /// A message on hold.
    pub fn hold(self) -> Style {
        self.coloured(Color::Magenta, Style::new())
    }

    /// A cell of the table of ages, from 0 (none) to 4 (most).
    pub fn heat(self, level: usize) -> Style {
        let colours = [
            Color::Reset,
            Color::Blue,
            Color::Cyan,
            Color::Yellow,
            Color::Red,
        ];
        let colour = colours.get(level).copied().unwrap_or(Color::Red);
        self.coloured(colour, Style::new())
    }

    /// The character for a cell of the table of ages, from 0 (none) to 4 (most).
    pub fn shade(self, level: usize) -> char {
        let shades = match self.characters {
            Characters::Unicode => [' ', '\u{2591}', '\u{2592}', '\u{2593}', '\u{2588}'],
            Characters::Ascii => [' ', '.', ':', '+', '#'],
        };
        shades.get(level).copied().unwrap_or(' ')
    }
}
