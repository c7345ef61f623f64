//! Prints lines and blocks.

use super::WIDTH_MAX;
use super::columns::{Shape, columns};
use super::layout::{Block, Context, Item, Line, Piece};
use super::spacing::{blank_between, is_sign};
use crate::parse::{goes_on_before, may_break_before};
use crate::tokens::{Token, TokenKind};

/// Blanks of one indentation.
const INDENT: usize = 2;
/// What goes on in brackets stands below what they begin with, unless that stands farther right than this.
const ALIGN_MAX: usize = 64;
/// A cell wider than this has no say in the width of its column.
const CELL_MAX: usize = 40;

/// A piece of a statement, ready to be put on a line.
struct Atom<'p, 'a> {
    kind: AtomKind<'p, 'a>,
    /// Blanks before it, where it does not begin a line.
    blanks: usize,
    /// If the line may be broken before it: the higher, the less gladly.
    rank: Option<usize>,
}

enum AtomKind<'p, 'a> {
    Text(&'a str),
    /// A block on lines of its own.
    Block(&'p Block<'a>),
    Comment {
        text: &'a str,
        own_line: bool,
    },
}

/// A whole file.
pub(super) fn file(mut items: Vec<Item<'_>>) -> String {
    break_wide_blocks(&mut items, 0, Context::Top);
    let mut printer = Printer { out: String::new(), brackets: Vec::new() };
    printer.items(&items, 0, Context::Top);
    printer.out
}

/// A block that stands on one line is broken if the line is too wide.
fn break_wide_blocks(items: &mut [Item<'_>], indent: usize, context: Context) {
    // The names of fields stand in a column, which moves what is behind them to the right.
    let name = |item: &Item<'_>| match item {
        Item::Line(line) => line.token(0).map(|token| token.text.chars().count()).filter(|width| *width <= CELL_MAX),
        Item::Comment(_) | Item::Blank => None,
    };
    let widest = if context == Context::Fields { items.iter().filter_map(name).max().unwrap_or_default() } else { 0 };
    for item in items {
        let moved = widest.saturating_sub(name(item).unwrap_or(widest));
        let Item::Line(line) = item else { continue };
        let too_wide = flat_width(line) + indent + moved > WIDTH_MAX;
        for piece in &mut line.pieces {
            if let Piece::Block(block) = piece {
                block.multiline |= too_wide && !block.items.is_empty();
                if block.multiline {
                    break_wide_blocks(&mut block.items, indent + INDENT, block.context);
                }
            }
        }
    }
}

/// The width of a statement on one line, up to its first block of several lines.
fn flat_width(line: &Line<'_>) -> usize {
    let mut width = 0;
    for atom in atoms(line, &[]) {
        match atom.kind {
            AtomKind::Text(text) => width += atom.blanks + text.chars().count(),
            AtomKind::Block(_) => return width + 2,
            AtomKind::Comment { .. } => {}
        }
    }
    width
}

struct Printer {
    out: String,
    /// The columns behind the brackets that are open in the current statement.
    brackets: Vec<usize>,
}

impl Printer {
    fn line_end(&mut self) {
        while self.out.ends_with(' ') {
            self.out.pop();
        }
        self.out.push('\n');
    }

