//! `map MAPPING`: NDJSON in, NDJSON out, no endpoint.
//!
//! In: one source record a line. Out: one target record a line; what was not mapped goes to another stream, one line a
//! record, with every reason. Memory does not grow with the number of records.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use jiff::Timestamp;
use mapwright_values::settings::check_settings;
use mapwright_values::{
    Input, Integration, Json, Malformed, Mapping, Outcome, Records, Reference, References, Rejection, Resolved,
    Sources, Used,
};
use memchr::{memchr_iter, memrchr};
use serde_json::json;

use crate::answers::Answers;
use crate::command::MapArguments;
use crate::say::note;
use crate::{Ending, Faults};

/// Rounds in which a mapping may ask for references; each answers a `find` that depends on the one before.
const ROUNDS_MAX: usize = 16;

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// So many bytes of input are read at once, and mapped by one thread before another's turn.
const CHUNK_BYTES: usize = 128 * 1024;

/// What was read into and written to is kept up to this length.
const KEPT_BYTES_MAX: usize = 8 * CHUNK_BYTES;

/// More threads than any machine has cores for.
const THREADS_MAX: usize = 256;

/// So many chunks wait for a thread, and so many answers of it to be written.
const WAITING_MAX: usize = 2;

/// So many answers are kept for lines to come.
const REFERENCES_MAX: usize = 10_000;

const STOPPED: &str = "a thread that maps records has stopped: that is a fault of the program";

const OUTPUT: &str = "cannot write the mapped records";
const REFUSED: &str = "cannot write the rejections";

/// What became of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines read, blank ones left out.
    pub read: u64,
    /// Target records written.
    pub mapped: u64,
    /// Not wanted by the spec.
    pub skipped: u64,
    /// Rejected, waiting, malformed, or a reference unanswered.
    pub rejected: u64,
}

impl Tally {
    fn add(&mut self, more: Tally) {
        self.read += more.read;
        self.mapped += more.mapped;
        self.skipped += more.skipped;
        self.rejected += more.rejected;
    }
}

/// How records are mapped.
pub struct Setup<'a> {
    /// The project.
    pub integration: &'a Integration,
    /// The mapping.
    pub mapping: &'a Mapping,
    /// Its settings, complete.
    pub settings: &'a Json<'static>,
    /// Answers to its references.
    pub answers: &'a Answers<'a>,
    /// The time of capture.
    pub captured_at: Timestamp,
}

/// The command.
pub(crate) fn carry_out(integration: &Integration, arguments: &MapArguments) -> Result<Ending, Faults> {
    let mapping = integration.mapping(&arguments.mapping).ok_or_else(|| {
        let known: Vec<&str> = integration.mappings.iter().map(|mapping| mapping.name).collect();
        format!("no mapping `{}`; there are: {}", arguments.mapping, known.join(", "))
    })?;
    let references = arguments.references.as_deref().map(read).transpose()?;
    let answers = match (&references, &arguments.references) {
        (Some(text), Some(file)) => Answers::parse(text).map_err(|fault| format!("{}: {fault}", file.display()))?,
        (Some(_) | None, _) => Answers::default(),
    };
    let given = match &arguments.settings {
        Some(file) => read(file)?,
        None => "{}".to_owned(),
    };
    let given = Json::parse(&given).map_err(|error| {
        let file = arguments.settings.as_deref().unwrap_or(Path::new("settings")).display();
        format!("{file}: line {}: {}", error.line, error.message)
    })?;
    let settings = check_settings(integration.plan.settings, &given).map_err(Faults)?;
    let setup = Setup {
        integration,
        mapping,
        settings: &settings,
        answers: &answers,
        captured_at: arguments.at.unwrap_or_else(Timestamp::now),
    };
    let threads = match arguments.threads {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        threads => threads.min(THREADS_MAX),
    };
    let input = std::io::stdin().lock();
    let output = std::io::stdout().lock();
    let tally = match &arguments.rejections {
        Some(path) => {
            let file = File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
            let tally = map_lines(&setup, input, output, file, threads)?;
            let Tally { read, mapped, skipped, rejected } = tally;
            note!("read {read}, mapped {mapped}, skipped {skipped}, rejected {rejected} (see {})", path.display());
            tally
        }
        None => map_lines(&setup, input, output, std::io::stderr().lock(), threads)?,
    };
    Ok(if tally.rejected > 0 { Ending::NeedsAPerson } else { Ending::Well })
}

