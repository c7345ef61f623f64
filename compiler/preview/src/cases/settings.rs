//! The settings of a case. In: the project's settings with their defaults, and what the case changes. Out: one record.

use std::borrow::Cow;

use mapwright_values::Json;
use mapwright_values::names::closest;

/// A setting of the project: its name, and its default as JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultSetting<'m> {
    /// Its name.
    pub name: &'m str,
    /// Its default; without one, whoever runs the mapping gives a value.
    pub default: Option<&'m str>,
}

/// The settings as one record in the project's order: the last of `changed` that names one wins, else its default holds.
/// A setting without either is left out: a mapping that reads it says so.
///
/// # Errors
/// `changed` is no record or names a setting that the project does not have.
pub fn complete_settings(settings: &[DefaultSetting<'_>], changed: &[Json<'_>]) -> Result<Json<'static>, String> {
    for record in changed {
        let Json::Record(members) = record else {
            return Err("settings.json: must be a record, such as { \"order_prefix\": \"T-\" }".to_owned());
        };
        for (name, _) in members {
            if settings.iter().all(|setting| setting.name != name) {
                let near = closest(name, settings.iter().map(|setting| setting.name));
                let hint = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
                return Err(format!("settings.json: the project has no setting `{name}`{hint}"));
            }
        }
    }
    let mut members = Vec::new();
    for setting in settings {
        let given = changed.iter().rev().find_map(|record| record.get(setting.name)).cloned().map(Json::into_owned);
        let value = match (given, setting.default) {
            (Some(value), _) => Some(value),
            (None, Some(text)) => Some(
                Json::parse(text)
                    .map_err(|fault| format!("the default of the setting `{}` is no JSON: {fault}", setting.name))?
                    .into_owned(),
            ),
            (None, None) => None,
        };
        members.extend(value.map(|value| (Cow::Owned(setting.name.to_owned()), value)));
    }
    Ok(Json::Record(members))
}
