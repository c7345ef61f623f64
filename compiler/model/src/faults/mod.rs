//! Faults: one file each, named for the fault.
//!
//! In: what is known where the fault was met. Out: a diagnostic in the analyst's words. They decide nothing.

mod ambiguous_reverse_lookup;
mod circular_definition;
mod decimal_into_integer;
mod decimals_lost;
mod deleted_field_read;
mod deprecated_field;
mod different_branches;
mod double_assignment;
mod duplicate_name;
mod incomparable_types;
mod incomplete_match;
mod incomplete_table;
mod instant_into_date;
mod integer_out_of_range;
mod literal_too_long;
mod malformed_literal;
mod malformed_row;
mod malformed_type;
mod misplaced_answer;
mod misplaced_position;
mod misplaced_wait;
mod missing_file;
mod missing_into_required;
mod missing_rounding;
mod missing_value_refused;
mod needless_otherwise;
mod open_record;
mod partly_on_create;
mod parts_without_key;
mod read_only_field_written;
mod rules_too_often;
mod shadowed_name;
mod table_leaves_out;
mod text_too_long;
mod unasked_find;
mod ungroupable;
mod unknown_entity;
mod unknown_enum_value;
mod unknown_example_subject;
mod unknown_field;
mod unknown_function;
mod unknown_name;
mod unknown_place;
mod unknown_system;
mod unknown_table;
mod unknown_type;
mod unled_look_up;
mod unreachable_arm;
mod unreachable_row;
mod unrounded_quotient;
mod unused_let;
mod unused_parameter;
mod write_only_field_read;
mod wrong_arguments;
mod wrong_type;

use mapwright_syntax::{Diagnostic, Edit, Span};

use crate::resolve::scope::Place;

pub(crate) use ambiguous_reverse_lookup::ambiguous_reverse_lookup;
pub(crate) use circular_definition::circular_definition;
pub(crate) use decimal_into_integer::decimal_into_integer;
pub(crate) use decimals_lost::decimals_lost;
pub(crate) use deleted_field_read::deleted_field_read;
pub(crate) use deprecated_field::deprecated_field;
pub(crate) use different_branches::different_branches;
pub(crate) use double_assignment::double_assignment;
pub(crate) use duplicate_name::duplicate_name;
pub(crate) use incomparable_types::incomparable_types;
pub(crate) use incomplete_match::incomplete_match;
pub(crate) use incomplete_table::incomplete_table;
pub(crate) use instant_into_date::instant_into_date;
pub(crate) use integer_out_of_range::integer_out_of_range;
pub(crate) use literal_too_long::literal_too_long;
pub(crate) use malformed_literal::{malformed_literal, not_a_source, rest_of_what};
pub(crate) use malformed_row::{malformed_row, unknown_column};
pub(crate) use malformed_type::malformed_type;
pub(crate) use misplaced_answer::misplaced_answer;
pub(crate) use misplaced_position::misplaced_position;
pub(crate) use misplaced_wait::misplaced_wait;
pub(crate) use missing_file::missing_file;
pub(crate) use missing_into_required::{missing_into_required, omitted_required_field};
pub(crate) use missing_rounding::missing_rounding;
pub(crate) use missing_value_refused::missing_value_refused;
pub(crate) use needless_otherwise::{answers_nothing, needless_otherwise};
pub(crate) use open_record::open_record;
pub(crate) use partly_on_create::partly_on_create;
pub(crate) use parts_without_key::parts_without_key;
pub(crate) use read_only_field_written::read_only_field_written;
pub(crate) use rules_too_often::{rules_too_deep, rules_too_often};
pub(crate) use shadowed_name::{shadowed_function, shadowed_name};
pub(crate) use table_leaves_out::table_leaves_out;
pub(crate) use text_too_long::text_too_long;
pub(crate) use unasked_find::{link_without_key, unasked_find};
pub(crate) use ungroupable::{group_may_be_missing, ungroupable};
pub(crate) use unknown_entity::{action_read, entity_expected, unknown_entity};
pub(crate) use unknown_enum_value::{unknown_enum_value, unknown_words};
pub(crate) use unknown_example_subject::unknown_example_subject;
pub(crate) use unknown_field::{dotted_target, no_fields, unknown_field};
pub(crate) use unknown_function::unknown_function;
pub(crate) use unknown_name::{name_of_other_kind, unknown_name, used_too_early};
pub(crate) use unknown_place::unknown_place;
pub(crate) use unknown_system::{unknown_system, unknown_used_system};
pub(crate) use unknown_table::unknown_table;
pub(crate) use unknown_type::unknown_type;
pub(crate) use unled_look_up::unled_look_up;
pub(crate) use unreachable_arm::unreachable_arm;
pub(crate) use unreachable_row::unreachable_row;
pub(crate) use unrounded_quotient::unrounded_quotient;
pub(crate) use unused_let::unused_let;
pub(crate) use unused_parameter::unused_parameter;
pub(crate) use write_only_field_read::write_only_field_read;
pub(crate) use wrong_arguments::wrong_arguments;
pub(crate) use wrong_type::{missing_elements, missing_elements_refused, wrong_type, wrong_type_at};

/// A place's name in backticks; what is described in words has them already.
fn quoted(place: &Place) -> String {
    let name = place.name.to_string();
    let described = name.contains([' ', '`']);
    if described { name } else { format!("`{name}`") }
}

/// Marks where a place is declared.
fn declared(fault: Diagnostic, place: &Place) -> Diagnostic {
    match place.declared {
        Some(span) => fault.label(span, "declared here"),
        None => fault,
    }
}

/// Offers the name that was probably meant.
fn did_you_mean(fault: Diagnostic, span: Span, closest: Option<&str>) -> Diagnostic {
    match closest {
        Some(meant) => fault
            .help(format!("did you mean `{meant}`?"))
            .fix(format!("write {meant}"), vec![Edit { span, text: meant.to_owned() }]),
        None => fault,
    }
}

/// The content of a text in quotes.
const fn span_inside_quotes(span: Span) -> Span {
    if span.end > span.start + 1 { Span { file: span.file, start: span.start + 1, end: span.end - 1 } } else { span }
}
