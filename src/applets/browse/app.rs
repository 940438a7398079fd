//! The state of the screen, and how results of the background change it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::acts::{ActOutcome, ActRequest};
use super::background::{Background, BackgroundAnswer};
use super::context::{ChosenInstance, SpoolAccess};
use super::details::{Detail, MessageDetails};
use super::dialog::Dialog;
use super::filter::ListFilter;
use super::message_state::MessageState;
use super::model::{Index, ListOrder, ListTotals, PassKind, SortColumn, WorkDone};
use super::overview_state::OverviewState;
use super::prompt::Prompt;
use super::scrolling::{Window, scrolled_to};
use super::theme::Theme;
use crate::spool::{Queue, QueueId};
use crate::sys::time;

/// The shortest time between the end of a pass and the next one.
const REFRESH_AFTER: Duration = Duration::from_secs(3);
/// The time between two passes, as a multiple of the time that a pass takes, so
/// that a large queue does not keep the disk busy.
const REFRESH_FACTOR: u32 = 40;
/// The time between two looks at the visible messages.
const DETAILS_AFTER: Duration = Duration::from_secs(3);
/// The number of messages by which a list that grows is sorted again.
const SORTED_EVERY: usize = 2;

/// How long the index works before keys are looked at again.
const WORK: Duration = Duration::from_millis(15);

/// The place of the cursor once the list has its new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CursorAfterSort {
    /// On the message on which it was.
    SameMessage,
    /// On the first message, which is what the user looks for.
    First,
}

/// The view that fills the screen.
#[derive(Debug)]
pub enum BrowseView {
    /// The list.
    List,
    /// The overview.
    Overview,
    /// A message.
    Message(Box<MessageState>),
}

/// A pass over the queue that is going on.
#[derive(Clone, Copy, Debug)]
struct QueuePass {
    kind: PassKind,
    /// The length of the list when it was sorted last.
    sorted_at: usize,
}

/// The state of the screen.
#[derive(Debug)]
pub struct App {
    /// The threads that read and act.
    pub background: Background,
    /// The rights of the caller.
    pub access: SpoolAccess,
    /// The instance, if one was chosen.
    pub instance: ChosenInstance,
    /// How texts are marked.
    pub theme: Theme,
    /// The messages.
    pub index: Index,
    /// The order of the list.
    pub order: ListOrder,
    /// Which messages are listed.
    pub filter: ListFilter,
    /// The view that fills the screen.
    pub view: BrowseView,
    /// The dialog over it, if there is one.
    pub dialog: Option<Dialog>,
    /// The line that is being typed.
    pub prompt: Option<Prompt>,
    /// The row under the cursor.
    pub cursor: usize,
    /// The first row of the screen.
    pub top: usize,
    /// The number of rows of the screen.
    pub height: usize,
    /// The columns of the visible rows that are not in the index.
    pub details: HashMap<Vec<u8>, Detail>,
    /// The overview.
    pub overview: OverviewState,
    /// The numbers in the first line.
    pub totals: ListTotals,
    /// The last result, for the line above the keys.
    pub status: String,
    /// The batches that can be taken back, the last one at the end.
    pub undo: Vec<String>,
    /// Whether an act is going on.
    pub is_acting: bool,
    /// Whether the screen of this instance is to end.
    pub is_over: bool,
    /// Whether the program is to end with it.
    pub is_quit: bool,
    /// Whether the screen has to be drawn again.
    pub is_changed: bool,
    pass: Option<QueuePass>,
    pass_number: u32,
    cursor_id: Vec<u8>,
    cursor_after_sort: CursorAfterSort,
    next_pass: Option<Instant>,
    next_details: Instant,
    asked: Vec<(Queue, QueueId)>,
}

