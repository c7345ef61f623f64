//! A project between two systems of one kind, by hand: plain copies, one that grows, one for what is gone, one with a field
//! that is written once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mapwright_engine::alert::AlertChannel;
use mapwright_engine::backoff::Backoff;
use mapwright_engine::clock::Clock;
use mapwright_engine::connector::Connector;
use mapwright_engine::state::State;
use mapwright_engine::status::Summary;
use mapwright_engine::store::{MessageId, Store};
use mapwright_engine::{Engine, Options, Sync};
use mapwright_values::plan::{
    DeliveryLevel, FlowPlan, Manner, MappingPlan, Plan, ReadPlan, Schedule, SourcePlan, SystemPlan, WritePlan,
};
use mapwright_values::{Input, Integration, Json, Link, Mapping, Outcome, Part, Reference, Resolved, SpecLine};

use super::pair::{PairConnector, Side};
use super::{JumpingClock, Recorder, folder, open};

const MAPPINGS: &[Mapping] = &[
    Mapping { name: "to_erp", map: copied },
    Mapping { name: "to_shop", map: copied },
    Mapping { name: "louder", map: louder },
    Mapping { name: "gone", map: gone },
    Mapping { name: "removed", map: key_alone },
    Mapping { name: "removed_by_name", map: key_as_name },
    Mapping { name: "removed_if_linked", map: linked_alone },
    Mapping { name: "once", map: with_first },
    Mapping { name: "by_link", map: by_link },
    Mapping { name: "parts", map: parts },
    Mapping { name: "parts_once", map: parts_with_first },
    Mapping { name: "group", map: group },
];

