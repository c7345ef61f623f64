//! Invented people, companies, places and remarks, with the oddities that real ones have.
//!
//! In: draws. Out: addresses and texts: umlauts, apostrophes, long names, missing telephones, emoji, right-to-left.
//! Never: a real person.

use super::draw::Draw;

/// A country of delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Country {
    pub(super) iso: &'static str,
    pub(super) iso3: &'static str,
    pub(super) name: &'static str,
    pub(super) eu: bool,
    towns: &'static [(&'static str, &'static str)],
}

pub(super) const GERMANY: Country = Country {
    iso: "DE",
    iso3: "DEU",
    name: "Deutschland",
    eu: true,
    towns: &[
        ("20095", "Hamburg"),
        ("24103", "Kiel"),
        ("80331", "München"),
        ("01067", "Dresden"),
        ("06917", "Jessen (Elster)"),
        ("99084", "Erfurt"),
    ],
};

pub(super) const OTHERS: &[Country] = &[
    Country {
        iso: "AT",
        iso3: "AUT",
        name: "Österreich",
        eu: true,
        towns: &[("1010", "Wien"), ("5020", "Salzburg"), ("6020", "Innsbruck")],
    },
    Country { iso: "AT", iso3: "AUT", name: "Österreich", eu: true, towns: &[("8010", "Graz"), ("4020", "Linz")] },
    Country {
        iso: "DK",
        iso3: "DNK",
        name: "Dänemark",
        eu: true,
        towns: &[("8000", "Aarhus C"), ("1050", "København K")],
    },
    Country {
        iso: "FR",
        iso3: "FRA",
        name: "Frankreich",
        eu: true,
        towns: &[("67000", "Strasbourg"), ("75011", "Paris 11e Arrondissement")],
    },
    Country {
        iso: "PL", iso3: "POL", name: "Polen", eu: true, towns: &[("00-001", "Warszawa"), ("90-001", "Łódź")]
    },
    Country {
        iso: "NL",
        iso3: "NLD",
        name: "Niederlande",
        eu: true,
        towns: &[("1012 AB", "Amsterdam"), ("3511 LX", "Utrecht")],
    },
    Country { iso: "BE", iso3: "BEL", name: "Belgien", eu: true, towns: &[("1000", "Bruxelles"), ("9000", "Gent")] },
    Country { iso: "CH", iso3: "CHE", name: "Schweiz", eu: false, towns: &[("8001", "Zürich"), ("3920", "Zermatt")] },
    Country { iso: "CH", iso3: "CHE", name: "Schweiz", eu: false, towns: &[("1201", "Genève")] },
];

const FIRST_NAMES: &[&str] = &[
    "Amélie",
    "Jonna",
    "Tjark",
    "Özlem",
    "Björn",
    "Zoë",
    "Ngô",
    "Siobhán",
    "Hans-Jürgen",
    "Łucja",
    "Mats",
    "Øyvind",
    "Anne Marie",
    "J.",
];

const LAST_NAMES: &[&str] = &[
    "O'Brannagh",
    "Müller",
    "Østergård-Müller",
    "von der Marwitz-Hohenfels",
    "Şahin",
    "Groß",
    "d'Aubigné",
    "Nguyễn",
    "Weiß",
    "Kowalczyk",
    "Freiherr von und zu Guttenau-Lichtenstein",
    "Li",
    "Ó Súilleabháin",
    "Schmitt & Sohn",
];

const STREETS: &[&str] = &[
    "Rosenstieg",
    "Am Musterkoppelweg",
    "Lagerstraße",
    "Straße des 17. Juni",
    "Rue de l'Église",
    "ul. Świętokrzyska",
    "Bahnhofstr.",
    "Gårdsvej",
    "Große Elbstraße Hinterhaus",
];

