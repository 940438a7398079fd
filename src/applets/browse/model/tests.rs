//! Tests of the index as a whole: passes, tags, sorting in steps, and the rows of
//! messages that are gone.

use std::time::Instant;

use super::index::ROWS_MAX;
use super::order::Keys;
use super::{
    Index, ListOrder, ListedMessage, PassKind, Row, RowFlag, SortColumn, TagChange, WorkDone,
};

fn message(id: &str, arrival: i64, inode: u64) -> ListedMessage {
    ListedMessage {
        id: id.into(),
        arrival,
        inode,
        queue: 3,
        sender: format!("{id}@example.com"),
        ..ListedMessage::default()
    }
}

fn pass(index: &mut Index, kind: PassKind, messages: &[ListedMessage]) {
    index.begin(kind);
    messages.iter().for_each(|message| index.add(message));
    index.end(kind);
}

fn ids(index: &Index) -> Vec<String> {
    let rows = (0..index.len()).filter_map(|place| index.at(place));
    let text = |row: &Row| String::from_utf8_lossy(index.id(row)).into_owned();
    rows.map(text).collect()
}

fn work(index: &mut Index) {
    while index.has_work() {
        index.work(Instant::now());
    }
}

fn sort(index: &mut Index, order: ListOrder) {
    index.sort(order);
    work(index);
}

/// Messages whose properties are in different orders.
fn many(count: u64) -> Vec<ListedMessage> {
    let number = |n: u64, by: u64| n * by % count;
    let message = |n: u64| ListedMessage {
        size: number(n, 7919),
        recipients: n % 3,
        reason: format!("reason {}", number(n, 31) % 50),
        sender: format!("{}@example.com", n % 200),
        ..message(&format!("{n:06X}"), i64::try_from(n / 2).unwrap(), n + 1)
    };
    (0..count).map(message).collect()
}

fn tagged(index: &Index) -> Vec<String> {
    let text = |row: &Row| String::from_utf8_lossy(index.id(row)).into_owned();
    index.tagged_rows().map(text).collect()
}

#[test]
fn tags_follow_the_message_and_not_its_name() {
    let mut index = Index::default();
    let (a, b, c) = (message("A", 1, 7), message("B", 2, 8), message("C", 3, 9));
    pass(
        &mut index,
        PassKind::Filter,
        &[a.clone(), b.clone(), c.clone()],
    );
    index.change_tags(TagChange::All);
    let reused = message("B", 5, 10);
    pass(&mut index, PassKind::Refresh, &[c, reused]);
    assert_eq!(tagged(&index), ["C"]);
    assert_eq!(index.tagged(), 1);
    // A is shown as gone, and removed by the next pass.
    assert_eq!(ids(&index), ["A", "B", "C"]);
    assert!(index.at(0).unwrap().is(RowFlag::Gone));
    pass(&mut index, PassKind::Refresh, &[a, b]);
    assert_eq!(index.len(), 3);
    assert_eq!(tagged(&index), [""; 0]);
}

#[test]
fn tagged_messages_survive_another_filter() {
    let mut index = Index::default();
    let (a, b) = (message("A", 1, 7), message("B", 2, 8));
    pass(&mut index, PassKind::Filter, &[a.clone(), b.clone()]);
    index.toggle(0);
    pass(&mut index, PassKind::Filter, std::slice::from_ref(&b));
    assert_eq!(
        (ids(&index), tagged(&index)),
        (vec!["B".into()], vec!["A".into()])
    );
    pass(&mut index, PassKind::Filter, &[b, a]);
    sort(&mut index, ListOrder::by(SortColumn::Age));
    assert_eq!(ids(&index), ["A", "B"]);
    assert_eq!(index.tagged(), 1);
    index.change_tags(TagChange::Inverted);
    assert_eq!(tagged(&index), ["B"]);
}

