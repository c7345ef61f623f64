//! What can be asked of the command. In: words of a command line. Out: a value; clap says what is wrong with others.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Checks, formats, compiles, previews and tests mapping specs.
#[derive(Debug, Parser)]
#[command(
    name = "mapwright",
    version,
    after_help = "Exit status: 0 all is well; 1 faults in specs, failing cases, rejected records; 2 wrong use, or files that cannot be read or written."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell every fault of a project, and, if there is none, what is worth knowing of it; or every fault of a system and its samples
    Check {
        /// Folder of the project, or of a system (`systems/NAME`)
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// How to tell it
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
        /// Check again whenever a file of the project changes, until stopped
        #[arg(long)]
        watch: bool,
    },
    /// Write specs in the one layout
    Fmt {
        /// Say which files would change and change none
        #[arg(long)]
        check: bool,
        /// Specs, or folders with specs in them (`-` reads standard input and writes standard output)
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Compile a project to Rust
    Generate {
        /// Folder of the project
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// File to write; standard output without
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Map records at once and show what comes of them
    Preview {
        /// The mapping
        mapping: String,
        /// Records, as one JSON value or one a line; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// What references find, as `references.json` of a case
        #[arg(long, value_name = "FILE")]
        references: Option<PathBuf>,
        /// Settings that differ from their defaults
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Say how a target field came about, such as CardCode or DocumentLines.VatGroup
        #[arg(long, value_name = "FIELD")]
        why: Option<String>,
        /// Folder of the project
        #[arg(long, default_value = ".")]
        dir: PathBuf,
    },
    /// Run a project's cases, and name the rules, table rows and arms that none of them reaches
    Test {
        /// Folder of the project
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Take what comes out as what is expected
        #[arg(long)]
        accept: bool,
        /// Fail where something is reached by no case
        #[arg(long)]
        strict: bool,
    },
    /// Say what a change of a system means for a project: each change harmless, lossy or breaking, whom it concerns, how to mend it
    Drift {
        /// The catalogue as it was (or a description that `import` reads)
        old: PathBuf,
        /// The catalogue as it is now (or a description)
        new: PathBuf,
        /// Folder of the project
        #[arg(long, value_name = "DIR", default_value = ".")]
        project: PathBuf,
        /// Which system of the project it is, by its short name
        #[arg(long, value_name = "NAME")]
        system: Option<String>,
        /// How to tell it
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Draft a system's catalogue from its description: OpenAPI, OData $metadata, WSDL, XML Schema, GraphQL introspection, JSON Schema, CSV, JSON samples
    Import {
        /// Files that describe one system
        #[arg(required = true)]
        sources: Vec<PathBuf>,
        /// File to write; standard output without
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// File to write a draft of the connector's manifest to (from OpenAPI alone), in the system's folder
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
        /// Write over a file that is there
        #[arg(long)]
        force: bool,
        /// Name of the system in specs
        #[arg(long, value_name = "NAME")]
        system: Option<String>,
        /// An entity to draft, with what it holds; may be given several times; all without
        #[arg(long = "entity", value_name = "NAME")]
        entities: Vec<String>,
        /// Only list what can be drafted
        #[arg(long)]
        list: bool,
    },
    /// Make a project folder to begin with: two small systems, a mapping, a flow, cases, and a README
    New {
        /// Folder to make
        dir: PathBuf,
    },
    /// Play a system on this machine, as its catalogue and manifest describe it, until stopped by Ctrl-C
    Sandbox {
        /// A system's name, the folder that holds its catalogue, or within a project the name that the project gives it
        system: String,
        /// Where to listen; port 0 takes a free one
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
        listen: SocketAddr,
        /// Made-up records of each entity to begin with
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        records: u64,
        /// Where the dice start, for made-up records and faults
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        seed: u64,
        /// A value that the manifest declares under `config`
        #[arg(long = "config", value_name = "NAME=VALUE")]
        config: Vec<String>,
        /// A rough day: one request in ten fails, in every way there is
        #[arg(long)]
        faults: bool,
        /// Where the search for the system begins; a project's folder gives its extended fields as well
        #[arg(long, default_value = ".")]
        dir: PathBuf,
    },
    /// Explain a fault by its code, such as E0401; lists all codes without one
    Explain {
        /// The code
        code: Option<String>,
    },
}

/// How diagnostics are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person at a terminal
    Human,
    /// One JSON object a line
    Json,
    /// Annotations of GitHub Actions
    Github,
}
