//! The real program as several processes on one PostgreSQL with a doorbell, killed and frozen at any moment, while both systems have a
//! rough day and the broker is emptied. By the systems' own ledgers nothing is lost and nothing is doubled.
//!
//! Larger: `MAPWRIGHT_ORDERS=10000 MAPWRIGHT_KILLS=200 cargo test --release --workspace --features servers --test processes`;
//! `MAPWRIGHT_BROKER=rabbitmq` rings by RabbitMQ instead of Redis.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use mapwright_sandbox::seed::SeedConfig;
use mapwright_sandbox::{ErpConfig, Fault, RandomFaults, Sandbox, SandboxConfig, ShopConfig};
use mapwright_tests::books::examine;
use mapwright_tests::{REQUEST_MAX_S, Stage, database, is_held, program, said};

/// Processes that work until they are told to stop.
const WORKERS: usize = 3;
/// A process that is frozen wakes when its claims are over.
const FROZEN: Duration = Duration::from_secs(4 * REQUEST_MAX_S + 3);
/// Far longer than a process takes, on any machine, until it listens to signals.
const START_MAX: Duration = Duration::from_secs(20);
/// Far longer than a turn or a claim of a dead process lasts.
const HELD_MAX: Duration = Duration::from_secs(90);
/// Far less than the vendor's half an hour: as many processes are killed here as elsewhere in a year.
const SESSION_IDLE: Duration = Duration::from_secs(20);
/// Lost answers are held back for longer than a request may take.
const HOLD: Duration = Duration::from_millis(1_000 * REQUEST_MAX_S + 300);

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// A small generator: one number reproduces which process dies when, as far as machines do.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Every kind of fault, but a system rarely asks for a pause: each such wish stops the whole connection for a second.
fn storm(seed: u64) -> RandomFaults {
    let mut faults = RandomFaults::rough_day(seed);
    for (fault, rate) in &mut faults.rates {
        if matches!(fault, Fault::Throttled { .. } | Fault::Status { retry_after_s: Some(_), .. }) {
            *rate = 1;
        }
    }
    faults
}

/// One process, started again whenever it has ended.
struct Slot {
    arguments: &'static [&'static str],
    child: Child,
    begun: Instant,
    frozen_until: Option<Instant>,
}

impl Slot {
    fn start(stage: &Stage, arguments: &'static [&'static str]) -> Self {
        Self { arguments, child: spawn(stage, arguments), begun: Instant::now(), frozen_until: None }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill");
        assert!(sent.success(), "{name} could not be sent");
    }

    /// Starts it again when it has ended, wakes it when it has been frozen for long enough.
    fn look_after(&mut self, stage: &Stage) {
        if self.frozen_until.is_some_and(|until| Instant::now() >= until) {
            self.frozen_until = None;
            self.signal("-CONT");
        }
        if let Some(status) = self.child.try_wait().expect("a child") {
            // A reading ends by itself, with or without records that need a person; a worker only when it is killed.
            let by_itself = matches!(status.code(), Some(0 | 1)) && self.arguments[0] == "sync";
            assert!(
                by_itself || status.code().is_none(),
                "{:?} ended with {status}: {}",
                self.arguments,
                last_said(stage)
            );
            self.begin(stage);
        }
    }

    fn begin(&mut self, stage: &Stage) {
        self.begun = Instant::now();
        self.child = spawn(stage, self.arguments);
    }

    fn kill(&mut self, stage: &Stage) {
        self.frozen_until = None;
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("a child");
        self.begin(stage);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // Nothing outlives a test that has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(stage: &Stage, arguments: &[&str]) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(stage.folder().join("log")).expect("a log");
    stage.command(arguments).stdout(Stdio::null()).stderr(log).spawn().expect("the program starts")
}

