//! What the shop's users and its webhooks do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use mapwright_engine::Told;
use mapwright_engine::clock::Clock;

use super::fate::Fate;
use crate::common::world::World;

/// What they know of what they did.
#[derive(Default)]
struct Known {
    /// Every order ever made, oldest first, with its newest total.
    orders: Vec<String>,
    totals: BTreeMap<String, u32>,
    gone: BTreeSet<String>,
    customers: u64,
    total: u32,
    /// Webhooks that were not answered yet.
    post: Vec<Told>,
    told: u64,
}

pub(crate) struct People {
    fate: Arc<Fate>,
    world: Arc<World>,
    /// They delete orders too.
    delete: bool,
    known: Mutex<Known>,
}

impl People {
    pub(crate) fn new(fate: &Arc<Fate>, world: &Arc<World>, delete: bool) -> Arc<Self> {
        Arc::new(Self { fate: Arc::clone(fate), world: Arc::clone(world), delete, known: Mutex::default() })
    }

    pub(crate) fn orders(&self) -> Vec<String> {
        self.known.lock().unwrap().orders.clone()
    }

    pub(crate) fn is_gone(&self, order: &str) -> bool {
        self.known.lock().unwrap().gone.contains(order)
    }

    /// Somebody does something.
    pub(crate) fn act(&self) {
        let mut known = self.known.lock().unwrap();
        match self.fate.below(8) {
            0 if known.customers < 3 => self.customer(&mut known),
            1..=4 if !known.orders.is_empty() => {
                // What was just made is changed again more often than what is old.
                let count = known.orders.len() as u64;
                let back = self.fate.below(if self.fate.percent(70) { count.min(2) } else { count });
                let id = known.orders[usize::try_from(count - 1 - back).unwrap()].clone();
                if self.delete && self.fate.percent(30) && known.gone.insert(id.clone()) {
                    self.fate.note(format!("the shop deletes {id}"));
                    self.world.remove("order", &id);
                    self.tell(&mut known, &id);
                } else {
                    self.order(&mut known, &id);
                }
            }
            _ => {
                let id = format!("o{}", known.orders.len());
                known.orders.push(id.clone());
                self.order(&mut known, &id);
            }
        }
    }

    /// Everybody is there whom an order waits for.
    pub(crate) fn complete(&self) {
        let mut known = self.known.lock().unwrap();
        while known.customers < 3 {
            self.customer(&mut known);
        }
    }

    fn customer(&self, known: &mut Known) {
        self.fate.note(format!("the shop has the customer c{}", known.customers));
        self.world.customer(&format!("c{}", known.customers), self.fate.clock.now());
        known.customers += 1;
    }

    fn order(&self, known: &mut Known, id: &str) {
        // Now and then a record becomes what it was before.
        let back = known.totals.get(id).copied().filter(|_| self.fate.percent(10));
        let total = back.map_or_else(|| known.total + 1, |total| total.saturating_sub(1).max(1));
        known.total = known.total.max(total);
        known.totals.insert(id.to_owned(), total);
        known.gone.remove(id);
        let customer = format!("c{}", self.fate.below(3));
        let item = if self.fate.percent(15) { "B" } else { "A" };
        self.fate.note(format!("the shop has {id} {customer} {item} {total}"));
        self.world.order(id, &customer, item, total, self.fate.clock.now());
        self.tell(known, id);
    }

    /// The shop calls, unless it forgets to; now and then it calls twice, by the same name or another one.
    fn tell(&self, known: &mut Known, id: &str) {
        if self.fate.percent(20) {
            return;
        }
        known.told += 1;
        let told = Told {
            system: "shop".to_owned(),
            id: Some(format!("n{}", known.told)),
            topic: "order.written".to_owned(),
            entity: "order".to_owned(),
            key: (!self.fate.percent(10)).then(|| id.to_owned()),
        };
        if self.fate.percent(20) {
            let id = if self.fate.percent(50) { told.id.clone() } else { Some(format!("again {}", known.told)) };
            known.post.push(Told { id, ..told.clone() });
        }
        known.post.push(told);
    }

    /// The webhook that is to be called next: any of them, for they overtake one another.
    pub(crate) fn next_call(&self) -> Option<Told> {
        let mut known = self.known.lock().unwrap();
        let count = known.post.len() as u64;
        if count == 0 {
            return None;
        }
        let chosen = usize::try_from(self.fate.below(count)).unwrap();
        Some(known.post.remove(chosen))
    }

    /// A call that was not answered is made again.
    pub(crate) fn call_again(&self, told: Told) {
        self.known.lock().unwrap().post.push(told);
    }
}
