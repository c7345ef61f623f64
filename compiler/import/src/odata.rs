//! `$metadata` of OData 2, 3 and 4 to the draft: entity sets are entities, complex types are types, bound actions are actions.

use std::collections::{HashMap, HashSet};

use crate::draft::{
    DIGITS_UNKNOWN, Definition, Draft, FIELDS_MAX, Field, Marks, Role, Shape, Typed, guess_change_stamp, guess_key,
    one_line,
};
use crate::fault::{Fault, Note, Place};
use crate::xml::Element;

/// How many types may stand behind one another.
const BASES_MAX: usize = 16;

/// Reads a description.
pub(crate) fn read(file: &str, source: usize, root: &Element) -> Result<Draft, Fault> {
    let schemas: Vec<&Element> = root.all("DataServices").flat_map(|services| services.all("Schema")).collect();
    if schemas.is_empty() {
        let help = "fetch the service's `$metadata` anew";
        return Err(Fault::at(file, root.line, "it holds no `Schema`", help));
    }
    let version_4 = root.attribute("Version").is_some_and(|version| version.starts_with('4'));
    let mut model = Model { file, source, version_4, ..Model::default() };
    for schema in &schemas {
        model.collect(schema);
    }
    let mut draft = Draft::default();
    for schema in &schemas {
        let namespace = schema.attribute("Namespace").unwrap_or_default();
        for element in &schema.children {
            let Some(name) = element.attribute("Name") else { continue };
            let full = format!("{namespace}.{name}");
            match element.name.as_str() {
                "EntityType" | "ComplexType" => {
                    let definition = model.record(&full, element)?;
                    draft.definitions.insert(full, definition);
                }
                "EnumType" => {
                    draft.definitions.insert(full, model.words(name, element));
                }
                "Action" => model.action(element, &mut draft)?,
                "Function" => draft.notes.push(Note {
                    place: model.place(element),
                    subject: name.to_owned(),
                    text: "a function is not drafted: what it answers belongs to an entity of yours".to_owned(),
                }),
                _ => {}
            }
        }
    }
    if draft.definitions.is_empty() {
        let help = "fetch the service's `$metadata` anew";
        return Err(Fault::at(file, root.line, "it holds neither entity types nor complex types", help));
    }
    Ok(draft)
}

/// What is known of all schemas.
#[derive(Default)]
struct Model<'x> {
    file: &'x str,
    source: usize,
    version_4: bool,
    /// Aliases of namespaces.
    aliases: HashMap<&'x str, &'x str>,
    /// Types by their full names.
    types: HashMap<String, &'x Element>,
    /// Entity sets by the full name of their type.
    sets: HashMap<String, Vec<&'x str>>,
    associations: HashMap<String, &'x Element>,
    /// What is said of a target elsewhere: `NS.Type/Property`.
    annotations: HashMap<String, Vec<&'x Element>>,
    fields: usize,
}

impl<'x> Model<'x> {
    fn place(&self, element: &Element) -> Place {
        Place { source: self.source, line: element.line }
    }

    fn collect(&mut self, schema: &'x Element) {
        let namespace = schema.attribute("Namespace").unwrap_or_default();
        if let Some(alias) = schema.attribute("Alias") {
            self.aliases.insert(alias, namespace);
        }
        for element in &schema.children {
            let name = element.attribute("Name").unwrap_or_default();
            let full = format!("{namespace}.{name}");
            match element.name.as_str() {
                "EntityType" | "ComplexType" | "EnumType" | "TypeDefinition" => {
                    self.types.insert(full, element);
                }
                "Association" => {
                    self.associations.insert(full, element);
                }
                "EntityContainer" => {
                    for set in
                        element.children.iter().filter(|set| ["EntitySet", "Singleton"].contains(&set.name.as_str()))
                    {
                        let of = set.attribute("EntityType").or_else(|| set.attribute("Type")).unwrap_or_default();
                        let full = self.full(of);
                        self.sets.entry(full).or_default().extend(set.attribute("Name"));
                    }
                }
                "Annotations" => {
                    let target = element.attribute("Target").unwrap_or_default();
                    let (of, field) = target.split_once('/').unwrap_or((target, ""));
                    let target = format!("{}/{field}", self.full(of));
                    self.annotations.entry(target).or_default().extend(element.all("Annotation"));
                }
                _ => {}
            }
        }
    }