fn read(path: &Path) -> Result<String, Faults> {
    std::fs::read_to_string(path).map_err(|error| Faults(vec![format!("cannot read {}: {error}", path.display())]))
}

enum Verdict {
    /// So many records were written.
    Mapped(u64),
    Skipped(serde_json::Value),
    Refused(serde_json::Value),
}

/// Some whole lines of the input.
struct Chunk {
    /// The lines, and behind them what does not count.
    bytes: Vec<u8>,
    end: usize,
    /// To be written to.
    mapped: String,
}

/// A chunk, and the number of its first line, from 0.
type Numbered = (Chunk, usize);

/// What became of a chunk.
#[derive(Default)]
struct Answer {
    mapped: String,
    refused: String,
    tally: Tally,
    /// How many lines the chunk has.
    lines: usize,
    /// The chunk's own, to be read into again.
    bytes: Vec<u8>,
}

/// Cuts the input into chunks of whole lines.
struct Chunks<R> {
    input: R,
    /// To be read into next, from behind the part of a line that is there already.
    ahead: Vec<u8>,
    filled: usize,
    /// To read into and to write to: what has been mapped.
    free: Vec<(Vec<u8>, String)>,
}

impl<R: Read> Chunks<R> {
    fn new(input: R) -> Self {
        Chunks { input, ahead: Vec::new(), filled: 0, free: Vec::new() }
    }

    /// The whole lines of what can be read at once, at least one; `None` at the end.
    fn next(&mut self) -> std::io::Result<Option<Chunk>> {
        let (next, mapped) = self.free.pop().unwrap_or_default();
        let mut bytes = std::mem::replace(&mut self.ahead, next);
        let mut filled = std::mem::take(&mut self.filled);
        let end = loop {
            bytes.resize(bytes.len().max(filled + CHUNK_BYTES), 0);
            let place = bytes.get_mut(filled..filled + CHUNK_BYTES).unwrap_or_default();
            let read = read_into(&mut self.input, place).map_err(|error| told("cannot read the input", &error))?;
            let last = memrchr(b'\n', place.get(..read).unwrap_or_default());
            let before = filled;
            filled += read;
            match last {
                Some(at) => break before + at + 1,
                None if read == 0 => break before,
                None => {}
            }
        };
        if end == 0 {
            return Ok(None);
        }
        let rest = bytes.get(end..filled).unwrap_or_default();
        self.ahead.resize(self.ahead.len().max(rest.len()), 0);
        if let Some(start) = self.ahead.get_mut(..rest.len()) {
            start.copy_from_slice(rest);
        }
        self.filled = rest.len();
        Ok(Some(Chunk { bytes, end, mapped }))
    }

    /// Takes back what a chunk was read into and written to, unless a line of uncommon length made it large.
    fn take_back(&mut self, answer: Answer) {
        let Answer { bytes, mut mapped, .. } = answer;
        if bytes.len() <= KEPT_BYTES_MAX && mapped.capacity() <= KEPT_BYTES_MAX {
            mapped.clear();
            self.free.push((bytes, mapped));
        }
    }
}

