//! What other languages call our functions, for "did you mean".

/// Our names, and what Excel, SQL, JavaScript, PHP, JSONata, DataWeave, Liquid and others call the same: lower case, without marks.
const FOREIGN: &[(&str, &str)] = &[
    ("uppercase", "upcase toupper touppercase upper ucase strtoupper mbstrtoupper uppercased tolocaleuppercase"),
    ("lowercase", "downcase tolower tolowercase lower lcase strtolower mbstrtolower lowercased tolocalelowercase"),
    ("capitalize", "ucfirst proper capitalise initcap titlecase mbucfirst titleize"),
    ("trim", "strip btrim alltrim"),
    ("trim_start", "ltrim lstrip trimleft lefttrim"),
    ("trim_end", "rtrim rstrip trimright righttrim chop chomp"),
    ("collapse_spaces", "clean squish normalizespace normalizespaces squeeze stripnewlines"),
    ("length", "len strlen charlength characterlength mbstrlen charcount"),
    ("count", "sizeof size counta itemcount countof sizeoflist arraylength"),
    ("substring", "substr mid slice mbsubstr substringwithrange copy"),
    ("before", "substringbefore textbefore substringbeforefirst"),
    ("after", "substringafter textafter substringafterfirst"),
    ("cut", "truncate shorten trunctext limit ellipsis"),
    ("pad_left", "padstart lpad leftpad zfill strpad padl leftpadding"),
    ("pad_right", "padend rpad padr rightpad rightpadding ljust"),
    ("repeat", "rept replicate strrepeat"),
    ("concat", "concatenate append prepend textconcat strcat"),
    ("join", "textjoin implode joinby stringagg listagg groupconcat joinwith joinstrings"),
    ("split", "explode splitby tokenize textsplit stringsplit strsplit splittext regexpsplit"),
    ("contains", "includes strcontains instr contain indexof charindex"),
    ("starts_with", "hasprefix strstartswith beginswith"),
    ("ends_with", "hassuffix strendswith"),
    ("replace", "substitute replaceall strreplace remove replacefirst translate"),
    ("only_digits", "digits numericonly keepdigits onlynumbers"),
    ("integer", "int toint tointeger parseint intval cint parseinteger toint32 toint64 asinteger"),
    (
        "decimal",
        "number tonumber todecimal parsefloat value numbervalue val floatval tofloat parsenumber parsedecimal cdec asnumber double",
    ),
    ("ceiling", "ceil roundup ceilto"),
    ("floor", "rounddown trunc truncatenumber integerpart"),
    ("remainder", "mod modulo modulus fmod bcmod rem"),
    ("min", "least minimum atmost minof"),
    ("max", "greatest maximum atleast maxof"),
    ("format_number", "numberformat fixed numfmt tochar formatdecimal formatcurrency dollar"),
    ("net_from_gross", "net nettax grosstonet excludetax"),
    ("gross_from_net", "gross nettogross includetax addtax addvat"),
    ("tax_in", "tax vat vatin taxamount"),
    ("allocate", "distribute prorate spread apportion splitevenly"),
    ("first_present", "ifnull isnull nvl coalesce default firstnonnull ifna firstnotnull orelse firstof"),
    ("filled", "ifempty nullif blanktonull emptytonull nullifempty presence blanktomissing nullifblank"),
    ("text", "str tostring string strval astext cstr totext stringify"),
    ("boolean", "bool toboolean boolval tobool parsebool asboolean"),
    ("parse_date", "strptime todate datevalue strtodate datecreate asdate dateparse parseday"),
    ("format_date", "strftime dateformat datetostring printdate"),
    ("add_days", "dateadd dateadddays plusdays adddate dateplus"),
    ("add_months", "edate plusmonths monthadd"),
    ("end_of_month", "eomonth lastday lastdayofmonth endofmonthday lastofmonth eom"),
    ("days_between", "datediff days datedif daysdiff diffdays"),
    ("weekday", "dayofweek dow getday isodow dayofweekiso"),
    ("today", "currentdate curdate sysdate currentday"),
    ("now", "currenttimestamp getdate systimestamp localtimestamp utcnow millis"),
    ("average", "avg mean averagea avgof"),
    ("first", "head reset current element0 firstitem"),
    ("only", "single exactlyone one"),
    ("present", "compact withoutnulls nonnull arrayfilter filternulls removenulls withoutmissing"),
    ("distinct", "unique uniq distinctby arrayunique dedupe deduplicate uniqueby"),
    ("uuid_from", "uuid5 uuidv5 uuidv3 uuid3 nameuuid nameuuidfrombytes uuidfromname"),
    ("remove_accents", "unaccent deburr stripaccents removediacritics transliterate ascii"),
    ("strip_html", "striptags removehtml htmltotext plaintext stripmarkup htmlentitydecode"),
    ("only_letters", "alphaonly keepletters"),
    ("left", "leftstr"),
    ("right", "rightstr"),
    ("matches", "regextest regexplike regexmatch rlike pregmatch test ismatch similarto"),
    ("extract", "regexextract regexpsubstr regexsubstr scan capture regexpmatches match"),
    ("replace_pattern", "regexreplace regexpreplace pregreplace gsub sub"),
    ("round", "mround tofixed bankersround roundto roundhalfup"),
    ("abs", "absolute magnitude absval"),
    ("clamp", "constrain bounded between"),
    ("convert", "exchange convertcurrency currencyconvert"),
    ("to_minor_units", "tocents incents minorunits"),
    ("from_minor_units", "fromcents"),
    (
        "parse_datetime",
        "todatetime parsetimestamp totimestamp strtotime parsedateandtime parsezoneddatetime datetimeparse",
    ),
    ("format_datetime", "dateformattz formattimestamp datetimeformat"),
    ("date_in", "cdate localdate dateof"),
    ("in_zone", "attimezone converttz totimezone switchoffset withzone inzoneid"),
    ("from_epoch", "fromunixtime fromunix frommillis tounixdate fromtimestamp epochtodate"),
    ("to_epoch", "tounix unixtimestamp tomillis gettime epochof"),
    ("start_of_day", "datetrunc beginningofday atstartofday midnight"),
    ("start_of_month", "firstdayofmonth beginningofmonth firstofmonth bom"),
    ("sum", "total arraysum sumof sumby add"),
    ("last", "end arraylast lastitem pop"),
    ("flatten", "flat flatmap arrayflatten concatlists unnest flattenlist"),
    ("chunk", "arraychunk divideby inbatchesof partition wraprows batch grouped slicesof"),
    ("sha256", "sha2 hash hashsha256 sha256hex"),
    ("base64", "base64encode tobase64 btoa encodebase64 b64encode"),
    ("from_base64", "base64decode atob decodebase64 b64decode unbase64"),
    ("valid_gtin", "isgtin validean isean checkean ean13"),
    ("valid_iban", "isiban checkiban"),
    ("country", "countrycode isocountry countryiso tocountry"),
    ("convert_unit", "unitconvert convertunits unitconversion convertmeasure"),
];

