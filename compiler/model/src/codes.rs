//! The codes of the checker's diagnostics.
//!
//! In: nothing. Out: one line a code, for `mapwright explain` and the manual. A code is never used for another fault.

/// Every code of this crate: code, the fault's name (also its case's), what it means in one line.
pub static CODES: &[(&str, &str, &str)] = &[
    ("E0201", "unknown_system", "a system is named that the project does not use, or that cannot be found"),
    ("E0202", "unknown_entity", "a system has no entity or action of this name"),
    ("E0203", "unknown_field", "a record has no field of this name"),
    ("E0204", "unknown_name", "no `let`, parameter, source or setting of this name stands here"),
    ("E0205", "unknown_function", "there is no function or rule of this name"),
    ("E0206", "unknown_table", "there is no table of this name"),
    ("E0207", "unknown_type", "there is no type of this name"),
    ("E0208", "duplicate_name", "a name is defined twice"),
    ("E0209", "shadowed_name", "a name hides another one that is visible at the same place"),
    ("E0210", "circular_definition", "a definition uses itself"),
    ("E0211", "malformed_type", "a type is given with arguments or marks that it cannot have"),
    ("E0212", "unknown_mapping", "there is no mapping of this name"),
    ("E0213", "unknown_example_subject", "an example names neither a table nor a rule"),
    ("E0214", "missing_file", "a file that a table names is not in the project"),
    ("E0301", "wrong_type", "a value of one type stands where another type is expected"),
    ("E0302", "missing_value_refused", "a value that may be missing stands where a value is needed"),
    ("E0303", "unknown_enum_value", "a word is not one of the values that the catalogue lists"),
    ("E0304", "incomparable_types", "two values are compared whose types can never be equal"),
    ("E0305", "unrounded_quotient", "the result of a division is used without rounding"),
    ("E0306", "wrong_arguments", "a function, rule or table is called with other arguments than it takes"),
    ("E0307", "misplaced_wait", "`wait` answers something that is not looked up"),
    ("E0308", "misplaced_answer", "`omit` or `clear` stands where no target field is written"),
    ("E0309", "unknown_place", "`fit` or `cut` without a number stands where no length is known"),
    ("E0310", "missing_rounding", "no rounding mode is given, neither at the call nor for the project"),
    ("E0311", "incomplete_table", "a table neither covers every key nor says `otherwise`"),
    ("E0312", "incomplete_match", "a `match` neither covers every value nor says `otherwise`"),
    ("E0313", "unreachable_row", "a row of a table can never answer, because rows above it always do"),
    ("E0314", "unreachable_arm", "an arm of a `match` can never answer, because arms above it always do"),
    ("E0315", "double_assignment", "a target field is written twice in one block"),
    ("E0316", "different_branches", "two branches of one expression have types that do not go together"),
    ("E0317", "unasked_find", "a `find` has no condition that the system could be asked"),
    ("E0318", "write_only_field_read", "a field is read that the system only takes and never gives"),
    ("E0319", "read_only_field_written", "a field is written that the system sets itself"),
    ("E0320", "malformed_row", "a row of a table or CSV file does not have the declared columns"),
    ("E0321", "open_record", "a record is written in braces where no record type is known"),
    ("E0322", "malformed_literal", "a literal pattern, format or argument cannot be used"),
    ("E0401", "unmapped_required_field", "a required target field is neither mapped nor left with a reason"),
    ("E0402", "unmapped_field", "a writable target field is neither mapped nor left with a reason"),
    ("E0403", "unused_field", "a source field is neither used nor ignored with a reason"),
    ("E0404", "left_and_mapped", "a target field is left with a reason and mapped all the same"),
    ("E0405", "ignored_and_used", "a source field is ignored with a reason and used all the same"),
    ("E0411", "text_too_long", "a longer text goes where a shorter one fits"),
    ("E0412", "decimals_lost", "a number with more decimals goes where fewer fit"),
    ("E0413", "decimal_into_integer", "a decimal goes where a whole number is expected"),
    ("E0414", "instant_into_date", "an instant goes where a day is expected, without a zone"),
    ("E0415", "missing_into_required", "a value that may be missing goes where the target needs one"),
    ("E0416", "literal_too_long", "a text written in the spec is longer than its place"),
    ("E0417", "integer_out_of_range", "a whole number may lie outside the range of its place"),
    ("W0601", "unused_let", "a `let` is never used"),
    ("W0602", "unused_setting", "a setting is never used"),
    ("W0603", "unused_table", "a table is never used"),
    ("W0604", "unused_rule", "a rule is never used"),
    ("W0605", "deprecated_field", "a field is used that the catalogue calls deprecated"),
    ("W0606", "needless_otherwise", "an `otherwise` answers a value that is never missing"),
    ("E0901", "not_built_yet", "a part of the language that this version cannot compile yet"),
];

/// What a code means: its name and line.
#[must_use]
pub fn explain(code: &str) -> Option<(&'static str, &'static str)> {
    CODES.iter().find(|(known, _, _)| *known == code).map(|(_, name, meaning)| (*name, *meaning))
}