const COMPANIES: &[&str] = &[
    "Falkenried Werkstattbedarf GmbH",
    "Tischlerei Groß & Söhne OHG",
    "\"Die Werkbank\" e. K.",
    "Łódź Meble Sp. z o.o.",
    "Ærø Bådebyggeri ApS",
    "Müller, Meier & Partner mbB",
    "Holz-Art <Design> AG",
];

const REMARKS: &[&str] = &[
    "Bitte bei Nachbar abgeben & nicht klingeln",
    "Schöne Grüße aus Überlingen – größte Vorfreude!",
    "Geschenk 🎁 bitte ohne Rechnung 😀👍🏽",
    "من فضلك اتصل قبل التسليم",
    "נא להתקשר לפני המסירה",
    "Lieferung an \"Tor 3\", Rampe 'B'; Zufahrt über <Hof>",
    "  zweimal  Leerzeichen   und\tTabulator\nneue Zeile  ",
    "-",
    "Zwischen 8:00 und 8:15 Uhr, sonst gar nicht.",
];

/// A person or company at an address, as one set of fields serves order, customer and delivery.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) company: Option<String>,
    pub(super) vat_id: Option<String>,
    pub(super) street: String,
    pub(super) extra: Option<String>,
    pub(super) zipcode: String,
    pub(super) city: String,
    pub(super) country: Country,
    pub(super) phone: Option<String>,
    pub(super) email: String,
}

/// A country: seven in ten are at home.
pub(super) fn country(draw: &mut Draw) -> Country {
    if draw.chance(700) { GERMANY } else { draw.pick(OTHERS) }
}

/// An invented customer in this country; `label` keeps the e-mail unique.
pub(super) fn party(draw: &mut Draw, label: &str, business: bool, country: Country) -> Party {
    let last_name = draw.pick(LAST_NAMES).to_owned();
    let company = business.then(|| {
        if draw.chance(60) {
            long(draw.pick(COMPANIES), draw.between(101, 255))
        } else {
            draw.pick(COMPANIES).to_owned()
        }
    });
    let street =
        format!("{} {}{}", draw.pick(STREETS), draw.between(1, 199), draw.pick(&["", "", "a", " b", "/3. OG links"]));
    let street = if draw.chance(30) { long(&street, draw.between(101, 255)) } else { street };
    let (zipcode, city) = draw.pick(country.towns);
    let vat_id = (business && country.eu).then(|| format!("{}{:09}", country.iso, draw.below(999_999_999)));
    Party {
        first_name: draw.pick(FIRST_NAMES).to_owned(),
        last_name,
        company,
        vat_id,
        street,
        extra: draw.chance(200).then(|| {
            draw.pick(&["Tor 3, Rampe B", "c/o Weiß", "3. Stock, Wohnung 12", "Aufgang B ☎ klingeln"]).to_owned()
        }),
        zipcode: zipcode.to_owned(),
        city: city.to_owned(),
        country,
        phone: draw.chance(750).then(|| format!("+49 431 555{:04}", draw.below(10_000))),
        email: format!("{label}@kundin.example"),
    }
}

/// Another address of the same person, for delivery.
pub(super) fn elsewhere(draw: &mut Draw, at_home: &Party, country: Country) -> Party {
    let other = party(draw, "unused", false, country);
    Party { company: at_home.company.clone(), vat_id: None, email: at_home.email.clone(), ..other }
}

/// A remark of the customer; most write none.
pub(super) fn remark(draw: &mut Draw) -> Option<String> {
    match draw.below(10) {
        0..=5 => None,
        6 if draw.chance(300) => Some(long(
            "Bitte beachten Sie unbedingt die folgenden Hinweise zur Anlieferung an der Rückseite des Gebäudes: ",
            600,
        )),
        _ => Some(draw.pick(REMARKS).to_owned()),
    }
}

/// `text` repeated up to exactly `length` characters.
fn long(text: &str, length: u64) -> String {
    text.chars().chain([' ']).cycle().take(usize::try_from(length).unwrap_or(0)).collect()
}
