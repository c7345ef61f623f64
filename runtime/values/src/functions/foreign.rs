//! What other languages call our functions, for "did you mean".

/// Our names, and what Excel, SQL, JavaScript, PHP, JSONata, DataWeave, Liquid and others call the same: lower case, without marks.
const FOREIGN: &[(&str, &str)] = &[
    (
        "uppercase",
        "upcase toupper touppercase upper ucase strtoupper mbstrtoupper uppercased tolocaleuppercase grossbuchstaben",
    ),
    (
        "lowercase",
        "downcase tolower tolowercase lower lcase strtolower mbstrtolower lowercased tolocalelowercase klein kleinbuchstaben",
    ),
    ("capitalize", "ucfirst proper capitalise initcap titlecase mbucfirst titleize gross2"),
    ("trim", "strip btrim alltrim"),
    ("trim_start", "ltrim lstrip trimleft lefttrim"),
    ("trim_end", "rtrim rstrip trimright righttrim chop chomp"),
    ("collapse_spaces", "clean squish normalizespace normalizespaces squeeze stripnewlines glaetten saeubern"),
    ("length", "len strlen charlength characterlength mbstrlen charcount laenge"),
    ("count", "sizeof size counta itemcount countof sizeoflist arraylength anzahl anzahl2"),
    ("substring", "substr mid slice mbsubstr substringwithrange copy teil"),
    ("before", "substringbefore textbefore substringbeforefirst textvor"),
    ("after", "substringafter textafter substringafterfirst textnach"),
    ("cut", "truncate shorten trunctext limit ellipsis"),
    ("pad_left", "padstart lpad leftpad zfill strpad padl leftpadding"),
    ("pad_right", "padend rpad padr rightpad rightpadding ljust"),
    ("repeat", "rept replicate strrepeat wiederholen"),
    ("concat", "concatenate append prepend textconcat strcat verketten textkette"),
    ("join", "textjoin implode joinby stringagg listagg groupconcat joinwith joinstrings textverketten"),
    ("split", "explode splitby tokenize textsplit stringsplit strsplit splittext regexpsplit textteilen"),
    ("contains", "includes strcontains instr contain indexof charindex finden suchen search"),
    ("starts_with", "hasprefix strstartswith beginswith"),
    ("ends_with", "hassuffix strendswith"),
    ("replace", "substitute replaceall strreplace remove replacefirst translate wechseln ersetzen"),
    ("only_digits", "digits numericonly keepdigits onlynumbers"),
    ("integer", "int toint tointeger parseint intval cint parseinteger toint32 toint64 asinteger"),
    (
        "decimal",
        "number tonumber todecimal parsefloat value numbervalue val floatval tofloat parsenumber parsedecimal cdec asnumber double wert zahlenwert",
    ),
    ("ceiling", "ceil roundup ceilto aufrunden obergrenze"),
    ("floor", "rounddown trunc truncatenumber integerpart abrunden untergrenze ganzzahl kuerzen"),
    ("remainder", "mod modulo modulus fmod bcmod rem rest"),
    ("min", "least minimum atmost minof"),
    ("max", "greatest maximum atleast maxof"),
    ("format_number", "numberformat fixed numfmt tochar formatdecimal formatcurrency dollar fest"),
    ("net_from_gross", "net nettax grosstonet excludetax"),
    ("gross_from_net", "gross nettogross includetax addtax addvat"),
    ("tax_in", "tax vat vatin taxamount"),
    ("allocate", "distribute prorate spread apportion splitevenly"),
    ("first_present", "ifnull isnull nvl coalesce default firstnonnull ifna firstnotnull orelse firstof"),
    ("filled", "ifempty nullif blanktonull emptytonull nullifempty presence blanktomissing nullifblank"),
    ("text", "str tostring string strval astext cstr totext stringify"),
    ("boolean", "bool toboolean boolval tobool parsebool asboolean"),
    ("parse_date", "strptime todate datevalue strtodate datecreate asdate dateparse parseday datwert"),
    ("format_date", "strftime dateformat datetostring printdate kalenderwoche isokalenderwoche jahr monat tag year"),
    ("add_days", "dateadd dateadddays plusdays adddate dateplus"),
    ("add_months", "edate plusmonths monthadd edatum"),
    ("end_of_month", "eomonth lastday lastdayofmonth endofmonthday lastofmonth eom monatsende"),
    ("days_between", "datediff days datedif daysdiff diffdays tage"),
    ("weekday", "dayofweek dow getday isodow dayofweekiso wochentag"),
    ("today", "currentdate curdate sysdate currentday heute"),
    ("now", "currenttimestamp getdate systimestamp localtimestamp utcnow millis jetzt"),
    ("average", "avg mean averagea avgof mittelwert"),
    ("first", "head reset current element0 firstitem"),
    ("only", "single exactlyone one"),
    ("present", "compact withoutnulls nonnull arrayfilter filternulls removenulls withoutmissing"),
    ("distinct", "unique uniq distinctby arrayunique dedupe deduplicate uniqueby eindeutig"),
    ("uuid_from", "uuid5 uuidv5 uuidv3 uuid3 nameuuid nameuuidfrombytes uuidfromname"),
    ("remove_accents", "unaccent deburr stripaccents removediacritics transliterate ascii"),
    ("remove_unmappable", "iconv mbconvertencoding unencodable removenonascii stripnonascii asciionly"),
    ("strip_html", "striptags removehtml htmltotext plaintext stripmarkup htmlentitydecode"),
    ("only_letters", "alphaonly keepletters"),
    ("left", "leftstr links"),
    ("right", "rightstr rechts"),
    ("matches", "regextest regexplike regexmatch rlike pregmatch test ismatch similarto"),
    ("extract", "regexextract regexpsubstr regexsubstr scan capture regexpmatches match"),
    ("replace_pattern", "regexreplace regexpreplace pregreplace gsub sub"),
    ("round", "mround tofixed bankersround roundto roundhalfup runden"),
    ("abs", "absolute magnitude absval"),
    ("clamp", "constrain bounded between begrenzen"),
    ("convert", "exchange convertcurrency currencyconvert"),
    ("money", "cash geld monetaryamount currencyamount moneyof"),
    ("amount", "betrag amountof moneyamount"),
    ("currency", "waehrung currencycode currencyof"),
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
    ("sum", "total arraysum sumof sumby add summe"),
    ("last", "end arraylast lastitem pop"),
    ("flatten", "flat flatmap arrayflatten concatlists unnest flattenlist"),
    ("chunk", "arraychunk divideby inbatchesof partition wraprows batch grouped slicesof"),
    ("sha256", "sha2 hash hashsha256 sha256hex"),
    ("base64", "base64encode tobase64 btoa encodebase64 b64encode"),
    ("from_base64", "base64decode atob decodebase64 b64decode unbase64"),
    ("valid_gtin", "isgtin validean isean checkean ean13"),
    ("valid_iban", "isiban checkiban"),
    ("country", "countrycode isocountry countryiso tocountry"),
    ("convert_unit", "unitconvert convertunits unitconversion convertmeasure umwandeln"),
];

