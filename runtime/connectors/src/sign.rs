//! Signatures that only a hook can make. In: a request that is ready, the hook. Out: the headers to add. Sends nothing.

use jiff::Timestamp;
use mapwright_manifest::Hooked;
use mapwright_values::Json;
use mapwright_values::hooks::{Outgoing, Sign, guarded};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret, SecretString};

use crate::http::{Body, Prepared};

/// What the hook adds to this request, in this sending of it.
pub(crate) fn signature(
    hook: &Hooked<Sign>,
    prepared: &Prepared,
    config: &Json<'static>,
    secrets: &[(String, SecretString)],
) -> Result<Vec<(String, String)>, String> {
    let sign = hook.function.ok_or_else(|| hook.absent())?;
    let (body, form) = match &prepared.body {
        Body::None => ("", false),
        Body::Json(text) | Body::Xml { text, .. } => (text.as_str(), false),
        Body::Form(text) => (text.as_str(), true),
    };
    let headers: Vec<(&str, &str)> =
        prepared.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let secrets: Vec<(&str, &str)> =
        secrets.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    let outgoing = Outgoing {
        method: prepared.method.word(),
        url: &prepared.url,
        headers: &headers,
        body,
        form,
        config,
        secrets: &secrets,
        nonce: &nonce()?,
        at: Timestamp::now(),
    };
    let added = guarded(&hook.name, || sign(&outgoing))??;
    match added.iter().find(|(_, value)| value.chars().any(char::is_control)) {
        Some((name, _)) => {
            Err(format!("the hook `{}` gave a `{name}` with a line break or control character", hook.name))
        }
        None => Ok(added),
    }
}

fn nonce() -> Result<String, String> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the machine gives no random number".to_owned())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
