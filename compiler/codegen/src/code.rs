//! Pieces of Rust that are put together: statements and the value behind them.
//!
//! In: tokens. Out: the shortest form that a person would write: no closure around what cannot stop, no block around a lone value.

use std::collections::HashSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};

/// A statement with a longer value gets a closure of its own.
const INLINE_CHARACTERS_MAX: usize = 60;

/// Statements and then a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    pub(crate) statements: TokenStream,
    pub(crate) value: TokenStream,
}

impl Code {
    /// A value alone.
    pub(crate) fn value(value: TokenStream) -> Code {
        Code { statements: TokenStream::new(), value }
    }

    /// As an expression: a block if there are statements.
    pub(crate) fn expression(self) -> TokenStream {
        let Code { statements, value } = self;
        if statements.is_empty() {
            value
        } else {
            quote! { { #statements #value } }
        }
    }

    /// As a `Result`, where the value is no `Result` yet.
    pub(crate) fn ok(self) -> Code {
        let Code { statements, value } = self.named();
        let value = match last_asked(&value) {
            Some(result) => result,
            None => quote! { Ok(#value) },
        };
        Code { statements, value }
    }

    /// A `Result` for one statement: short ones as they are, others as a closure that is named first and called by `value`.
    pub(crate) fn named_attempt(self, name: &str) -> Code {
        let Code { statements, value } = self;
        if statements.is_empty() && !may_stop(&value) && value.to_string().len() <= INLINE_CHARACTERS_MAX {
            return Code::value(value);
        }
        let name = format_ident!("{}", name);
        // prettyplease gives a closure of one long call no braces and many lines; with braces it reads as a function does.
        let body = quote! { #statements #value };
        Code { statements: quote! { let #name = || { #body }; }, value: quote! { #name() } }
    }

    /// The same value behind more statements.
    pub(crate) fn map(self, wrap: impl FnOnce(TokenStream) -> TokenStream) -> Code {
        Code { statements: self.statements, value: wrap(self.value) }
    }

    /// Names the value if it begins like a statement, which is hard to read inside a call.
    pub(crate) fn named(self) -> Code {
        if is_block_like(&self.value) && !is_way_out(&self.value) { self.stepped() } else { self }
    }

    /// Names the value, so that what is done with it next stands on a line of its own: a pipe reads from top to bottom.
    pub(crate) fn stepped(mut self) -> Code {
        let value = self.value;
        self.statements.extend(quote! { let value = #value; });
        self.value = quote! { value };
        self
    }

    /// Names the value if it is long.
    pub(crate) fn stepped_if_long(self) -> Code {
        let length = self.value.to_string().len();
        if length > STEP_CHARACTERS_MAX || is_block_like(&self.value) { self.stepped() } else { self }
    }
}

/// A longer value is named before something is done with it. Tokens as text have more blanks than code has.
const STEP_CHARACTERS_MAX: usize = 40;

/// Is this `return ...`?
fn is_way_out(tokens: &TokenStream) -> bool {
    matches!(tokens.clone().into_iter().next(), Some(TokenTree::Ident(first)) if first == "return")
}

/// Does evaluation perhaps leave the function: by `?` or by `return`?
pub(crate) fn may_stop(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Ident(ident) => ident == "return" || ident == "continue",
        TokenTree::Group(group) => may_stop(&group.stream()),
        TokenTree::Literal(_) => false,
    })
}

/// The expression in front of a `?` that ends the whole.
fn last_asked(tokens: &TokenStream) -> Option<TokenStream> {
    let mut all: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let asked = matches!(all.pop(), Some(TokenTree::Punct(last)) if last.as_char() == '?');
    let starts_plainly = matches!(all.first(), Some(TokenTree::Ident(_))) && !is_block_like(tokens);
    (asked && starts_plainly && !has_operator(tokens)).then(|| all.into_iter().collect())
}

/// Does an identifier stand anywhere in there? Names in format texts count.
pub(crate) fn mentions(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        TokenTree::Literal(literal) => literal.to_string().contains(&format!("{{{name}}}")),
        TokenTree::Punct(_) => false,
    })
}

/// Notes the identifiers with that ending that stand anywhere in there, as [`mentions`] sees them: for whoever asks after many names.
pub(crate) fn note_mentioned(tokens: &TokenStream, ending: &str, names: &mut HashSet<String>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => names.extend(Some(ident.to_string()).filter(|name| name.ends_with(ending))),
            TokenTree::Group(group) => note_mentioned(&group.stream(), ending, names),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let holes = text.split('{').skip(1).filter_map(|behind| behind.split_once('}'));
                names.extend(holes.map(|(name, _)| name.to_owned()).filter(|name| name.ends_with(ending)));
            }
            TokenTree::Punct(_) => {}
        }
    }
}

/// Does an expression begin like a statement?
pub(crate) fn is_block_like(tokens: &TokenStream) -> bool {
    match tokens.clone().into_iter().next() {
        Some(TokenTree::Ident(first)) => first == "if" || first == "match" || first == "return",
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        Some(TokenTree::Punct(_) | TokenTree::Literal(_)) | None => false,
    }
}

/// A condition for an `if`: named if it begins like a statement.
pub(crate) fn holding(condition: TokenStream) -> Code {
    if is_block_like(&condition) {
        Code { statements: quote! { let holds = #condition; }, value: quote! { holds } }
    } else {
        Code::value(condition)
    }
}

/// An expression that a method may be called on.
pub(crate) fn receiver(tokens: TokenStream) -> TokenStream {
    let starts_with_sign = match tokens.clone().into_iter().next() {
        Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), '*' | '!' | '&' | '-'),
        Some(TokenTree::Ident(_) | TokenTree::Group(_) | TokenTree::Literal(_)) | None => false,
    };
    if starts_with_sign || is_block_like(&tokens) || has_operator(&tokens) {
        quote! { (#tokens) }
    } else {
        tokens
    }
}

/// Is there an operator at the top of an expression?
pub(crate) fn has_operator(tokens: &TokenStream) -> bool {
    let mut before: Option<char> = None;
    for token in tokens.clone() {
        let character = match token {
            TokenTree::Punct(punct) => Some(punct.as_char()),
            TokenTree::Ident(_) | TokenTree::Group(_) | TokenTree::Literal(_) => None,
        };
        if matches!(character, Some('=' | '<' | '>' | '|' | '&')) && before != Some(':') {
            return true;
        }
        before = character;
    }
    false
}

/// Tokens as text without layout, for hashes.
pub(crate) fn flat(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}
