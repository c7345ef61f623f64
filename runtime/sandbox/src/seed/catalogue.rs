//! The products: those both systems know, those only the shop knows, and the ERP's special items.
//!
//! In: nothing. Out: products for the shop, items for the ERP. Never: a random product; the list is fixed.

use crate::business_one::ItemSeed;
use crate::text::hex_id;
use rust_decimal::Decimal;

/// How a product is taxed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TaxClass {
    /// 19 % in Germany, 20 % in Austria.
    #[default]
    Standard,
    /// 7 % in Germany, 10 % in Austria.
    Reduced,
    /// 0 %, as for solar panels.
    Zero,
}

impl TaxClass {
    /// The rate for a delivery to `iso`. Other countries pay German rates, below the threshold of distance sales.
    pub(super) fn rate(self, iso: &str) -> Decimal {
        let percent = match (self, iso) {
            (Self::Standard, "AT") => 20,
            (Self::Standard, _) => 19,
            (Self::Reduced, "AT") => 10,
            (Self::Reduced, _) => 7,
            (Self::Zero, _) => 0,
        };
        Decimal::from(percent)
    }

    fn vat_group(self) -> &'static str {
        match self {
            Self::Standard => "A1",
            Self::Reduced => "A2",
            Self::Zero => "A0",
        }
    }

    pub(super) fn tax_id(self) -> String {
        match self {
            Self::Standard => "6802a245ee1b52bfc92076156c6ad607".to_owned(),
            Self::Reduced => "6509d8129bf8e7def96c065eb1ce706d".to_owned(),
            Self::Zero => hex_id("tax 0"),
        }
    }
}

/// A product of the shop.
#[derive(Clone, Debug, Default)]
pub(super) struct Product {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) net_cents: u64,
    pub(super) tax: TaxClass,
    /// Whether the ERP has it.
    pub(super) known: bool,
}

impl Product {
    /// The product's id in the shop; those of the samples are kept.
    pub(super) fn id(&self) -> String {
        match self.number.as_str() {
            "HD-4711-BL-M" => "a9da9eb3bd67d64950fed646272d4c6a".to_owned(),
            "BK-1002" => "1f418ac0db72f1d402320a1da48b04c5".to_owned(),
            "SC-0815" => "f0323a11d383dd56fc3856f26e0e9621".to_owned(),
            number => hex_id(&format!("product {number}")),
        }
    }

    /// The unit price without tax.
    pub(super) fn net(&self) -> Decimal {
        Decimal::new(i64::try_from(self.net_cents).unwrap_or(i64::MAX), 2)
    }

    /// The item of the same code.
    pub(super) fn item(&self) -> ItemSeed {
        ItemSeed {
            code: self.number.clone(),
            name: self.name.clone(),
            vat_group: self.tax.vat_group().to_owned(),
            price: self.net(),
            frozen: false,
            stocked: true,
        }
    }
}

const FIXED: &[(&str, &str, u64, TaxClass)] = &[
    ("HD-4711-BL-M", "Arbeitsjacke \"Deich\" blau, Gr. M", 5000, TaxClass::Standard),
    ("BK-1002", "Fachbuch Holzverbindungen, 4. Auflage", 3000, TaxClass::Reduced),
    ("SC-0815", "Schrauben 5x60 verzinkt (100 Stück)", 700, TaxClass::Standard),
    ("PV-2500", "Solarmodul 440 Wp, bifazial", 11_900, TaxClass::Zero),
    ("MA-9000", "Hobelmaschine 410 mm, 400 V", 250_000, TaxClass::Standard),
    ("U-0005", "Unterlegscheibe M6", 5, TaxClass::Standard),
    ("LE-0100", "Leim \"Extra\" 5 kg", 1667, TaxClass::Standard),
    ("HO-0300", "Honig vom Dach, 500 g", 841, TaxClass::Reduced),
    ("GS-0000", "Muster Gratisprobe", 0, TaxClass::Standard),
];

/// Products the ERP does not have at the start.
const UNKNOWN: &[(&str, &str, u64)] = &[
    ("NEU-9001", "Stichsäge \"Neuheit\" 18 V", 12_990),
    ("NEU-9002", "Sägeblatt-Set, 10-tlg.", 1499),
    ("NEU-9003", "Werkbank klappbar", 8_403),
    ("NEU-9004", "Ölfarbe außen, anthrazit 2,5 l", 3_319),
];

/// All products of the shop.
pub(super) fn products() -> Vec<Product> {
    let fixed = FIXED.iter().map(|(number, name, net_cents, tax)| Product {
        number: (*number).to_owned(),
        name: (*name).to_owned(),
        net_cents: *net_cents,
        tax: *tax,
        known: true,
    });
    let range = (0..48u64).map(|index| Product {
        number: format!("WZ-{:04}", 1000 + index * 7),
        name: format!(
            "{} Nr. {index}",
            ["Stechbeitel", "Zwinge", "Bürste", "Maßband", "Winkel", "Öler"]
                .get((index % 6) as usize)
                .unwrap_or(&"Werkzeug")
        ),
        // Spread over 0.15 to about 180 with awkward cents.
        net_cents: 15 + (index * index * 797) % 17_989,
        tax: if index % 5 == 4 { TaxClass::Reduced } else { TaxClass::Standard },
        known: true,
    });
    let unknown = UNKNOWN.iter().map(|(number, name, net_cents)| Product {
        number: (*number).to_owned(),
        name: (*name).to_owned(),
        net_cents: *net_cents,
        tax: TaxClass::Standard,
        known: false,
    });
    fixed.chain(range).chain(unknown).collect()
}

/// Items that are no products: discount and rounding lines, and one blocked item that no order holds.
pub(super) fn special_items() -> Vec<ItemSeed> {
    let item = |code: &str, name: &str, frozen: bool| ItemSeed {
        code: code.to_owned(),
        name: name.to_owned(),
        vat_group: "A1".to_owned(),
        price: Decimal::ZERO,
        frozen,
        stocked: false,
    };
    vec![
        item("DISCOUNT", "Rabatt", false),
        item("ROUNDING", "Rundung", false),
        item("OLD-0001", "Auslaufartikel, gesperrt", true),
    ]
}
