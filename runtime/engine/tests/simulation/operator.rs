//! What an operator does about records that need a person, chosen by the seed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use mapwright_engine::crash::CrashPoint;
use mapwright_engine::dead_letters::DeadLetters;
use mapwright_engine::state::State;
use mapwright_engine::status::DeadLetter;
use mapwright_engine::store::{Selection, Store};
use mapwright_values::plan::Plan;

use super::fate::Fate;
use crate::common::world::{System, World};

pub(crate) struct Operator {
    pub(crate) fate: Arc<Fate>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) world: Arc<World>,
    pub(crate) plan: &'static Plan,
    /// Orders of which a state was given up.
    pub(crate) discarded: Mutex<BTreeSet<String>>,
}

impl Operator {
    async fn letters<T>(&self, act: impl AsyncFnOnce(DeadLetters<'_>) -> T) -> T {
        let crash = CrashPoint::default();
        act(DeadLetters {
            store: self.store.as_ref(),
            clock: self.fate.clock.as_ref(),
            operator: "simulation".to_owned(),
            crash: &crash,
        })
        .await
    }

    /// Looks at one letter and does something about it, or sets all of them going.
    pub(crate) async fn act(&self) {
        let letters = self.store.dead_letters(Selection::default(), 1_000).await.unwrap();
        let Some(letter) = (!letters.is_empty()).then(|| &letters[self.choose(letters.len())]) else { return };
        match (letter.state, self.fate.below(4)) {
            (State::ParkedAmbiguous, _) => self.answer(letter).await,
            (_, 0) if letter.flow == "orders" => self.discard(letter).await,
            (_, 1) => self.edit(letter).await,
            _ => self.retry_all().await,
        }
    }

    fn choose(&self, many: usize) -> usize {
        usize::try_from(self.fate.below(many as u64)).unwrap()
    }

    pub(crate) async fn retry_all(&self) {
        let touched = self.letters(async |letters| letters.retry(Selection::default(), "again").await).await;
        self.fate.note(format!("the operator retries all: {touched:?}"));
        touched.unwrap();
    }

    async fn discard(&self, letter: &DeadLetter) {
        let selection = Selection { ids: vec![letter.id], ..Selection::default() };
        let touched = self.letters(async |letters| letters.discard(selection, "not wanted").await).await;
        self.fate.note(format!("the operator discards {}: {touched:?}", letter.id));
        assert_eq!(touched.unwrap(), 1, "a letter that was listed is discarded");
        self.discarded.lock().unwrap().insert(letter.source_key.clone());
    }

    /// An item that the ERP has in place of one that it has not.
    async fn edit(&self, letter: &DeadLetter) {
        let detail = self.store.dead_letter(letter.id).await.unwrap().unwrap();
        let body = detail.original.replace(r#""item":"B""#, r#""item":"A""#);
        let done = self.letters(async |letters| letters.edit(letter.id, &body, "the item's other name").await).await;
        self.fate.note(format!("the operator edits {}: {done:?}", letter.id));
        done.unwrap();
    }

    /// Looks into the ERP, once nothing is on its way there any more.
    pub(crate) async fn answer(&self, letter: &DeadLetter) {
        System { alias: "erp".to_owned(), world: Arc::clone(&self.world), clock: Arc::clone(&self.fate.clock) }
            .catch_up();
        if !self.world.state.lock().unwrap().late.is_empty() {
            return;
        }
        let entity = if letter.flow == "customers" { "Partners" } else { "Orders" };
        let there = self.world.state.lock().unwrap().documents.iter().find_map(|known| {
            (known.entity == entity && known.natural == letter.source_key).then(|| known.key.clone())
        });
        let done = self
            .letters(async |letters| match &there {
                Some(key) => letters.answer_there(self.plan, letter.id, key, "it is there").await,
                None => letters.answer_absent(letter.id, "it is not there").await,
            })
            .await;
        self.fate.note(format!("the operator says of {}: {there:?} {done:?}", letter.id));
        done.unwrap();
    }

    /// Brings everything on its way that a person can.
    pub(crate) async fn tidy(&self) {
        for letter in self.store.dead_letters(Selection::default(), 1_000).await.unwrap() {
            if letter.state == State::ParkedAmbiguous {
                self.answer(&letter).await;
            }
        }
        self.retry_all().await;
    }
}