/// What one read gives; nothing at the end.
fn read_into(input: &mut impl Read, place: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match input.read(place) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Maps every line of `input`, by so many threads. The order of the lines is kept; memory does not grow with their number.
///
/// # Errors
/// A stream cannot be read or written.
pub fn map_lines(
    setup: &Setup<'_>,
    input: impl Read,
    mut output: impl Write,
    mut refused: impl Write,
    threads: usize,
) -> std::io::Result<Tally> {
    let mut tally = Tally::default();
    let mut put = |answer: &Answer| {
        tally.add(answer.tally);
        output.write_all(answer.mapped.as_bytes()).map_err(|error| told(OUTPUT, &error))?;
        refused.write_all(answer.refused.as_bytes()).map_err(|error| told(REFUSED, &error))
    };
    let mut chunks = Chunks::new(input);
    let sources = setup.integration.plan.mapping(setup.mapping.name).map_or(&[][..], |plan| plan.sources);
    // One for all threads: what steps remember of it is then true for all of them.
    let used = sources.first().map(Used::of).unwrap_or_default();
    if threads <= 1 {
        let mut mapper = Mapper::new(setup, sources.len(), &used);
        let mut first = 0;
        while let Some(chunk) = chunks.next()? {
            let answer = mapper.chunk(chunk, first);
            first += answer.lines;
            put(&answer)?;
            chunks.take_back(answer);
        }
    } else {
        by_threads(|| Mapper::new(setup, sources.len(), &used), &mut chunks, &mut put, threads)?;
    }
    output.flush().map_err(|error| told(OUTPUT, &error))?;
    refused.flush().map_err(|error| told(REFUSED, &error))?;
    Ok(tally)
}

/// Each thread takes one chunk in turn and gives its answers in turn: so the order is kept, and no more than [`WAITING_MAX`]
/// chunks wait for a thread.
fn by_threads<'s>(
    mapper: impl Fn() -> Mapper<'s> + Sync,
    chunks: &mut Chunks<impl Read>,
    put: &mut impl FnMut(&Answer) -> std::io::Result<()>,
    threads: usize,
) -> std::io::Result<()> {
    let mapper = &mapper;
    std::thread::scope(|scope| {
        let lanes: Vec<(SyncSender<Numbered>, Receiver<Answer>)> = (0..threads)
            .map(|_| {
                let (give, take) = sync_channel::<Numbered>(WAITING_MAX);
                let (answer, answers) = sync_channel(WAITING_MAX);
                scope.spawn(move || {
                    let mut mapper = mapper();
                    for (chunk, first) in take {
                        if answer.send(mapper.chunk(chunk, first)).is_err() {
                            break;
                        }
                    }
                });
                (give, answers)
            })
            .collect();
        let mut first = 0;
        let mut given = 0;
        let mut written = 0;
        let mut ended = false;
        while !ended || written < given {
            let full = given - written >= threads * WAITING_MAX;
            match if ended || full { None } else { Some(chunks.next()?) } {
                Some(None) => ended = true,
                Some(Some(chunk)) => {
                    let lane = lanes.get(given % threads);
                    let lines = memchr_iter(b'\n', chunk.bytes.get(..chunk.end).unwrap_or_default()).count();
                    if lane.is_none_or(|(give, _)| give.send((chunk, first)).is_err()) {
                        return Err(std::io::Error::other(STOPPED));
                    }
                    first += lines;
                    given += 1;
                }
                None => {
                    let lane = lanes.get(written % threads);
                    let answer = lane.and_then(|(_, answers)| answers.recv().ok());
                    let answer = answer.ok_or_else(|| std::io::Error::other(STOPPED))?;
                    put(&answer)?;
                    chunks.take_back(answer);
                    written += 1;
                }
            }
        }
        Ok(())
    })
}

fn told(what: &str, error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn numbered(index: usize, mut why: serde_json::Value) -> serde_json::Value {
    if let Some(members) = why.as_object_mut() {
        members.insert("input_line".to_owned(), json!(index + 1));
    }
    why
}

/// Maps lines one after another.
struct Mapper<'s> {
    setup: &'s Setup<'s>,
    /// How many source records a line holds.
    sources: usize,
    /// What the mapping reads of a line that holds one.
    records: Records,
    /// Answers that earlier lines needed: most lines ask for what others have asked for.
    references: References,
}

impl<'s> Mapper<'s> {
    /// For a mapping of so many sources that uses this of the first one.
    fn new(setup: &'s Setup<'s>, sources: usize, used: &Used) -> Self {
        let records = Records::new(used.clone());
        Mapper { setup, sources: sources.max(1), records, references: References::new() }
    }

