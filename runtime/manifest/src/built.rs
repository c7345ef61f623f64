//! What the language can say and the drivers cannot do yet: using it is an error that names it. In: a manifest. Out: words.
//! The one place to take something out of when it is built.

use crate::fault::At;
use crate::model::{Codec, Manifest, Operation, Verb};

impl Operation {
    /// The request that asks how a job of this operation stands: the same headers, no body, no assertion but the status.
    #[must_use]
    pub fn polling(&self) -> Self {
        Self {
            body: None,
            form: Vec::new(),
            query: Vec::new(),
            records: Vec::new(),
            success: Vec::new(),
            gone: Vec::new(),
            job: None,
            ..self.clone()
        }
    }

    /// What the operation says that is not built yet, as one sentence; `None` = all is built.
    #[must_use]
    pub fn not_built(&self) -> Option<String> {
        let mut missing: Vec<(String, At)> = Vec::new();
        if let Some((_, at)) = &self.hook {
            missing.push(("`hook`".to_owned(), *at));
        }
        sentence(&missing)
    }
}

/// What the whole connection asks for that is not built yet.
pub(crate) fn of_system(manifest: &Manifest) -> Option<String> {
    let mut missing: Vec<(String, At)> = Vec::new();
    match &manifest.codec {
        Codec::Json(_) | Codec::Xml(_) | Codec::NamedXml(_) | Codec::Csv { .. } => {}
        Codec::Hook(_) => missing.push(("`codec: hook`".to_owned(), manifest.base.at)),
    }
    sentence(&missing)
}

/// What an entity asks for, for one operation, that is not built yet.
pub(crate) fn of_entity(manifest: &Manifest, entity: &str, verb: Verb) -> Option<String> {
    let (_, at) = manifest.entity(entity)?.parent.as_ref()?;
    match verb {
        // A look-up knows no parent, and a batch has an address of its own.
        Verb::Find | Verb::Batch => sentence(&[(format!("`{}` of records with a `parent`", verb.word()), *at)]),
        Verb::List | Verb::Get | Verb::Create | Verb::Update | Verb::Upsert | Verb::Delete => None,
    }
}

fn sentence(missing: &[(String, At)]) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let words: Vec<String> = missing.iter().map(|(what, at)| format!("{what} (line {})", at.line)).collect();
    Some(format!("not built yet: {}", words.join(", ")))
}