/// What the programs said at last.
fn last_said(stage: &Stage) -> String {
    let log = std::fs::read_to_string(stage.folder().join("log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n")
}

/// What rings, under a name of this run's own.
enum Broker {
    Redis { url: String },
    RabbitMq { url: String, queue: String },
}

impl Broker {
    fn asked_for() -> Self {
        let server = |variable: &str| {
            std::env::var(variable)
                .unwrap_or_else(|_| panic!("{variable} names no server: start one with tests/servers"))
        };
        match std::env::var("MAPWRIGHT_BROKER").as_deref() {
            Ok("rabbitmq") => Self::RabbitMq { url: server("MAPWRIGHT_TEST_RABBITMQ"), queue: name() },
            Ok("redis") | Err(_) => Self::Redis { url: server("MAPWRIGHT_TEST_REDIS") },
            Ok(other) => panic!("MAPWRIGHT_BROKER is redis or rabbitmq, not {other}"),
        }
    }

    /// The stage with this broker, whose address holds a password and so stands in the environment.
    fn on(&self, stage: Stage, database: &str) -> Stage {
        let (Self::Redis { url } | Self::RabbitMq { url, .. }) = self;
        let more = format!("doorbell: {{ url: \"env:DOORBELL_URL\", name: \"{}\" }}\n", name());
        stage.on_servers(database, &more).with("DOORBELL_URL", url)
    }

    fn answers(&self) -> &'static str {
        match self {
            Self::Redis { .. } => "redis answers",
            Self::RabbitMq { .. } => "rabbitmq answers",
        }
    }

    /// Empties it: every ring and whoever waited for them are gone.
    fn wipe(&self) {
        match self {
            Self::Redis { url } => wipe_redis(url),
            Self::RabbitMq { url, queue } => tokio::runtime::Handle::current().block_on(wipe_rabbitmq(url, queue)),
        }
    }
}

fn name() -> String {
    format!("processes-{}", std::process::id())
}

async fn wipe_rabbitmq(url: &str, queue: &str) {
    let connection = lapin::Connection::connect(url, lapin::ConnectionProperties::default()).await.expect("RabbitMQ");
    let channel = connection.create_channel().await.expect("RabbitMQ");
    let deleted = channel.queue_delete(queue.into(), lapin::options::QueueDeleteOptions::default()).await;
    deleted.expect("the queue is deleted");
}

fn wipe_redis(redis: &str) {
    let address = redis.trim_start_matches("redis://");
    let mut stream = std::net::TcpStream::connect(address).expect("Redis");
    stream.write_all(b"FLUSHALL\r\n").expect("Redis");
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).expect("Redis");
    assert_eq!(&answer, b"+OK\r\n");
}