    fn blanks(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    /// The column at which the current line ends.
    fn column(&self) -> usize {
        self.out.rsplit('\n').next().unwrap_or_default().chars().count()
    }

    fn items(&mut self, items: &[Item<'_>], indent: usize, context: Context) {
        let mut start = 0;
        let mut before: Option<&Line<'_>> = None;
        let attached = attached(items, context);
        let behind_comments = behind_comments(items);
        while let Some(item) = items.get(start) {
            let rest = items.get(start..).unwrap_or_default();
            let length = match item {
                Item::Line(line) => run_length(line, rest, context),
                Item::Comment(_) | Item::Blank => 1,
            };
            let run = rest.get(..length).unwrap_or_default();
            let is_attached = |index: usize| attached.get(index).copied().unwrap_or_default();
            let next = behind_comments.get(start).and_then(|next| Some((*next, items.get(*next)?)));
            let gap = gap_needed(items, start, before, context, next.filter(|(next, _)| !is_attached(*next)));
            if gap && !self.out.is_empty() && !self.out.ends_with("\n\n") {
                self.out.push('\n');
            }
            match item {
                Item::Line(line) => {
                    self.run(
                        run,
                        indent + if is_attached(start) || is_example(line, context) { INDENT } else { 0 },
                        context,
                    );
                }
                Item::Comment(text) => {
                    // Above an example it is indented as the example is.
                    let example = matches!(next, Some((_, Item::Line(line))) if is_example(line, context));
                    self.blanks(indent + if example { INDENT } else { 0 });
                    self.out.push_str(text);
                    self.line_end();
                }
                Item::Blank if self.out.ends_with("\n\n") => {}
                Item::Blank => self.out.push('\n'),
            }
            if let Some(Item::Line(last)) = run.last() {
                before = Some(last);
            }
            start += length;
        }
    }

    /// Adjacent statements of one shape, in columns.
    fn run(&mut self, run: &[Item<'_>], indent: usize, context: Context) {
        let lines: Vec<(&Line<'_>, Shape, Vec<usize>)> = run
            .iter()
            .filter_map(|item| match item {
                Item::Line(line) => Some((line, columns(line, context))),
                Item::Comment(_) | Item::Blank => None,
            })
            .map(|(line, (shape, starts))| (line, shape, starts))
            .collect();
        let widths: Vec<Vec<usize>> = lines.iter().map(|(line, _, starts)| cell_widths(line, starts)).collect();
        let column_count = widths.iter().map(Vec::len).max().unwrap_or_default();
        let column_width = |column: usize| {
            widths.iter().filter_map(|cells| cells.get(column)).filter(|width| **width <= CELL_MAX).max().copied()
        };
        let column_widths: Vec<usize> =
            (0..column_count).map(|column| column_width(column).unwrap_or_default()).collect();
        for ((line, shape, starts), cells) in lines.iter().zip(&widths) {
            let gap = if matches!(shape, Shape::Field) { 2 } else { 1 };
            let blanks: Vec<(usize, usize)> = starts
                .iter()
                .zip(cells.iter().zip(&column_widths))
                .map(|(start, (width, column))| (*start, gap + column.saturating_sub(*width)))
                .collect();
            self.line(line, indent, *shape, &blanks);
        }
    }

    /// One statement; `columns` says how many blanks stand before which piece.
    fn line(&mut self, line: &Line<'_>, indent: usize, shape: Shape, columns: &[(usize, usize)]) {
        self.blanks(indent);
        let outer = std::mem::take(&mut self.brackets);
        let atoms = atoms(line, columns);
        let mut segment: Vec<&Atom<'_, '_>> = Vec::new();
        let mut goes_on = indent + 2 * INDENT;
        if matches!(shape, Shape::Assignment | Shape::Let | Shape::Arrow)
            && let Some((start, _)) = columns.first()
        {
            let before: usize = atoms.iter().take(*start).map(|atom| atom.blanks + text_width(atom)).sum();
            let sign = atoms.get(*start).map_or(0, |atom| atom.blanks + text_width(atom) + 1);
            if before + sign <= CELL_MAX + 8 {
                goes_on = indent + before + sign;
            }
        }
        for atom in &atoms {
            match &atom.kind {
                AtomKind::Text(_) => segment.push(atom),
                AtomKind::Block(block) => {
                    self.segment(&std::mem::take(&mut segment), goes_on);
                    self.blanks(atom.blanks);
                    self.block(block, indent);
                }
                AtomKind::Comment { text, own_line } => {
                    self.segment(&std::mem::take(&mut segment), goes_on);
                    let begins_line = self.line_is_blank();
                    match (own_line, begins_line) {
                        (false, false) => self.blanks(2),
                        (true, false) => {
                            self.line_end();
                            self.blanks(self.goes_on(goes_on));
                        }
                        (_, true) => {}
                    }
                    self.out.push_str(text);
                    self.line_end();
                    self.blanks(self.goes_on(goes_on));
                }
            }
        }
        self.segment(&segment, goes_on);
        if let Some(comment) = line.comment {
            self.blanks(2);
            self.out.push_str(comment);
        }
        self.brackets = outer;
        self.line_end();
    }

    /// Pieces without a block of several lines, broken where they are too wide.
    fn segment(&mut self, atoms: &[&Atom<'_, '_>], goes_on: usize) {
        let mut rest = atoms;
        while !rest.is_empty() {
            let length = self.fitting(rest);
            let (now, later) = rest.split_at(length);
            for atom in now {
                let begins_line = self.out.is_empty() || self.out.ends_with('\n') || self.line_is_blank();
                if !begins_line {
                    self.blanks(atom.blanks);
                }
                if let AtomKind::Text(text) = atom.kind {
                    self.out.push_str(text);
                    self.bracket(text);
                }
            }
            rest = later;
            if !rest.is_empty() {
                self.line_end();
                self.blanks(self.goes_on(goes_on));
            }
        }
    }

    /// Notes a bracket that opens or closes.
    fn bracket(&mut self, text: &str) {
        match text {
            "(" | "[" => self.brackets.push(self.column()),
            "{" => self.brackets.push(self.column() + 1),
            ")" | "]" | "}" => {
                self.brackets.pop();
            }
            _ => {}
        }
    }

    /// Where a statement goes on, which goes on at `outside` where no bracket is open.
    fn goes_on(&self, outside: usize) -> usize {
        match self.brackets.last() {
            Some(column) if *column <= ALIGN_MAX => *column,
            Some(_) => outside + INDENT,
            None => outside,
        }
    }

    fn line_is_blank(&self) -> bool {
        self.out.rsplit('\n').next().unwrap_or_default().trim().is_empty()
    }

    /// How many atoms go on the current line: all, or up to the best place to break it.
    fn fitting(&self, atoms: &[&Atom<'_, '_>]) -> usize {
        let mut column = self.column();
        let mut best: Option<(usize, usize)> = None;
        let mut first_beyond = None;
        let mut fits = true;
        for (index, atom) in atoms.iter().enumerate() {
            // What follows changes nothing any more.
            if column > WIDTH_MAX && (best.is_some() || first_beyond.is_some()) {
                break;
            }
            if let Some(rank) = atom.rank.filter(|_| index > 0) {
                if column <= WIDTH_MAX && best.is_none_or(|(known, _)| rank <= known) {
                    best = Some((rank, index));
                }
                if column > WIDTH_MAX && first_beyond.is_none() {
                    first_beyond = Some(index);
                }
            }
            column += atom.blanks + text_width(atom);
            fits &= column <= WIDTH_MAX;
        }
        if fits { atoms.len() } else { best.map(|(_, index)| index).or(first_beyond).unwrap_or(atoms.len()) }
    }

    fn block(&mut self, block: &Block<'_>, indent: usize) {
        self.out.push('{');
        if let Some(comment) = block.comment {
            self.blanks(2);
            self.out.push_str(comment);
        }
        self.line_end();
        self.items(&block.items, indent + INDENT, block.context);
        self.blanks(indent);
        self.out.push('}');
    }
}

fn text_width(atom: &Atom<'_, '_>) -> usize {
    match atom.kind {
        AtomKind::Text(text) => text.chars().count(),
        AtomKind::Block(_) | AtomKind::Comment { .. } => 0,
    }
}

/// How many items from here on stand in columns together.
fn run_length(line: &Line<'_>, items: &[Item<'_>], context: Context) -> usize {
    let (shape, _) = columns(line, context);
    if shape == Shape::Plain || !aligns(line, shape) {
        return 1;
    }
    let same = |item: &&Item<'_>| match item {
        Item::Line(next) => columns(next, context).0 == shape && aligns(next, shape),
        Item::Comment(_) | Item::Blank => false,
    };
    items.iter().take_while(same).count()
}

/// May a statement stand in columns with others? A field may although its block is broken.
fn aligns(line: &Line<'_>, shape: Shape) -> bool {
    let comment_inside = line.pieces.iter().any(|piece| matches!(piece, Piece::Comment { .. }));
    match shape {
        Shape::Field => !comment_inside,
        Shape::Assignment | Shape::Let | Shape::Arrow | Shape::Named | Shape::Plain => !line.is_broken(),
    }
}

/// The widths of all cells but the last; a cell with a block of several lines counts as too wide.
fn cell_widths(line: &Line<'_>, starts: &[usize]) -> Vec<usize> {
    let mut widths = Vec::new();
    let mut from = 0;
    for start in starts {
        let pieces = line.pieces.get(from..*start).unwrap_or_default();
        let broken = pieces.iter().any(|piece| matches!(piece, Piece::Block(block) if block.multiline));
        let mut cell = Flattened::default();
        cell.pieces(pieces, &[]);
        let width = cell
            .atoms
            .iter()
            .enumerate()
            .map(|(index, atom)| text_width(atom) + if index == 0 { 0 } else { atom.blanks });
        widths.push(if broken { CELL_MAX + 1 } else { width.sum() });
        from = *start;
    }
    widths
}

/// Is it an `example`, which stands indented below its table or rule?
fn is_example(line: &Line<'_>, context: Context) -> bool {
    context == Context::Top && line.begins_with("example")
}

/// Of each item: is it a remark on the line below the statement that it belongs to?
fn attached(items: &[Item<'_>], context: Context) -> Vec<bool> {
    let mut found = Vec::with_capacity(items.len());
    let mut above = None;
    for item in items {
        let line = match item {
            Item::Line(line) => Some(line),
            Item::Comment(_) | Item::Blank => None,
        };
        let remark = line.is_some_and(Line::is_remark);
        // `above`: is there a line right above, that is a statement or belongs to one?
        let belongs = matches!(context, Context::Top | Context::Statements)
            && remark
            && above == Some(true)
            && line.is_some_and(|line| !line.behind_semicolon);
        found.push(belongs);
        above = line.map(|_| !remark || belongs);
    }
    found
}

/// Of each item: the place of the first item from it on that is no comment.
fn behind_comments(items: &[Item<'_>]) -> Vec<usize> {
    let mut found = vec![items.len(); items.len()];
    let mut next = items.len();
    for (index, (item, place)) in items.iter().zip(&mut found).enumerate().rev() {
        if !matches!(item, Item::Comment(_)) {
            next = index;
        }
        *place = next;
    }
    found
}

/// Must a blank line stand before an item? `next` is the first from it on that is no comment, unless that is attached to a line above.
fn gap_needed(
    items: &[Item<'_>],
    index: usize,
    before: Option<&Line<'_>>,
    context: Context,
    next: Option<(usize, &Item<'_>)>,
) -> bool {
    let (Some(before), Some(item)) = (before, items.get(index)) else { return false };
    let under_a_line = index.checked_sub(1).is_some_and(|above| matches!(items.get(above), Some(Item::Line(_))));
    if !under_a_line || matches!(item, Item::Blank) {
        return false;
    }
    if let (Item::Line(line), Context::Statements) = (item, context) {
        // On the next line the remark would belong to the statement above it.
        return line.is_remark() && line.behind_semicolon;
    }
    // Comments above a definition belong to it.
    let (Some((_, Item::Line(next))), Context::Top) = (next, context) else { return false };
    let example =
        next.begins_with("example") && ["rule", "table", "example"].iter().any(|word| before.begins_with(word));
    !example && !before.is_remark() && (before.is_broken() || next.is_broken() || kind(before) != kind(next))
}

/// The word that a definition begins with; `leave` and `ignore` are one kind.
fn kind<'a>(line: &Line<'a>) -> Option<&'a str> {
    match line.token(0)?.text {
        "ignore" => Some("leave"),
        word => Some(word),
    }
}

/// The atoms of a statement; `columns` says how many blanks stand before which piece.
fn atoms<'p, 'a>(line: &'p Line<'a>, columns: &[(usize, usize)]) -> Vec<Atom<'p, 'a>> {
    let rule = line.begins_with("rule");
    let bound = line.begins_with("let");
    let mut flattened = Flattened { rule, header: rule, bound, ..Flattened::default() };
    flattened.pieces(&line.pieces, columns);
    flattened.atoms
}

/// Pieces in a row, with the blocks that stand on one line.
#[derive(Default)]
struct Flattened<'p, 'a> {
    atoms: Vec<Atom<'p, 'a>>,
    last: [Option<Token<'a>>; 2],
    /// How deep brackets and blocks are nested here.
    depth: usize,
    /// Is this a `rule`, which is broken behind its `=` first?
    rule: bool,
    /// Is this a `let`? What goes on of it stands behind its `=`, so that a break there would win nothing.
    bound: bool,
    /// Is this the head of a `rule`, before its `=`?
    header: bool,
    /// Are these the digits of a `decimal(...)`, which stand close together?
    digits: bool,
}

impl<'p, 'a> Flattened<'p, 'a> {
    fn pieces(&mut self, pieces: &'p [Piece<'a>], columns: &[(usize, usize)]) {
        for (index, piece) in pieces.iter().enumerate() {
            let column = columns.iter().find(|(start, _)| *start == index).map(|(_, blanks)| *blanks);
            match piece {
                Piece::Token(token) => {
                    let next: Vec<Token<'a>> = pieces.iter().skip(index).map_while(token_of).take(3).collect();
                    self.token(*token, &next, column);
                }
                Piece::Block(block) if block.multiline => {
                    let blanks = column.unwrap_or_else(|| self.blanks_before(&brace("{")));
                    self.atoms.push(Atom { kind: AtomKind::Block(block), blanks, rank: None });
                    self.last = [None, Some(brace("}"))];
                }
                Piece::Block(block) => self.inline_block(block, column),
                Piece::Comment { text, own_line } => {
                    self.atoms.push(Atom {
                        kind: AtomKind::Comment { text, own_line: *own_line },
                        blanks: 0,
                        rank: None,
                    });
                }
            }
        }
    }

    fn blanks_before(&self, token: &Token<'a>) -> usize {
        let [before, last] = &self.last;
        last.as_ref().map_or(0, |last| usize::from(blank_between(before.as_ref(), last, token)))
    }

    fn token(&mut self, token: Token<'a>, next: &[Token<'a>], column: Option<usize>) {
        if token.is(")") || token.is("]") {
            self.depth = self.depth.saturating_sub(1);
        }
        let opens_digits = token.is("(") && self.last[1].is_some_and(|last| last.is("decimal"));
        self.digits = opens_digits || self.digits && !token.is(")");
        let close = self.digits && token.kind == TokenKind::Number;
        let blanks = if close { 0 } else { column.unwrap_or_else(|| self.blanks_before(&token)) };
        let rank = if close { None } else { self.rank(&token, next) };
        self.atoms.push(Atom { kind: AtomKind::Text(token.text), blanks, rank });
        if token.is("(") || token.is("[") {
            self.depth += 1;
        }
        self.header &= !token.is("=");
        self.last = [self.last[1], Some(token)];
    }

    /// How gladly the line may be broken before a token: brackets are kept together, commas after words.
    fn rank(&self, token: &Token<'a>, next: &[Token<'a>]) -> Option<usize> {
        let [before, last] = &self.last;
        let last = last.as_ref()?;
        if token.is(")") || token.is("]") || token.is("(") {
            return None;
        }
        let header = self.header && self.depth == 0 && last.is(")");
        if header {
            return Some(1);
        }
        if self.rule && last.is("=") && self.depth == 0 {
            return Some(0);
        }
        let after = last.is(",") || last.is("=") && self.depth == 0 && !self.bound;
        // With blanks on both sides it is no sign, and so goes on.
        if (token.is("+") || token.is("-")) && !is_sign(Some(last)) {
            return Some(2 + self.depth * 2);
        }
        let by_word = goes_on_before(next) && !last.is(".") && (token.is_name() || token.is("|"));
        if !(by_word || after && may_break_before([before.as_ref(), Some(last)], next)) {
            return None;
        }
        let gladly = !after && !["and", "or", "in", "is", "not"].iter().any(|word| token.is(word));
        Some(1 + self.depth * 2 + usize::from(!gladly))
    }

    fn inline_block(&mut self, block: &'p Block<'a>, column: Option<usize>) {
        let blanks = column.unwrap_or_else(|| self.blanks_before(&brace("{")));
        self.atoms.push(Atom { kind: AtomKind::Text("{"), blanks, rank: None });
        self.depth += 1;
        let mut separate = 1;
        for item in &block.items {
            let Item::Line(line) = item else { continue };
            if separate > 1 {
                self.atoms.push(Atom { kind: AtomKind::Text(";"), blanks: 0, rank: None });
            }
            let first = self.atoms.len();
            self.last = [None, None];
            self.pieces(&line.pieces, &[]);
            if let Some(atom) = self.atoms.get_mut(first) {
                atom.blanks = separate;
            }
            separate = 2;
        }
        self.depth -= 1;
        let closing = usize::from(!block.items.is_empty());
        self.atoms.push(Atom { kind: AtomKind::Text("}"), blanks: closing, rank: None });
        self.last = [None, Some(brace("}"))];
    }
}

fn token_of<'a>(piece: &Piece<'a>) -> Option<Token<'a>> {
    match piece {
        Piece::Token(token) => Some(*token),
        Piece::Block(_) | Piece::Comment { .. } => None,
    }
}

/// A brace as a token, for the blanks around it.
fn brace(text: &'static str) -> Token<'static> {
    Token::new(TokenKind::Symbol, text, 0)
}