    /// `first` is the number of the chunk's first line, from 0.
    fn chunk(&mut self, chunk: Chunk, first: usize) -> Answer {
        let mut answer = Answer { mapped: chunk.mapped, ..Answer::default() };
        let lines = chunk.bytes.get(..chunk.end).unwrap_or_default();
        let mut from = 0;
        let ends = memchr_iter(b'\n', lines).chain([lines.len()]);
        for (index, end) in (first..).zip(ends) {
            let line = lines.get(from..end).unwrap_or_default();
            answer.lines += usize::from(end < lines.len());
            from = end + 1;
            let line = match index {
                0 => line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line),
                _ => line,
            };
            if line.trim_ascii().is_empty() {
                continue;
            }
            answer.tally.read += 1;
            let verdict = match simdutf8::basic::from_utf8(line) {
                Ok(line) => self.line(line.trim_end_matches('\r'), &mut answer.mapped),
                Err(_) => Verdict::Refused(json!({"malformed": "the line is not UTF-8"})),
            };
            let (count, why) = match verdict {
                Verdict::Mapped(records) => {
                    answer.tally.mapped += records;
                    continue;
                }
                Verdict::Skipped(why) => (&mut answer.tally.skipped, why),
                Verdict::Refused(why) => (&mut answer.tally.rejected, why),
            };
            *count += 1;
            answer.refused.push_str(&numbered(index, why).to_string());
            answer.refused.push('\n');
        }
        answer.bytes = chunk.bytes;
        answer
    }

    /// Maps one line; what comes of it is written to `mapped`.
    fn line(&mut self, line: &str, mapped: &mut String) -> Verdict {
        if self.references.len() > REFERENCES_MAX {
            self.references = References::new();
        }
        let verdict = match self.sources {
            1 => self.picked(line, mapped).or_else(|rejections| {
                // What is shown of a record or a list is shown whole, unused fields too.
                let shows_more = rejections.iter().any(Rejection::shows_a_whole);
                if shows_more { self.whole(line, mapped) } else { Err(rejections) }
            }),
            _ => self.whole(line, mapped),
        };
        verdict.unwrap_or_else(|rejections| Verdict::Refused(json!({"rejected": rejections})))
    }

    /// Maps a record of which only what is used is read; `Err` if it is rejected.
    fn picked(&mut self, line: &str, mapped: &mut String) -> Result<Verdict, Vec<Rejection>> {
        let record = match self.records.read(line) {
            Ok(record) => record,
            Err(error) => return Ok(malformed(&error)),
        };
        let verdict = self.rounds(Sources::Picked(std::slice::from_ref(&record)), mapped);
        self.records.reuse(record);
        verdict
    }

    /// Maps records of which all is read; `Err` if they are rejected.
    fn whole(&mut self, line: &str, mapped: &mut String) -> Result<Verdict, Vec<Rejection>> {
        let record = match Json::parse(line) {
            Ok(record) => record,
            Err(error) => return Ok(malformed(&error)),
        };
        match sources(record, self.sources) {
            Ok(sources) => self.rounds(Sources::Whole(&sources), mapped),
            Err(fault) => Ok(Verdict::Refused(json!({"malformed": fault}))),
        }
    }

    /// Maps source records, asking for references until none is missing; `Err` if they are rejected.
    fn rounds(&mut self, sources: Sources<'_>, mapped: &mut String) -> Result<Verdict, Vec<Rejection>> {
        for _ in 0..ROUNDS_MAX {
            let input = Input {
                sources,
                references: &self.references,
                settings: self.setup.settings,
                captured_at: self.setup.captured_at,
            };
            match (self.setup.mapping.map)(&input) {
                Outcome::Mapped(parts) => {
                    let count = parts.len() as u64;
                    for part in parts {
                        part.record.write_to(mapped);
                        mapped.push('\n');
                        part.record.reuse();
                    }
                    return Ok(Verdict::Mapped(count));
                }
                Outcome::Rejected(rejections) => return Err(rejections),
                Outcome::Skipped { reason, at } => return Ok(Verdict::Skipped(json!({"skipped": reason, "at": at}))),
                Outcome::Waiting(on) => return Ok(Verdict::Refused(json!({"waiting": on}))),
                Outcome::Wants(wants) => {
                    let answered: Vec<(Reference, Option<Resolved>)> =
                        wants.into_iter().map(|want| (want.clone(), self.setup.answers.answer(&want))).collect();
                    let open: Vec<&Reference> =
                        answered.iter().filter(|(_, answer)| answer.is_none()).map(|(want, _)| want).collect();
                    if !open.is_empty() {
                        return Ok(Verdict::Refused(json!({
                            "needs": open,
                            "help": "answer these with --references FILE; `map --help` shows its form",
                        })));
                    }
                    for (want, answer) in answered {
                        if let Some(answer) = answer {
                            self.references.insert(want, answer);
                        }
                    }
                }
            }
        }
        Ok(Verdict::Refused(json!({"rejected": [format!("asked for references in more than {ROUNDS_MAX} rounds")]})))
    }
}

fn malformed(error: &Malformed) -> Verdict {
    Verdict::Refused(json!({"malformed": error.message, "column": error.column}))
}

/// A mapping of one source takes the record itself; one of several takes `{"sources": [...]}`.
fn sources(record: Json<'_>, wanted: usize) -> Result<Vec<Json<'_>>, String> {
    if wanted == 1 {
        return Ok(vec![record]);
    }
    let found = match record {
        Json::Record(members) => members.into_iter().find(|(name, _)| name == "sources").map(|(_, list)| list),
        Json::Null | Json::Boolean(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => None,
    };
    match found {
        Some(Json::List(list)) if list.len() == wanted => Ok(list),
        _ => Err(format!("this mapping has {wanted} sources: give {{\"sources\": [...]}} with {wanted} records")),
    }
}
