//! Texts that many messages share, each kept once: senders and reasons.

use std::collections::HashMap;
use std::sync::Arc;

/// The number of bytes that are kept of a text.
const TEXT_MAX: usize = 120;
/// The memory that a text takes besides its bytes.
const TEXT_COST: usize = 100;

/// The number of a text; [`Texts::NONE`] for a text that is not kept.
pub type TextNumber = u16;

/// A set of texts with limited memory.
#[derive(Debug)]
pub struct Texts {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, TextNumber>,
    room: usize,
}

impl Texts {
    /// The number of the empty text, which represents all that are not kept.
    pub const NONE: TextNumber = 0;

    /// An empty set that takes about `room` bytes at most.
    pub fn new(room: usize) -> Self {
        Self {
            texts: vec![Arc::from("")],
            numbers: HashMap::new(),
            room,
        }
    }

    /// The number of a text, which is kept if there is room.
    pub fn number(&mut self, text: &str) -> TextNumber {
        let text = start_of(text, TEXT_MAX);
        if text.is_empty() {
            return Self::NONE;
        }
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let cost = text.len().saturating_add(TEXT_COST);
        let number = TextNumber::try_from(self.texts.len());
        let (Ok(number), Some(room)) = (number, self.room.checked_sub(cost)) else {
            return Self::NONE;
        };
        self.room = room;
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    /// The number of texts, with the empty one.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The text with this number.
    pub fn text(&self, number: TextNumber) -> &str {
        self.texts.get(usize::from(number)).map_or("", |text| text)
    }

    /// The place of each text in alphabetical order, by number.
    pub fn ranks(&self) -> Vec<TextNumber> {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        order.sort_by_key(|number| self.texts.get(*number));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in order.into_iter().enumerate() {
            if let Some(place) = ranks.get_mut(number) {
                *place = TextNumber::try_from(rank).unwrap_or(TextNumber::MAX);
            }
        }
        ranks
    }
}

/// The first bytes of a text, cut between characters.
pub fn start_of(text: &str, bytes_max: usize) -> &str {
    let ends = (0..=bytes_max.min(text.len())).rev();
    let end = ends.take(4).find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number_and_memory_is_limited() {
        let mut texts = Texts::new(2 * (TEXT_COST + 1) + 1);
        let (a, b) = (texts.number("b"), texts.number("a"));
        assert_eq!(texts.number("b"), a);
        assert_ne!(a, b);
        assert_eq!(texts.number("c"), Texts::NONE);
        assert_eq!((texts.text(a), texts.text(Texts::NONE)), ("b", ""));
        assert_eq!(texts.ranks(), [0, 2, 1]);
    }
}