/// Kills, freezes, empties the broker; answers how often it froze one.
fn torment(stage: &Stage, slots: &mut [Slot], kills: u64, broker: &Broker) -> u64 {
    let mut draw = Draw(number("MAPWRIGHT_SEED", 4));
    let mut frozen = 0;
    for kill in 0..kills {
        let pause = Instant::now() + Duration::from_millis(250 + draw.below(1_500));
        while Instant::now() < pause {
            for slot in slots.iter_mut() {
                slot.look_after(stage);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let victim = &mut slots[usize::try_from(draw.below(1 + WORKERS as u64)).expect("a slot")];
        if kill % 5 == 2 && victim.frozen_until.is_none() && victim.child.try_wait().expect("a child").is_none() {
            victim.signal("-STOP");
            victim.frozen_until = Some(Instant::now() + FROZEN);
            frozen += 1;
        } else {
            victim.kill(stage);
        }
        if kill % (kills / 3).max(1) == 1 {
            broker.wipe();
        }
    }
    // Those that are frozen still come back before all is over: what they do then must be fenced.
    while slots.iter().any(|slot| slot.frozen_until.is_some()) {
        for slot in slots.iter_mut() {
            slot.look_after(stage);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    frozen
}

/// Tells the workers to stop: they finish what is under way and end well.
fn dismiss(slots: Vec<Slot>) {
    let told = Instant::now();
    for slot in &slots {
        slot.signal("-TERM");
    }
    for mut slot in slots {
        let status = slot.child.wait().expect("a child");
        // One that was started just now has nothing under way yet, and may simply end.
        let fresh = status.code().is_none() && told - slot.begun < START_MAX;
        assert!(fresh || matches!(status.code(), Some(0 | 1)), "{:?} ended with {status}", slot.arguments);
    }
}

/// Lets one process do all that can be done, until no turn, no claim and no session of a dead one keeps anything from it.
fn finish(stage: &Stage) -> Output {
    let begun = Instant::now();
    loop {
        let output = stage.run(&["sync"]);
        assert!(output.status.code().is_some_and(|code| code < 2), "{}", said(&output));
        let halted = said(&output).contains(" is halted");
        if !(is_held(&output) || halted) || begun.elapsed() > HELD_MAX {
            return output;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_are_killed_and_frozen_lose_nothing_and_double_nothing() {
    let (orders, kills) = (number("MAPWRIGHT_ORDERS", 300), number("MAPWRIGHT_KILLS", 15));
    let broker = Broker::asked_for();
    let _ = program();
    let config = SandboxConfig {
        seed: SeedConfig {
            orders: usize::try_from(orders).expect("a size"),
            seed: 4,
            unknown_per_mille: 20,
            samples: true,
        },
        shop: ShopConfig { hold: HOLD, ..ShopConfig::default() },
        // A process that is killed leaves its session behind, and sessions are counted.
        erp: ErpConfig { hold: HOLD, session_idle: SESSION_IDLE, ..ErpConfig::default() },
    };
    let sandbox = Sandbox::start(config).await.expect("a sandbox");
    sandbox.shop.faults().random(storm(4));
    sandbox.erp.faults().random(storm(5));
    let stage = broker.on(Stage::new(&sandbox, None), &database("processes").await);
    let begun = Instant::now();
    // The tables are made before several begin at once to be killed in the midst of it.
    let made = stage.run(&["status"]);
    assert!(made.status.code().is_some_and(|code| code < 2), "{}", said(&made));
    let (stage, frozen, broker) = tokio::task::spawn_blocking(move || {
        let mut slots: Vec<Slot> = (0..WORKERS).map(|_| Slot::start(&stage, &["run"])).collect();
        slots.push(Slot::start(&stage, &["sync", "--once"]));
        let frozen = torment(&stage, &mut slots, kills, &broker);
        dismiss(slots);
        (stage, frozen, broker)
    })
    .await
    .expect("the torment ends");
    let tormented = begun.elapsed();
    sandbox.shop.faults().switch_off();
    sandbox.erp.faults().switch_off();
    // One process finishes what is left; claims of the dead are over within seconds. What it needs a person for is known here.
    let stage = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            finish(&stage);
            // A record that was just begun by five of the killed, one after the other, looks poisonous: a person lets it go on.
            let retried =
                stage.run(&["dead-letters", "retry", "--cause", "orders/1: poison", "--reason", "the kills are over"]);
            assert!(retried.status.code().is_some_and(|code| code < 3), "{}", said(&retried));
        }
        let output = finish(&stage);
        // Shown where the books do not agree.
        for arguments in [&["status"][..], &["dead-letters", "list"]] {
            println!("{}\n{}", arguments.join(" "), said(&stage.run(arguments)));
        }
        println!("{}", said(&output));
        stage
    })
    .await
    .expect("it comes to its end");
    examine(&sandbox, &format!("{kills} kills, {frozen} frozen"));
    let status = stage.run(&["status", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("a status");
    assert!(status["doorbell"].as_str().is_some_and(|words| words == broker.answers()), "{status}");
    println!(
        "{orders} orders, {} kills, {frozen} frozen, {} faults in {:.0?}; drained {:.0?} later",
        kills - frozen,
        sandbox.erp.faults().applied_total() + sandbox.shop.faults().applied_total(),
        tormented,
        begun.elapsed() - tormented
    );
    sandbox.stop().await;
}