impl App {
    /// The state at the start; the first pass begins.
    pub fn new(
        background: Background,
        filter: ListFilter,
        access: SpoolAccess,
        theme: Theme,
    ) -> Self {
        let mut app = Self {
            background,
            access,
            instance: ChosenInstance::default(),
            theme,
            index: Index::default(),
            order: ListOrder::by(SortColumn::Age),
            filter,
            view: BrowseView::List,
            dialog: None,
            prompt: None,
            cursor: 0,
            top: 0,
            height: 1,
            details: HashMap::new(),
            overview: OverviewState::default(),
            totals: ListTotals::default(),
            status: String::new(),
            undo: Vec::new(),
            is_acting: false,
            is_over: false,
            is_quit: false,
            is_changed: true,
            pass: None,
            pass_number: 0,
            cursor_id: Vec::new(),
            cursor_after_sort: CursorAfterSort::SameMessage,
            next_pass: None,
            next_details: Instant::now(),
            asked: Vec::new(),
        };
        app.begin_pass(PassKind::Filter);
        app
    }

    /// Whether a pass over the queue is going on.
    pub fn is_reading(&self) -> bool {
        self.pass.is_some()
    }

    /// Begins a pass over the queue; one that is going on ends.
    pub fn begin_pass(&mut self, kind: PassKind) {
        // A filter's pass that did not end has hidden what it did not reach.
        let kind = match self.pass {
            Some(pass) if pass.kind == PassKind::Filter => PassKind::Filter,
            _ => kind,
        };
        self.pass_number = self.pass_number.wrapping_add(1) & (u32::MAX >> 1);
        self.pass = Some(QueuePass { kind, sorted_at: 0 });
        self.next_pass = None;
        self.index.begin(kind);
        self.background.list(self.pass_number, &self.filter);
        self.is_changed = true;
    }

    /// Lists other messages, and goes to the first one.
    pub fn set_filter(&mut self, filter: ListFilter) {
        self.filter = filter;
        self.cursor_id.clear();
        (self.cursor, self.top) = (0, 0);
        self.overview.forget();
        self.status.clear();
        self.begin_pass(PassKind::Filter);
        if matches!(self.view, BrowseView::Overview) {
            self.count();
        }
    }

    /// Counts for the overview.
    pub fn count(&mut self) {
        self.overview.is_counting = true;
        self.background.count(&self.filter);
        self.is_changed = true;
    }

    /// Acts in the background.
    pub fn act(&mut self, request: ActRequest) {
        if let ActRequest::Undo(batch) = &request {
            self.undo.retain(|known| known != batch);
        }
        self.is_acting = true;
        self.next_pass = None;
        self.pass = None;
        self.background.act(request);
        self.is_changed = true;
    }

    /// Takes the results of the background, for a limited time.
    pub fn take_answers(&mut self, limit: Duration) {
        let start = Instant::now();
        while start.elapsed() < limit {
            let Some(answer) = self.background.answer() else {
                break;
            };
            self.take(answer);
            self.is_changed = true;
        }
    }

    fn take(&mut self, answer: BackgroundAnswer) {
        match answer {
            BackgroundAnswer::Rows(number, rows)
                if number == self.pass_number && self.pass.is_some() =>
            {
                rows.iter().for_each(|row| self.index.add(row));
                self.sort_growing();
            }
            BackgroundAnswer::Rows(..) => {}
            BackgroundAnswer::PassEnded(number, took, ended) if number == self.pass_number => {
                self.end_pass(took, ended);
            }
            BackgroundAnswer::PassEnded(..) => {}
            BackgroundAnswer::Counts(counts) => self.overview.take(*counts),
            BackgroundAnswer::Details(details) => {
                self.details = details.into_iter().map(|d| (d.id.clone(), d)).collect();
            }
            BackgroundAnswer::Message(message) => self.show_message(*message),
            BackgroundAnswer::Acted(outcome) => self.acted(outcome),
        }
    }

    /// Sorts a list that grows, less often the longer it is.
    fn sort_growing(&mut self) {
        let length = self.index.len();
        if !self.index.is_sorting()
            && let Some(pass) = &mut self.pass
            && pass.kind == PassKind::Filter
            && length > pass.sorted_at.saturating_mul(SORTED_EVERY)
        {
            pass.sorted_at = length;
            self.sort();
        }
    }