/// Our name for a function of another language (`toUpper`, `LEFT`, `substring-before`, `ifnull`), whatever its case and word marks.
#[must_use]
pub fn foreign_name(name: &str) -> Option<&'static str> {
    let folded: String =
        name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let ours =
        super::functions().map(|function| function.name).find(|ours| *ours != name && ours.replace('_', "") == folded);
    let foreign = || FOREIGN.iter().find(|(_, names)| names.split(' ').any(|foreign| foreign == folded));
    ours.or_else(|| foreign().map(|(ours, _)| *ours))
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
            ("preg_replace", "replace_pattern"),
            ("mb_strtoupper", "uppercase"),
            ("REGEXEXTRACT", "extract"),
            ("TEXTBEFORE", "before"),
            ("strip_tags", "strip_html"),
            ("sizeOf", "count"),
            ("at_least", "max"),
            ("STRING_AGG", "join"),
            ("$fromMillis", "from_epoch"),
            ("number_format", "format_number"),
        ] {
            assert_eq!(foreign_name(name), Some(ours), "{name}");
        }
        assert_eq!(foreign_name("uppercase"), None);
        assert_eq!(foreign_name("frobnicate"), None);
    }

    #[test]
    fn every_entry_leads_to_a_function_and_none_hides_one() {
        let mut names: Vec<&str> = Vec::new();
        for (ours, foreign) in FOREIGN {
            assert!(super::super::function(ours).is_some(), "{ours}");
            names.extend(foreign.split(' '));
        }
        for name in &names {
            let folded = name.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit());
            assert!(folded && !name.is_empty(), "{name:?}");
            let hidden = super::super::functions().find(|function| function.name.replace('_', "") == *name);
            assert!(hidden.is_none(), "{name} is a function of ours");
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "a name stands twice");
    }
}
