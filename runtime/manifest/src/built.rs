//! What the language can say and the drivers cannot do yet: using it is an error that names it. In: a manifest. Out: words.
//! The one place to take something out of when it is built.

use crate::fault::At;
use crate::model::{Codec, Driver, Manifest, Operation};

impl Operation {
    /// What the operation says that is not built yet, as one sentence; `None` = all is built.
    #[must_use]
    pub fn not_built(&self) -> Option<String> {
        let mut missing: Vec<(String, At)> = Vec::new();
        if self.job.is_some() {
            missing.push(("`job`".to_owned(), self.at));
        }
        if self.whole {
            missing.push(("`merge: whole`".to_owned(), self.at));
        }
        if self.batch.is_some() {
            missing.push(("`batch`".to_owned(), self.at));
        }
        if let Some((_, at)) = &self.hook {
            missing.push(("`hook`".to_owned(), *at));
        }
        sentence(&missing)
    }
}

/// What the whole connection asks for that is not built yet.
pub(crate) fn of_system(manifest: &Manifest) -> Option<String> {
    let mut missing: Vec<(String, At)> = Vec::new();
    let at = manifest.base.at;
    match manifest.driver {
        Driver::Rest | Driver::Odata => {}
        Driver::Soap => missing.push(("`driver: soap`".to_owned(), at)),
        Driver::Graphql => missing.push(("`driver: graphql`".to_owned(), at)),
    }
    match &manifest.codec {
        Codec::Json(json) if json.tagged.is_empty() && json.list.is_none() => {}
        Codec::Json(_) => missing.push(("`codec: json` with `tagged` or `write`".to_owned(), at)),
        Codec::Xml(_) => missing.push(("`codec: xml`".to_owned(), at)),
        Codec::NamedXml(_) => missing.push(("`codec: named_xml`".to_owned(), at)),
        Codec::Csv { .. } => missing.push(("`codec: csv`".to_owned(), at)),
        Codec::Hook(_) => missing.push(("`codec: hook`".to_owned(), at)),
    }
    sentence(&missing)
}

fn sentence(missing: &[(String, At)]) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let words: Vec<String> = missing.iter().map(|(what, at)| format!("{what} (line {})", at.line)).collect();
    Some(format!("not built yet: {}", words.join(", ")))
}