    fn end_pass(&mut self, took: Duration, ended: Result<(), String>) {
        let Some(pass) = self.pass.take() else {
            return;
        };
        match ended {
            Ok(()) => self.index.end(pass.kind),
            Err(problem) => self.status = problem,
        }
        self.sort();
        self.totals = ListTotals::of(&self.index);
        let wait = took.saturating_mul(REFRESH_FACTOR).max(REFRESH_AFTER);
        self.next_pass = Instant::now().checked_add(wait);
        self.asked.clear();
    }

    /// Sorts in another order, and goes to the first message unless the cursor
    /// is moved before that is done.
    pub fn sort_by(&mut self, order: ListOrder) {
        self.order = order;
        self.cursor_after_sort = CursorAfterSort::First;
        self.sort();
    }

    /// Begins to sort; a short list is sorted at once.
    fn sort(&mut self) {
        self.index.sort(self.order);
        self.work();
    }

    /// Whether there is work to do between keys.
    pub fn has_work(&self) -> bool {
        self.index.has_work()
    }

    /// Continues long operations for a short time.
    pub fn work(&mut self) {
        let until = Instant::now().checked_add(WORK);
        if self.has_work()
            && self.index.work(until.unwrap_or_else(Instant::now)) == WorkDone::Sorted
        {
            self.sorted();
        }
    }

    /// Puts the cursor where it belongs in the new order.
    fn sorted(&mut self) {
        self.is_changed = true;
        if self.cursor_after_sort == CursorAfterSort::First {
            self.go_to(0);
            return;
        }
        let offset = self.cursor.saturating_sub(self.top);
        if !self.cursor_id.is_empty()
            && let Some(place) = self.index.place_of(&self.cursor_id)
        {
            self.cursor = place;
            self.top = place.saturating_sub(offset);
        }
        self.keep_cursor_visible();
    }

    fn show_message(&mut self, message: Option<MessageDetails>) {
        let BrowseView::Message(state) = &mut self.view else {
            return;
        };
        match message {
            Some(text) => state.text = Some(text),
            None => {
                self.view = BrowseView::List;
                self.status = "the message has left the queue".to_owned();
            }
        }
    }

    fn acted(&mut self, outcome: ActOutcome) {
        self.is_acting = false;
        self.undo.extend(outcome.undo.clone());
        self.dialog = Some(Dialog::Outcome(outcome));
        self.begin_pass(PassKind::Refresh);
    }

    /// Moves the cursor to a row.
    pub fn go_to(&mut self, place: usize) {
        self.cursor = place;
        self.cursor_after_sort = CursorAfterSort::SameMessage;
        self.keep_cursor_visible();
        self.remember_cursor();
    }

    /// Remembers the message under the cursor, on which it stays.
    pub fn remember_cursor(&mut self) {
        let row = self.index.at(self.cursor);
        self.cursor_id = row.map_or_else(Vec::new, |row| self.index.id(row).to_vec());
    }

    /// Moves the screen so that the cursor is on it.
    pub fn keep_cursor_visible(&mut self) {
        let window = Window {
            top: self.top,
            height: self.height,
        };
        (self.cursor, self.top) = scrolled_to(self.cursor, window, self.index.len());
    }

    /// Begins the work that is due: another pass, or reading the visible rows again.
    pub fn tick(&mut self) {
        let now = Instant::now();
        if !self.is_acting && self.next_pass.is_some_and(|due| due <= now) {
            self.begin_pass(PassKind::Refresh);
            if matches!(self.view, BrowseView::Overview) {
                self.count();
            }
        }
        if matches!(self.view, BrowseView::List) {
            self.ask_for_details(now);
        }
    }

    fn ask_for_details(&mut self, now: Instant) {
        let visible = (self.top..self.top.saturating_add(self.height))
            .filter_map(|place| self.index.at(place));
        let name = |row: &super::model::Row| {
            let id = QueueId::parse(self.index.id(row))?;
            Some((row.queue()?, id))
        };
        let names: Vec<(Queue, QueueId)> = visible.filter_map(name).collect();
        if names != self.asked || now >= self.next_details {
            self.next_details = now.checked_add(DETAILS_AFTER).unwrap_or(now);
            self.asked.clone_from(&names);
            self.background.details(names);
        }
    }

    /// The time at which ages are computed.
    pub fn now(&self) -> i64 {
        time::now()
    }
}
