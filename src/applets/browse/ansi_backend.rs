//! Draws ratatui's screens with the escape sequences of ECMA-48, and with the 16
//! colours that every terminal with colours has.
//!
//! The backend that comes with ratatui writes all colours as those of a palette of
//! 256 (`38;5;1`), which terminals with 16 colours take for something else.

use std::io;
use std::io::Write;

use crossterm::terminal;
use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// The first parameter of the foreground colours, and of the background colours.
const FOREGROUND: u8 = 30;
const BACKGROUND: u8 = 40;
/// The difference between a colour's parameter and that of its bright variant.
const BRIGHT: u8 = 60;

/// Modifiers, and their parameters of the sequence SGR.
const MODIFIERS: [(Modifier, u8); 5] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
];

/// A terminal that is drawn on by escape sequences.
#[derive(Debug)]
pub struct AnsiBackend<W> {
    out: W,
    /// The last position of the cursor.
    cursor: Position,
}

impl<W: Write> AnsiBackend<W> {
    /// Draws on the terminal that `out` writes to.
    pub fn new(out: W) -> Self {
        Self {
            out,
            cursor: Position::ORIGIN,
        }
    }
}

impl<W: Write> Backend for AnsiBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut after: Option<Position> = None;
        let mut style = style_of(&Cell::EMPTY);
        for (x, y, cell) in content {
            // After a wide character, the next cell that is drawn is not this one.
            if after != Some(Position::new(x, y)) {
                self.set_cursor_position((x, y))?;
            }
            if style != style_of(cell) {
                style = style_of(cell);
                write!(self.out, "\x1b[0{}m", parameters(style))?;
            }
            self.out.write_all(cell.symbol().as_bytes())?;
            after = Some(Position::new(x.saturating_add(1), y));
        }
        self.out.write_all(b"\x1b[0m")
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[?25l")
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[?25h")
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.cursor = position.into();
        let line = self.cursor.y.saturating_add(1);
        let column = self.cursor.x.saturating_add(1);
        write!(self.out, "\x1b[{line};{column}H")
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        let sequence = match region {
            ClearType::All => "\x1b[2J",
            ClearType::AfterCursor => "\x1b[0J",
            ClearType::BeforeCursor => "\x1b[1J",
            ClearType::CurrentLine => "\x1b[2K",
            ClearType::UntilNewLine => "\x1b[0K",
        };
        self.out.write_all(sequence.as_bytes())
    }

    fn size(&self) -> io::Result<Size> {
        terminal::size().map(Size::from)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size()?,
            // Not known, and not needed for text.
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The foreground, the background and the modifiers of a cell.
type CellStyle = (Color, Color, Modifier);

fn style_of(cell: &Cell) -> CellStyle {
    (cell.fg, cell.bg, cell.modifier)
}

/// Returns the parameters of the sequence SGR for a style, each after a semicolon.
fn parameters((foreground, background, modifiers): CellStyle) -> String {
    let set = MODIFIERS
        .into_iter()
        .filter(|(modifier, _)| modifiers.contains(*modifier));
    let codes = set.map(|(_, code)| Some(code));
    let colours = [
        colour(foreground, FOREGROUND),
        colour(background, BACKGROUND),
    ];
    let codes = codes.chain(colours).flatten();
    codes.map(|code| format!(";{code}")).collect()
}

/// Returns the parameter for a colour, based on that of black; `None` for the
/// terminal's own colour and for those beyond the 16.
fn colour(colour: Color, black: u8) -> Option<u8> {
    let bright = black.saturating_add(BRIGHT);
    let (black, number) = match colour {
        Color::Black => (black, 0),
        Color::Red => (black, 1),
        Color::Green => (black, 2),
        Color::Yellow => (black, 3),
        Color::Blue => (black, 4),
        Color::Magenta => (black, 5),
        Color::Cyan => (black, 6),
        Color::Gray => (black, 7),
        Color::DarkGray => (bright, 0),
        Color::LightRed => (bright, 1),
        Color::LightGreen => (bright, 2),
        Color::LightYellow => (bright, 3),
        Color::LightBlue => (bright, 4),
        Color::LightMagenta => (bright, 5),
        Color::LightCyan => (bright, 6),
        Color::White => (bright, 7),
        Color::Reset | Color::Rgb(..) | Color::Indexed(_) => return None,
    };
    Some(black.saturating_add(number))
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn drawn(cells: &[(u16, u16, Cell)]) -> String {
        let mut out = Vec::new();
        let content = cells.iter().map(|(x, y, cell)| (*x, *y, cell));
        AnsiBackend::new(&mut out)
            .draw(content)
            .expect("memory can be written");
        String::from_utf8(out).expect("UTF-8")
    }

    fn cell(symbol: &str, style: Style) -> Cell {
        let mut cell = Cell::default();
        cell.set_symbol(symbol).set_style(style);
        cell
    }

    #[test]
    fn colours_are_those_of_the_16() {
        let style = Style::new().fg(Color::DarkGray).bg(Color::Red);
        let style = style.add_modifier(Modifier::BOLD | Modifier::REVERSED);
        assert_eq!(
            drawn(&[(4, 1, cell("x", style))]),
            "\x1b[2;5H\x1b[0;1;7;90;41mx\x1b[0m"
        );
        let beyond = Style::new().fg(Color::Indexed(200));
        assert_eq!(
            drawn(&[(0, 0, cell("x", beyond))]),
            "\x1b[1;1H\x1b[0mx\x1b[0m"
        );
    }

    #[test]
    fn the_cursor_moves_only_where_it_is_not_yet() {
        let plain = Style::new();
        let cells = [
            (0, 0, cell("a", plain)),
            (1, 0, cell("日", plain)),
            (3, 0, cell("b", plain)),
            (4, 0, cell("c", plain)),
            (0, 1, cell("d", plain)),
        ];
        assert_eq!(drawn(&cells), "\x1b[1;1Ha日\x1b[1;4Hbc\x1b[2;1Hd\x1b[0m");
    }
}