    /// A name with its namespace instead of an alias.
    fn full(&self, name: &str) -> String {
        match name.rsplit_once('.') {
            Some((space, local)) => format!("{}.{local}", self.aliases.get(space).unwrap_or(&space)),
            None => name.to_owned(),
        }
    }

    /// The entity's name: that of its first set.
    fn shown<'a>(&self, full: &'a str) -> &'a str
    where
        'x: 'a,
    {
        match self.sets.get(full).and_then(|sets| sets.first()) {
            Some(set) => set,
            None => full.rsplit('.').next().unwrap_or(full),
        }
    }

    /// A type with all that it is based on, the base first.
    fn bases(&self, full: &str, element: &'x Element) -> Vec<(String, &'x Element)> {
        let mut all = vec![(full.to_owned(), element)];
        let mut next = element;
        while let Some(base) = next.attribute("BaseType").map(|base| self.full(base)).filter(|_| all.len() < BASES_MAX)
        {
            let Some(known) = self.types.get(&base) else { break };
            next = known;
            all.push((base, next));
        }
        all.reverse();
        all
    }

    fn record(&mut self, full: &str, element: &'x Element) -> Result<Definition, Fault> {
        let name = self.shown(full).to_owned();
        let sets = self.sets.get(full).cloned().unwrap_or_default();
        let mut notes = Vec::new();
        let place = self.place(element);
        if let [_, others @ ..] = sets.as_slice()
            && !others.is_empty()
        {
            let text = format!("its records are also found in {}, which is not drafted", others.join(", "));
            notes.push(Note { place, subject: name.clone(), text });
        }
        if element.attribute("OpenType") == Some("true") {
            let text = "further fields that it may have are not carried over".to_owned();
            notes.push(Note { place, subject: name.clone(), text });
        }
        let (mut fields, mut keys): (Vec<Field>, HashSet<String>) = Default::default();
        for (of, base) in self.bases(full, element) {
            let references = base.all("Key").flat_map(|key| key.all("PropertyRef"));
            keys.extend(references.filter_map(|reference| reference.attribute("Name")).map(str::to_owned));
            for property in base.all("Property") {
                fields.push(self.property(&name, &of, property, &mut notes)?);
            }
            for navigation in base.all("NavigationProperty") {
                self.navigation(&name, navigation, &mut fields, &mut notes)?;
            }
        }
        for field in fields.iter_mut().filter(|field| keys.contains(&field.wire)) {
            field.marks.key = true;
            field.marks.required = false;
            field.typed.optional = false;
        }
        for key in keys.iter().filter(|key| fields.iter().all(|field| field.wire != **key)) {
            let text = format!("its key `{key}` is none of its fields and is not carried over");
            notes.push(Note { place, subject: name.clone(), text });
        }
        let entity = !sets.is_empty();
        if entity {
            guess_key(&name, &mut fields, place, &mut notes);
            guess_change_stamp(&name, &mut fields, &mut notes);
        }
        let role = if entity { Role::Entity } else { Role::Type };
        let doc = self.documentation(element, full, "");
        Ok(Definition { name, role, doc, body: Shape::Record(fields), place, notes })
    }

    /// What is annotated of a type or field, in it or elsewhere.
    fn annotation(&self, element: &'x Element, of: &str, field: &str, term: &str) -> Option<&'x Element> {
        let elsewhere = self.annotations.get(&format!("{of}/{field}"));
        let all = element.all("Annotation").chain(elsewhere.into_iter().flatten().copied());
        let mut all = all.filter(|annotation| annotation.attribute("Term").is_some_and(|known| known.ends_with(term)));
        all.next()
    }

    fn documentation(&self, element: &'x Element, of: &str, field: &str) -> String {
        let told = element.all("Documentation").map(|told| told.told(&["Summary", "LongDescription"]));
        let told: Vec<String> = told.filter(|told| !told.is_empty()).collect();
        let described = || {
            let annotation = self.annotation(element, of, field, ".Description")?;
            annotation.attribute("String").or_else(|| annotation.child("String").map(|text| text.text.as_str()))
        };
        match told.first() {
            Some(told) => one_line(told),
            None => {
                let said = described().or_else(|| element.attribute("sap:quickinfo"));
                one_line(said.or_else(|| element.attribute("sap:label")).unwrap_or_default())
            }
        }
    }

    fn property(
        &mut self,
        owner: &str,
        of: &str,
        property: &'x Element,
        notes: &mut Vec<Note>,
    ) -> Result<Field, Fault> {
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            let message = format!("it has more than {FIELDS_MAX} fields");
            return Err(Fault::at(self.file, property.line, message, "cut it down to the types that you need"));
        }
        let wire = property.attribute("Name").unwrap_or_default().to_owned();
        let subject = format!("{owner}.{wire}");
        let mut typed = self.typed(property.attribute("Type").unwrap_or_default(), property, &subject, notes);
        let truth = |term: &str| {
            let annotation = self.annotation(property, of, &wire, term);
            annotation.is_some_and(|annotation| annotation.attribute("Bool") != Some("false"))
        };
        let permission = self.annotation(property, of, &wire, ".Permissions");
        let readable =
            permission.and_then(|said| said.attribute("EnumMember")).is_some_and(|said| said.ends_with("/Read"));
        let fixed = property.attribute("sap:updatable") == Some("false");
        let given = property.attribute("sap:creatable") == Some("false");
        let read_only = truth(".Computed") || readable || (fixed && given);
        let create_only = !read_only && (truth(".Immutable") || fixed);
        let must = property.attribute("Nullable") == Some("false");
        if let Some(value) = property.attribute("DefaultValue").filter(|_| must) {
            notes.push(Note {
                place: self.place(property),
                subject: subject.clone(),
                text: format!("what the system takes where nothing is sent is not carried over ({})", one_line(value)),
            });
        }
        let required = must && !read_only && property.attribute("DefaultValue").is_none();
        let is_list = matches!(typed.shape, Shape::List { .. });
        typed.optional = if is_list { !must } else { !must || typed.optional };
        let marks = Marks { required: required && !is_list, read_only, create_only, ..Marks::default() };
        let doc = self.documentation(property, of, &wire);
        Ok(Field { wire, typed, marks, doc, place: self.place(property) })
    }

    fn typed(&self, name: &str, property: &Element, subject: &str, notes: &mut Vec<Note>) -> Typed {
        if let Some(element) = name.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')')) {
            // A collection of collections is none of OData's types.
            let element = if element.starts_with("Collection(") { "" } else { element };
            return Typed::plain(Shape::list(self.typed(element, property, subject, notes)));
        }
        let mut note = |text: &str| {
            notes.push(Note { place: self.place(property), subject: subject.to_owned(), text: text.to_owned() });
        };
        let count = |word: &str| property.attribute(word).and_then(|digits| digits.parse::<u32>().ok());
        let range = |min: i64, max: i64| Typed::plain(Shape::Integer { min: Some(min), max: Some(max) });
        match name {
            "Edm.String" => Typed::plain(Shape::Text(count("MaxLength").filter(|max| *max > 0))),
            "Edm.Boolean" => Typed::plain(Shape::Boolean),
            "Edm.Guid" => Typed::plain(Shape::Uuid),
            "Edm.Byte" => range(0, 255),
            "Edm.SByte" => range(-128, 127),
            "Edm.Int16" => range(-32_768, 32_767),
            "Edm.Int32" => Typed::plain(Shape::WHOLE),
            "Edm.Int64" if self.version_4 => Typed::plain(Shape::WHOLE),
            // Versions before 4 write these as texts.
            "Edm.Int64" => Typed::as_text(Shape::WHOLE),
            "Edm.Decimal" => {
                let shape = self.decimal(count("Precision"), property.attribute("Scale"), &mut note);
                if self.version_4 { Typed::plain(shape) } else { Typed::as_text(shape) }
            }
            "Edm.Double" | "Edm.Single" => {
                note(DIGITS_UNKNOWN);
                Typed::plain(Shape::NUMBER)
            }
            "Edm.Date" => Typed::plain(Shape::Date),
            "Edm.TimeOfDay" | "Edm.Time" => Typed::plain(Shape::Time),
            "Edm.DateTimeOffset" => Typed::plain(Shape::Instant),
            "Edm.DateTime" => {
                note("the system gives it without a zone: say in the manifest which zone it means");
                Typed::plain(Shape::Instant)
            }
            "Edm.Stream" => Typed::plain(Shape::File),
            "Edm.Binary" => {
                note("it is bytes in base64; drafted as a text");
                Typed::plain(Shape::TEXT)
            }
            "Edm.Duration" => {
                note("it is a span of time; drafted as a text");
                Typed::plain(Shape::TEXT)
            }
            other => self.declared(other, property, subject, notes),
        }
    }

    fn declared(&self, name: &str, property: &Element, subject: &str, notes: &mut Vec<Note>) -> Typed {
        let full = self.full(name);
        match self.types.get(&full) {
            Some(known) if known.name == "TypeDefinition" => {
                let under = known.attribute("UnderlyingType").filter(|under| under.starts_with("Edm."));
                self.typed(under.unwrap_or("Edm.Untyped"), known, subject, notes)
            }
            Some(_) => Typed::plain(Shape::Named(full)),
            None => {
                let text = format!("its type `{}` cannot be said; drafted as `json`, passed on unread", one_line(name));
                notes.push(Note { place: self.place(property), subject: subject.to_owned(), text });
                Typed::plain(Shape::Json)
            }
        }
    }

    fn decimal(&self, precision: Option<u32>, scale: Option<&str>, note: &mut dyn FnMut(&str)) -> Shape {
        let counted = scale.and_then(|scale| scale.parse::<u32>().ok());
        match (precision, counted) {
            (Some(precision), Some(scale)) if precision <= 28 && scale <= precision && precision > 0 => {
                Shape::Decimal { precision, scale }
            }
            (Some(precision), Some(scale)) if precision > 0 => {
                note("it has more digits than the 28 that are kept; drafted with 28");
                Shape::Decimal { precision: 28, scale: scale.min(28) }
            }
            // Version 4 says: without a scale there are no decimals.
            (Some(precision), None) if self.version_4 && scale.is_none() && precision > 0 => {
                Shape::Decimal { precision: precision.min(28), scale: 0 }
            }
            (_, Some(scale)) if scale <= 28 => {
                note("how many digits it has before the point is not said");
                Shape::Decimal { precision: 19.max(scale + 9).min(28), scale }
            }
            (_, _) => {
                note(DIGITS_UNKNOWN);
                Shape::NUMBER
            }
        }
    }

    /// Parts are nested; what only points to another entity becomes `refers to`, or is told.
    fn navigation(
        &mut self,
        owner: &str,
        navigation: &'x Element,
        fields: &mut Vec<Field>,
        notes: &mut Vec<Note>,
    ) -> Result<(), Fault> {
        let wire = navigation.attribute("Name").unwrap_or_default().to_owned();
        let place = self.place(navigation);
        let (target, many, pairs) = self.navigated(navigation);
        if navigation.attribute("ContainsTarget") == Some("true") && self.types.contains_key(&target) {
            self.fields += 1;
            let one = Typed::plain(Shape::Named(target));
            let mut typed = if many { Typed::plain(Shape::list(one)) } else { one };
            typed.optional = true;
            fields.push(Field { wire, typed, marks: Marks::default(), doc: String::new(), place });
            return Ok(());
        }
        let mut referring = false;
        for (own, _) in &pairs {
            if let Some(field) = fields.iter_mut().find(|field| field.wire == *own && !many) {
                field.marks.refers_to = Some(target.clone());
                referring = true;
            }
        }
        if !referring {
            let shown = self.shown(&target).to_owned();
            let hint = if many { format!("{wire} list? of {shown}") } else { format!("{wire} {shown}?") };
            notes.push(Note {
                place,
                subject: format!("{owner}.{wire}"),
                text: format!(
                    "the way to `{shown}` is not drafted; where records come with it (`$expand`), write `{hint}`"
                ),
            });
        }
        Ok(())
    }

    /// Where a navigation leads, whether to many, and which own field holds which key field there.
    fn navigated(&self, navigation: &Element) -> (String, bool, Vec<(String, String)>) {
        if let Some(name) = navigation.attribute("Type") {
            let one = name.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'));
            let pairs = navigation.all("ReferentialConstraint").filter_map(|pair| {
                Some((pair.attribute("Property")?.to_owned(), pair.attribute("ReferencedProperty")?.to_owned()))
            });
            return (self.full(one.unwrap_or(name)), one.is_some(), pairs.collect());
        }
        let association = navigation.attribute("Relationship").map(|name| self.full(name));
        let association = association.and_then(|name| self.associations.get(&name));
        let role = navigation.attribute("ToRole").unwrap_or_default();
        let ends = association.into_iter().flat_map(|association| association.all("End"));
        let Some(end) = ends.into_iter().find(|end| end.attribute("Role") == Some(role)) else {
            return (String::new(), false, Vec::new());
        };
        let constraint = association.and_then(|association| association.child("ReferentialConstraint"));
        let of = |side: &str| {
            let side = constraint.and_then(|constraint| constraint.child(side))?;
            Some((side.attribute("Role")?, side.all("PropertyRef").filter_map(|name| name.attribute("Name"))))
        };
        let pairs = match (of("Principal"), of("Dependent")) {
            (Some((principal, theirs)), Some((_, own))) if principal == role => {
                own.zip(theirs).map(|(own, theirs)| (own.to_owned(), theirs.to_owned())).collect()
            }
            _ => Vec::new(),
        };
        let many = end.attribute("Multiplicity") == Some("*");
        (self.full(end.attribute("Type").unwrap_or_default()), many, pairs)
    }

    fn words(&self, name: &str, element: &Element) -> Definition {
        let members = element.all("Member").filter_map(|member| member.attribute("Name"));
        let words: Vec<String> = members.map(str::to_owned).collect();
        let place = self.place(element);
        let mut notes = Vec::new();
        let mut body = Shape::Enum(words.clone());
        let flags = element.attribute("IsFlags") == Some("true");
        if words.is_empty() || flags {
            let text = if flags { "several of its words may stand together" } else { "it lists no words" };
            notes.push(Note { place, subject: name.to_owned(), text: format!("{text}; drafted as a text") });
            body = Shape::TEXT;
        }
        Definition { name: name.to_owned(), role: Role::Type, doc: String::new(), body, place, notes }
    }

    /// A bound action, with the key of the entity that it is done to.
    fn action(&mut self, element: &'x Element, draft: &mut Draft) -> Result<(), Fault> {
        let name = element.attribute("Name").unwrap_or_default();
        let place = self.place(element);
        let mut parameters: Vec<&'x Element> = element.all("Parameter").collect();
        let mut notes = Vec::new();
        let (mut shown, mut fields) = (name.to_owned(), Vec::new());
        if element.attribute("IsBound") == Some("true") && !parameters.is_empty() {
            let bound = parameters.remove(0);
            let of = bound.attribute("Type").unwrap_or_default();
            let full = self.full(of);
            let Some(entity) = self.types.get(&full).copied().filter(|known| known.name == "EntityType") else {
                let text = "an action of a whole set is not drafted".to_owned();
                draft.notes.push(Note { place, subject: name.to_owned(), text });
                return Ok(());
            };
            shown = format!("{}_{name}", self.shown(&full));
            for (base_name, base) in self.bases(&full, entity) {
                let keys: HashSet<&str> = base
                    .all("Key")
                    .flat_map(|key| key.all("PropertyRef"))
                    .filter_map(|reference| reference.attribute("Name"))
                    .collect();
                for property in
                    base.all("Property").filter(|own| own.attribute("Name").is_some_and(|own| keys.contains(own)))
                {
                    let mut field = self.property(&shown, &base_name, property, &mut notes)?;
                    field.typed.optional = false;
                    let refers_to = Some(full.clone());
                    field.marks = Marks { key: true, required: true, refers_to, ..Marks::default() };
                    fields.push(field);
                }
            }
        }
        for parameter in parameters {
            fields.push(self.property(&shown, "", parameter, &mut notes)?);
        }
        let key = format!("action {shown}");
        let doc = self.documentation(element, "", "");
        let body = Shape::Record(fields);
        draft.definitions.insert(key, Definition { name: shown, role: Role::Action, doc, body, place, notes });
        Ok(())
    }
}
