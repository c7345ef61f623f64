//! What other languages call our functions, for "did you mean".

/// Names of other languages (lower case, without underscores) and ours.
const FOREIGN: &[(&str, &str)] = &[
    ("upcase", "uppercase"),
    ("toupper", "uppercase"),
    ("touppercase", "uppercase"),
    ("upper", "uppercase"),
    ("ucase", "uppercase"),
    ("downcase", "lowercase"),
    ("tolower", "lowercase"),
    ("tolowercase", "lowercase"),
    ("lower", "lowercase"),
    ("lcase", "lowercase"),
    ("ucfirst", "capitalize"),
    ("proper", "capitalize"),
    ("strip", "trim"),
    ("ltrim", "trim_start"),
    ("lstrip", "trim_start"),
    ("rtrim", "trim_end"),
    ("rstrip", "trim_end"),
    ("clean", "collapse_spaces"),
    ("squish", "collapse_spaces"),
    ("normalizespace", "collapse_spaces"),
    ("len", "length"),
    ("strlen", "length"),
    ("sizeof", "count"),
    ("size", "count"),
    ("counta", "count"),
    ("substr", "substring"),
    ("mid", "substring"),
    ("slice", "substring"),
    ("substringbefore", "before"),
    ("textbefore", "before"),
    ("substringafter", "after"),
    ("textafter", "after"),
    ("truncate", "cut"),
    ("shorten", "cut"),
    ("padleft", "pad_left"),
    ("padstart", "pad_left"),
    ("lpad", "pad_left"),
    ("leftpad", "pad_left"),
    ("zfill", "pad_left"),
    ("padright", "pad_right"),
    ("padend", "pad_right"),
    ("rpad", "pad_right"),
    ("rept", "repeat"),
    ("concatenate", "concat"),
    ("textjoin", "join"),
    ("implode", "join"),
    ("joinby", "join"),
    ("explode", "split"),
    ("splitby", "split"),
    ("tokenize", "split"),
    ("includes", "contains"),
    ("startswith", "starts_with"),
    ("hasprefix", "starts_with"),
    ("endswith", "ends_with"),
    ("hassuffix", "ends_with"),
    ("substitute", "replace"),
    ("replaceall", "replace"),
    ("digits", "only_digits"),
    ("int", "integer"),
    ("toint", "integer"),
    ("tointeger", "integer"),
    ("parseint", "integer"),
    ("number", "decimal"),
    ("tonumber", "decimal"),
    ("todecimal", "decimal"),
    ("parsefloat", "decimal"),
    ("ceil", "ceiling"),
    ("roundup", "ceiling"),
    ("rounddown", "floor"),
    ("mod", "remainder"),
    ("modulo", "remainder"),
    ("least", "min"),
    ("greatest", "max"),
    ("numberformat", "format_number"),
    ("formatnumber", "format_number"),
    ("net", "net_from_gross"),
    ("gross", "gross_from_net"),
    ("tax", "tax_in"),
    ("distribute", "allocate"),
    ("prorate", "allocate"),
    ("ifnull", "first_present"),
    ("isnull", "first_present"),
    ("nvl", "first_present"),
    ("coalesce", "first_present"),
    ("default", "first_present"),
    ("ifempty", "filled"),
    ("nullif", "filled"),
    ("str", "text"),
    ("tostring", "text"),
    ("string", "text"),
    ("bool", "boolean"),
    ("toboolean", "boolean"),
    ("strptime", "parse_date"),
    ("todate", "parse_date"),
    ("datevalue", "parse_date"),
    ("strftime", "format_date"),
    ("formatdate", "format_date"),
    ("dateadd", "add_days"),
    ("adddays", "add_days"),
    ("edate", "add_months"),
    ("addmonths", "add_months"),
    ("eomonth", "end_of_month"),
    ("datediff", "days_between"),
    ("daysbetween", "days_between"),
    ("dayofweek", "weekday"),
    ("currentdate", "today"),
    ("currenttimestamp", "now"),
    ("getdate", "now"),
    ("avg", "average"),
    ("mean", "average"),
    ("head", "first"),
    ("single", "only"),
    ("compact", "present"),
    ("unique", "distinct"),
    ("uniq", "distinct"),
    ("distinctby", "distinct"),
    ("uuid5", "uuid_from"),
    ("uuidv5", "uuid_from"),
];

/// Our name for a function of another language (`toUpper`, `LEFT`, `substring-before`, `ifnull`), whatever its case and word marks.
#[must_use]
pub fn foreign_name(name: &str) -> Option<&'static str> {
    let folded: String =
        name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let ours =
        super::functions().map(|function| function.name).find(|ours| *ours != name && ours.replace('_', "") == folded);
    ours.or_else(|| FOREIGN.iter().find(|(foreign, _)| *foreign == folded).map(|(_, ours)| *ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_names_are_known() {
        for (name, ours) in [
            ("upcase", "uppercase"),
            ("toUpper", "uppercase"),
            ("substringBefore", "before"),
            ("LEFT", "left"),
            ("ifnull", "first_present"),
            ("padLeft", "pad_left"),
            ("coalesce", "first_present"),
        ] {
            assert_eq!(foreign_name(name), Some(ours), "{name}");
        }
        assert_eq!(foreign_name("uppercase"), None);
        assert_eq!(foreign_name("frobnicate"), None);
    }

    #[test]
    fn every_entry_leads_to_a_function_and_none_hides_one() {
        for (foreign, ours) in FOREIGN {
            assert!(super::super::function(ours).is_some(), "{ours}");
            assert!(super::super::function(foreign).is_none(), "{foreign}");
        }
    }
}
