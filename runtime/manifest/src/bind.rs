//! Hooks bound to the functions that a program gives. In: a manifest's names, a program's hooks. Out: a manifest that can
//! call them, or the names that nobody gives.

use mapwright_values::Hook;

use crate::model::{Codec, Coder, Hooked, Manifest};

impl Manifest {
    /// Binds every hook that the manifest names.
    ///
    /// # Errors
    /// Each hook that the program does not give, with its line.
    pub fn bind(&mut self, hooks: &[Hook]) -> Result<(), Vec<String>> {
        let mut absent = Vec::new();
        if let Some(hooked) = &mut self.sign {
            let found = |hook: &Hook| match hook {
                Hook::Sign { name, sign } if *name == hooked.name => Some(*sign),
                Hook::Sign { .. } | Hook::Codec { .. } | Hook::Classify { .. } => None,
            };
            hooked.function = hooks.iter().find_map(found);
            absent.extend(missing(hooked, "hooks.sign", "Hook::Sign"));
        }
        if let Some(hooked) = &mut self.errors.classify {
            let found = |hook: &Hook| match hook {
                Hook::Classify { name, classify } if *name == hooked.name => Some(*classify),
                Hook::Sign { .. } | Hook::Codec { .. } | Hook::Classify { .. } => None,
            };
            hooked.function = hooks.iter().find_map(found);
            absent.extend(missing(hooked, "hooks.classify", "Hook::Classify"));
        }
        if let Codec::Hook(hooked) = &mut self.codec {
            let found = |hook: &Hook| match hook {
                Hook::Codec { name, content_type, encode, decode } if *name == hooked.name => {
                    Some(Coder { content_type, encode: *encode, decode: *decode })
                }
                Hook::Sign { .. } | Hook::Codec { .. } | Hook::Classify { .. } => None,
            };
            hooked.function = hooks.iter().find_map(found);
            absent.extend(missing(hooked, "codec", "Hook::Codec"));
        }
        if absent.is_empty() { Ok(()) } else { Err(absent) }
    }
}

fn missing<F>(hooked: &Hooked<F>, key: &str, kind: &str) -> Option<String> {
    let words = || {
        format!(
            "`{key}` (line {}) names the hook `{}`, which this program does not give: add a `{kind}` of that name to the integration's `hooks` in src/main.rs",
            hooked.at.line, hooked.name
        )
    };
    hooked.function.is_none().then(words)
}