fn text(input: &Input<'_>, name: &str) -> String {
    match input.sources.whole()[0].get(name) {
        Some(Json::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}

fn mapped(fields: &[(&'static str, String)]) -> Outcome {
    let fields = fields.iter().map(|(name, value)| ((*name).into(), Json::Text(value.clone().into()))).collect();
    Outcome::Mapped(vec![Part { key: None, record: Json::Record(fields) }])
}

fn copied(input: &Input<'_>) -> Outcome {
    mapped(&[("id", text(input, "id")), ("name", text(input, "name"))])
}

fn louder(input: &Input<'_>) -> Outcome {
    mapped(&[("id", text(input, "id")), ("name", format!("{}!", text(input, "name")))])
}

fn gone(input: &Input<'_>) -> Outcome {
    assert_eq!(input.sources.whole()[0].get("name"), None, "only the key of what is gone is known");
    mapped(&[("id", text(input, "id")), ("active", "no".to_owned())])
}

fn key_alone(input: &Input<'_>) -> Outcome {
    mapped(&[("id", text(input, "id"))])
}

/// What is gone is known by its key alone, which is its name there.
fn key_as_name(input: &Input<'_>) -> Outcome {
    mapped(&[("name", text(input, "id"))])
}

/// What is gone is known by what was made of it, if anything is known.
fn linked_alone(input: &Input<'_>) -> Outcome {
    let link = Reference::Link(Link {
        system: "erp".to_owned(),
        entity: "Items".to_owned(),
        of_system: "shop".to_owned(),
        of_entity: "item".to_owned(),
        key: text(input, "id"),
    });
    match input.references.get(&link) {
        None => Outcome::Wants(vec![link]),
        Some(Resolved::Linked(Some(id))) => mapped(&[("id", id.to_string())]),
        Some(_) => Outcome::Skipped { reason: "never made".to_owned(), at: SpecLine { file: "f".to_owned(), line: 1 } },
    }
}

fn with_first(input: &Input<'_>) -> Outcome {
    let name = text(input, "name");
    mapped(&[("id", text(input, "id")), ("name", name.clone()), ("first", name)])
}

/// The names of all rows of a group.
fn group(input: &Input<'_>) -> Outcome {
    let Some(Json::List(rows)) = input.sources.whole()[0].get("rows") else { panic!("a group has rows") };
    let names: Vec<String> = rows.iter().map(|row| row.get("name").unwrap().to_text().replace('"', "")).collect();
    mapped(&[("id", text(input, "key")), ("name", names.join(" "))])
}

/// One record for each word of the name; of `key:value` the part's key stands before the colon.
fn parts(input: &Input<'_>) -> Outcome {
    let (id, name) = (text(input, "id"), text(input, "name"));
    let part = |word: &str| {
        let key = word.split(':').next().unwrap_or(word);
        Part {
            key: Some(key.to_owned()),
            record: Json::Record(vec![
                ("id".into(), Json::text(format!("{id}-{key}"))),
                ("name".into(), Json::text(word.to_owned())),
            ]),
        }
    };
    Outcome::Mapped(name.split_whitespace().map(part).collect())
}

/// The same, each with a field that is written once.
fn parts_with_first(input: &Input<'_>) -> Outcome {
    let Outcome::Mapped(mut made) = parts(input) else { panic!("parts are always made") };
    for part in &mut made {
        let Json::Record(fields) = &mut part.record else { panic!("a part is a record") };
        let name = fields[1].1.clone();
        fields.push(("first".into(), name));
    }
    Outcome::Mapped(made)
}

/// Finds by its link, from the other side, the shop's record from which the ERP's was made.
fn by_link(input: &Input<'_>) -> Outcome {
    let link = Reference::Link(Link {
        system: "shop".to_owned(),
        entity: "item".to_owned(),
        of_system: "erp".to_owned(),
        of_entity: "Items".to_owned(),
        key: text(input, "id"),
    });
    match input.references.get(&link) {
        None => Outcome::Wants(vec![link]),
        Some(Resolved::Linked(Some(id))) => mapped(&[("id", id.to_string()), ("erp", text(input, "id"))]),
        Some(_) => Outcome::Skipped { reason: "not ours".to_owned(), at: SpecLine { file: "f".to_owned(), line: 1 } },
    }
}

pub fn leak<T>(values: Vec<T>) -> &'static [T] {
    Box::leak(values.into_boxed_slice())
}

pub fn mapping(
    name: &'static str,
    from: (&'static str, &'static str),
    to: (&'static str, &'static str),
) -> MappingPlan {
    MappingPlan {
        name,
        doc: "",
        sources: leak(vec![SourcePlan { system: from.0, entity: from.1, select: &["id", "name"] }]),
        system: to.0,
        entity: to.1,
        part: false,
        create_only: if ["once", "parts_once"].contains(&name) { &["first"] } else { &[] },
        version: "0123456789abcdef",
        owner: "tests",
        file: "flows.mapspec",
        line: 1,
    }
}

pub const UPSERT: Manner = Manner::Upsert { by: &["id"] };
pub const UPDATE: Manner = Manner::Update { by: &["id"] };

pub fn write(mapping: &'static str, manner: Manner) -> WritePlan {
    WritePlan {
        mapping,
        manner,
        level: DeliveryLevel::Natural,
        key: &["id"],
        named: None,
        sources: &[None],
        select: &[],
        batch: None,
        together: false,
    }
}

pub fn flow(name: &'static str, from: (&'static str, &'static str), writes: Vec<WritePlan>) -> FlowPlan {
    FlowPlan {
        name,
        doc: "",
        owner: "tests",
        schedules: &[Schedule::Every { seconds: 60, everything: false }],
        read: ReadPlan {
            system: from.0,
            entity: from.1,
            key: &["id"],
            filter: &[],
            keep: false,
            select: &["id", "name"],
            group: None,
            also: &[],
        },
        writes: leak(writes),
        on_delete: &[],
        conflict: None,
        after: &[],
        latest_wins: true,
        retry_up_to_s: 86_400,
        on_failure: Some("ops"),
        on_silence: None,
        file: "flows.mapspec",
        line: 1,
    }
}

pub const SHOP: (&str, &str) = ("shop", "item");
pub const ERP: (&str, &str) = ("erp", "Items");

/// Everything that a test holds.
pub struct Pair {
    pub folder: tempfile::TempDir,
    pub clock: Arc<JumpingClock>,
    pub recorder: Arc<Recorder>,
    pub shop: Arc<Side>,
    pub erp: Arc<Side>,
    pub integration: Integration,
}

impl Pair {
    pub fn new(flows: Vec<FlowPlan>) -> Self {
        let clock = Arc::new(JumpingClock::new());
        let system = |alias| SystemPlan { alias, name: alias, manifest: "", entities: &[] };
        let plan = Plan {
            name: "tests",
            systems: leak(vec![system("shop"), system("erp")]),
            settings: &[],
            mappings: leak(vec![
                mapping("to_erp", SHOP, ERP),
                mapping("to_shop", ERP, SHOP),
                mapping("louder", SHOP, ERP),
                mapping("gone", SHOP, ERP),
                mapping("removed", SHOP, ERP),
                mapping("removed_by_name", SHOP, ERP),
                mapping("removed_if_linked", SHOP, ERP),
                mapping("once", SHOP, ERP),
                mapping("by_link", ERP, SHOP),
                mapping("parts", SHOP, ERP),
                mapping("parts_once", SHOP, ERP),
                mapping("group", ("shop", "row"), ERP),
            ]),
            flows: leak(flows),
        };
        Self {
            folder: folder(),
            recorder: Arc::default(),
            shop: Side::new("shop", &clock),
            erp: Side::new("erp", &clock),
            clock,
            integration: Integration { plan: Box::leak(Box::new(plan)), mappings: MAPPINGS, keeps: &[], hooks: &[] },
        }
    }

    pub fn engine(&self) -> Engine {
        self.engine_on(open(self.folder.path()))
    }

    pub fn engine_on(&self, store: Arc<dyn Store>) -> Engine {
        self.engine_over(store, |connector| connector)
    }

    /// An engine whose connectors are wrapped.
    pub fn engine_over(
        &self,
        store: Arc<dyn Store>,
        wrap: impl Fn(Arc<dyn Connector>) -> Arc<dyn Connector>,
    ) -> Engine {
        let sides = [&self.shop, &self.erp];
        let connector = |side: &Arc<Side>| wrap(Arc::new(PairConnector(Arc::clone(side))));
        let connectors: HashMap<String, _> =
            sides.into_iter().map(|side| (side.alias.to_owned(), connector(side))).collect();
        let options = Options {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            channels: HashMap::from([("ops".to_owned(), Arc::clone(&self.recorder) as Arc<dyn AlertChannel>)]),
            workers: 2,
            batch: 8,
            retry: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
            ..Options::default()
        };
        let settings = Json::Record(Vec::new());
        Engine::new(self.integration, connectors, store, settings, options).unwrap()
    }

    /// Some time later, one run of everything.
    pub async fn sync(&self) -> Summary {
        self.sync_as(&Sync::default()).await
    }

    pub async fn sync_as(&self, sync: &Sync) -> Summary {
        self.clock.advance(Duration::from_secs(60));
        self.engine().sync(sync).await.unwrap()
    }

    pub async fn count(&self, flow: &str, state: State) -> u64 {
        let status = open(self.folder.path()).status(self.clock.now()).await.unwrap();
        status.flows.iter().find(|known| known.flow == flow).map_or(0, |flow| flow.count(state))
    }

    /// What the newest message of all says.
    pub async fn newest_words(&self) -> String {
        let store = open(self.folder.path());
        let mut newest = String::new();
        let mut number = 1;
        while let Some(detail) = store.dead_letter(MessageId(number)).await.unwrap() {
            newest = detail.letter.message;
            number += 1;
        }
        newest
    }
}

/// Both directions, with one side that wins.
pub fn two_way(winner: &'static str, there: &'static str) -> Pair {
    let mut out = flow("out", SHOP, vec![write(there, UPSERT)]);
    let mut back = flow("back", ERP, vec![write("to_shop", UPDATE)]);
    out.conflict = Some(winner);
    back.conflict = Some(winner);
    Pair::new(vec![out, back])
}