#[test]
fn every_order_is_that_of_one_sort_and_takes_many_steps() {
    let mut index = Index::default();
    pass(&mut index, PassKind::Filter, &many(20_011));
    for column in SortColumn::ALL {
        for order in [ListOrder::by(column), ListOrder::by(column).reversed()] {
            let before = ids(&index);
            index.sort(order);
            let mut steps = 0;
            while index.work(Instant::now()) == WorkDone::Unchanged {
                steps += 1;
                assert!(steps > 9 || ids(&index) == before, "the list is usable");
            }
            assert!((10..1000).contains(&steps), "{order:?}: {steps}");
            let listed = ids(&index);
            let ranks = [index.senders.ranks(), index.reasons.ranks()];
            let rank = |n: usize, number: u16| ranks[n][usize::from(number)];
            let keys = |place: usize| {
                let row = index.at(place).unwrap();
                Keys {
                    row,
                    id: index.id(row),
                    sender: rank(0, row.sender),
                    reason: rank(1, row.reason),
                }
            };
            for place in 1..listed.len() {
                let ordering = order.compare(&keys(place - 1), &keys(place));
                assert!(ordering.is_lt(), "{order:?} at {place}");
            }
        }
    }
}

#[test]
fn another_sort_takes_the_place_of_one_that_goes_on() {
    let mut index = Index::default();
    let messages = many(9_001);
    pass(&mut index, PassKind::Filter, &messages);
    index.sort(ListOrder::by(SortColumn::Size));
    index.work(Instant::now());
    sort(&mut index, ListOrder::by(SortColumn::Id).reversed());
    assert_eq!(ids(&index)[0], format!("{:06X}", 9_000));
    // A pass that begins does not end it, but what the pass adds comes last.
    index.sort(ListOrder::by(SortColumn::Id));
    index.begin(PassKind::Refresh);
    assert!(index.is_sorting());
    index.add(&message("000000X", 0, 1));
    work(&mut index);
    let listed = ids(&index);
    assert_eq!(
        (listed[0].as_str(), listed[9_001].as_str()),
        ("000000", "000000X")
    );
}

#[test]
fn rows_of_messages_that_are_gone_are_used_again() {
    let mut index = Index::default();
    let messages = many(12_000);
    pass(&mut index, PassKind::Filter, &messages);
    let (bytes, kept) = (index.ids.len(), &messages[..100]);
    for _ in 0..3 {
        pass(&mut index, PassKind::Refresh, kept);
        index.begin(PassKind::Refresh);
        index.work(Instant::now());
        assert!(index.has_work(), "12,000 rows are not freed in one step");
        // While rows are freed, some of the messages come back.
        messages[5_000..]
            .iter()
            .for_each(|message| index.add(message));
        work(&mut index);
        messages.iter().for_each(|message| index.add(message));
        index.end(PassKind::Refresh);
        sort(&mut index, ListOrder::by(SortColumn::Id));
        let expected: Vec<String> = (0..12_000).map(|n| format!("{n:06X}")).collect();
        assert!(ids(&index) == expected);
        assert_eq!((index.rows.len(), index.ids.len()), (12_000, bytes));
        assert_eq!(index.place_of(b"000FFF"), Some(0xFFF));
    }
    // A longer ID does not fit into the place of a shorter one.
    pass(&mut index, PassKind::Filter, &[message("LONGER01", 1, 1)]);
    work(&mut index);
    pass(
        &mut index,
        PassKind::Filter,
        &[message("LONGER02", 1, 1), message("A", 2, 1)],
    );
    assert_eq!(ids(&index), ["LONGER02", "A"]);
    assert_eq!(index.rows.len(), 12_001);
}

#[test]
fn a_million_tagged_rows_fit_into_the_memory() {
    let mut index = Index::default();
    pass(&mut index, PassKind::Filter, &many(200_000));
    index.change_tags(TagChange::All);
    index.sort(ListOrder::by(SortColumn::Size));
    index.work(Instant::now());
    assert_eq!(index.tagged(), 200_000);
    // A row, its ID of up to 16 bytes, its place, and that while sorting.
    let table = std::mem::size_of_val(index.table.places());
    let of_a_row = size_of::<Row>() + 16 + 2 * size_of::<u32>();
    assert!(of_a_row * ROWS_MAX + table <= 58 << 20);
    assert!(index.rows.capacity() <= ROWS_MAX);
}