/// Our name for a function of another language (`toUpper`, `LEFT`, `substring-before`, `ifnull`), whatever its case and word marks.
#[must_use]
pub fn foreign_name(name: &str) -> Option<&'static str> {
    let folded = folded(name);
    let ours =
        super::functions().map(|function| function.name).find(|ours| *ours != name && ours.replace('_', "") == folded);
    let foreign = || FOREIGN.iter().find(|(_, names)| names.split(' ').any(|foreign| foreign == folded));
    ours.or_else(|| foreign().map(|(ours, _)| *ours))
}

/// What other languages do with a function, and this one in another way.
const FORMS: &[(&str, &str)] = &[
    ("iif wenn ternary decode", "write `if CONDITION then A else B`"),
    ("iferror wennfehler try trycast tryparse onerror", "write `VALUE if invalid OTHER`"),
    ("case switch choose select wenns ifs erstwert schalter", "write `match VALUE { \"a\" -> 1; otherwise -> 2 }`"),
    (
        "vlookup xlookup hlookup sverweis xverweis wverweis verweis index vergleich dictionary",
        "write `lookup TABLE(VALUE)`; a `table` holds the rows",
    ),
    ("isblank istleer isempty isnullorempty empty", "write `VALUE is blank`, or `VALUE is missing`"),
    ("exists defined isdefined has notnull isnotnull", "write `VALUE is present`"),
    ("und oder nicht xor", "write `and`, `or`, `not` between conditions"),
    ("identisch exact equals eq equalsignorecase", "write `A == B`"),
    ("map apply foreach transform project pluck collect", "write `each LIST as x take ...`"),
    ("filter grep findall wherein", "write `each LIST as x where ...`"),
    ("sort orderby sortby sortieren sortierennach ordered", "write `each LIST as x sorted by x.FIELD`"),
    (
        "sumif summewenn sumifs summewenns countif zaehlenwenn countifs zaehlenwenns averageif mittelwertwenn",
        "write `sum(each LIST as x where ... take x.FIELD)`, and `count` in the same way",
    ),
    ("query sql dlookup lookuprecord getrecord fetch", "write `find SYSTEM.ENTITY as x where x.FIELD == VALUE`"),
    ("null nil none undefined", "write `omit` to leave a field out, `clear` to empty it"),
    (
        "uuid newid guid generateuuid random rand uuidv4",
        "write `uuid_from(NAMESPACE, TEXT)`: the same input must give the same result",
    ),
    ("rownumber rownum rank zeile", "write `position(x)` for a named element of an `each`"),
];

/// What to write instead of a function of another language for which there is a form of the language: a clause.
#[must_use]
pub fn foreign_form(name: &str) -> Option<&'static str> {
    let folded = folded(name);
    FORMS.iter().find(|(names, _)| names.split(' ').any(|foreign| foreign == folded)).map(|(_, form)| *form)
}

/// In small letters, without marks, umlauts spelled out.
fn folded(name: &str) -> String {
    let letters = name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase);
    letters.fold(String::with_capacity(name.len()), |mut out, letter| {
        match letter {
            'ä' => out.push_str("ae"),
            'ö' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            other => out.push(other),
        }
        out
    })
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
            ("GLÄTTEN", "collapse_spaces"),
            ("LÄNGE", "length"),
            ("TEXTVERKETTEN", "join"),
            ("MONATSENDE", "end_of_month"),
        ] {
            assert_eq!(foreign_name(name), Some(ours), "{name}");
        }
        assert_eq!(foreign_name("uppercase"), None);
        assert_eq!(foreign_name("frobnicate"), None);
    }

    #[test]
    fn foreign_forms_are_known() {
        assert_eq!(foreign_form("SVERWEIS"), Some("write `lookup TABLE(VALUE)`; a `table` holds the rows"));
        assert_eq!(foreign_form("Wenn"), Some("write `if CONDITION then A else B`"));
        assert_eq!(foreign_form("cut"), None);
        for (names, form) in FORMS {
            assert!(form.starts_with("write `"), "{form}");
            for name in names.split(' ') {
                assert!(
                    super::super::function(name).is_none() && foreign_name(name).is_none(),
                    "{name} has two answers"
                );
            }
        }
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
