//! Sage X3: SOAP envelopes, records as XML text in XML text, lists that tell keys.

use std::sync::Arc;

use mapwright_engine::connector::{Class, Connector, Deed, Failure, Probe, Window};
use mapwright_values::plan::{EntityPlan, FieldPlan, Kind, SystemPlan};

use crate::codec::xml;
use crate::tests::server::{Seen, Server, with_headers};
use crate::tests::systems::{connect, entity, everything, field, write};

const HEAD: Kind = Kind::Record(&[
    field("SALFCY", Kind::Text(Some(5))),
    field("SOHTYP", Kind::Text(Some(5))),
    field("SOHNUM", Kind::Text(Some(20))),
    field("ORDDAT", Kind::Text(Some(8))),
    field("BPCORD", Kind::Text(Some(15))),
    field("CUSORDREF", Kind::Text(Some(30))),
    field("CUR", Kind::Text(Some(3))),
]);
const LINES: Kind = Kind::List(&Kind::Record(&[
    field("ITMREF", Kind::Text(Some(20))),
    field("QTY", Kind::Decimal(15, 3)),
    field("GROPRI", Kind::Decimal(15, 5)),
]));
const SOH: &[FieldPlan] = &[
    field("SOH0_1", HEAD),
    field("SOH1_4", Kind::Record(&[field("DEMDLVDAT", Kind::Text(Some(8)))])),
    field("SOH4_1", LINES),
    field("ADXTEC", Kind::Record(&[field("WW_MODSTAMP", Kind::Text(Some(14)))])),
];
const STOCK: &[FieldPlan] = &[
    field("YITMREF", Kind::Text(Some(20))),
    field("YSTOFCY", Kind::Text(Some(5))),
    field("YPHYSTO", Kind::Decimal(15, 3)),
];
const BPC: &[FieldPlan] = &[
    field("BPC0_1", Kind::Record(&[field("BPCNUM", Kind::Text(Some(15)))])),
    field("BPRC_1", Kind::Record(&[field("BPCNAM", Kind::List(&Kind::Text(Some(35))))])),
];
const ENTITIES: &[EntityPlan] = &[
    entity("BPC", false, &["BPC0_1.BPCNUM"], BPC),
    entity("SOH", false, &["SOH0_1.SOHNUM"], SOH),
    entity("SIH", false, &["SIH0_1.NUM"], &[field("SIH0_1", Kind::Record(&[field("NUM", Kind::Text(Some(20)))]))]),
    entity("stock", false, &["YITMREF", "YSTOFCY"], STOCK),
];
const PLAN: SystemPlan = SystemPlan {
    alias: "erp",
    name: "sage-x3",
    manifest: include_str!("../../../../specs/systems/sage-x3/connector.yaml"),
    entities: ENTITIES,
};

fn x3(server: &Server) -> Arc<dyn Connector> {
    let config =
        [("pool", "SHOPPOOL"), ("site", "DE011"), ("language", "GER"), ("list_size", "3"), ("objects.SOH", "ZSHOP")];
    connect(&PLAN, &server.url(), &config, &[("user", "ws"), ("password", "hush-hush")])
}

fn sample(file: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../specs/systems/sage-x3/samples/");
    std::fs::read_to_string(format!("{folder}{file}")).unwrap()
}

fn soap(status: u16, body: &str) -> Vec<u8> {
    with_headers(status, &["Content-Type: text/xml; charset=utf-8"], body)
}

/// An answer of `query` with these rows of a left list.
fn rows(rows: &str) -> Vec<u8> {
    soap(
        200,
        &format!(
            "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><r><queryReturn><messages/>\
             <resultXml><![CDATA[<RESULT>{rows}</RESULT>]]></resultXml><status>1</status></queryReturn></r></e:Body></e:Envelope>"
        ),
    )
}

fn row(number: &str, day: &str) -> String {
    format!("<LIN NUM=\"1\"><FLD NAME=\"SOHNUM\">{number}</FLD><FLD NAME=\"UPDDAT\" TYPE=\"Date\">{day}</FLD></LIN>")
}

fn order_record() -> String {
    r#"{"SOH0_1":{"SALFCY":"DE011","SOHTYP":"SON","ORDDAT":"20261102","BPCORD":"C10044","CUSORDREF":"SW-10232 ","CUR":"EUR"},
        "SOH1_4":{"DEMDLVDAT":"20261105"},"SOH4_1":[{"ITMREF":"HD-4711-BL-M","QTY":2,"GROPRI":50.00},{"ITMREF":"A]]>B","QTY":1}]}"#
        .to_owned()
}

#[tokio::test]
async fn an_order_is_saved_as_the_sample_says() {
    let answer = sample("save-order-response-ok.xml");
    let server = Server::start(move |_| soap(200, &answer)).await;
    let written = x3(&server).send(&write("SOH", Deed::Create, &order_record())).await.unwrap();
    assert_eq!(written.key, ["SON2611DE0110042"]);
    assert!(written.record.unwrap().contains(r#""QTY":2"#), "numbers are numbers again");

    let seen = &server.seen()[0];
    assert!(seen.target.ends_with("/CAdxWebServiceXmlCC"), "{}", seen.target);
    assert_eq!(seen.header("soapaction"), Some("\"\""));
    assert_eq!(seen.header("content-type"), Some("text/xml; charset=utf-8"));
    assert_eq!(seen.header("authorization"), Some("Basic d3M6aHVzaC1odXNo"));
    // Against the sample request: the same elements with the same types.
    let (ours, theirs) = (seen.body.clone(), sample("save-order-request.xml"));
    for part in [
        "<soapenv:Body>",
        "<poolAlias xsi:type=\"xsd:string\">SHOPPOOL</poolAlias>",
        "<objectXml xsi:type=\"xsd:string\"><![CDATA[<PARAM><GRP ID=\"SOH0_1\">",
    ] {
        assert!(ours.contains(part), "{part} in {ours}");
        assert!(theirs.contains(part), "{part} in the sample");
    }
    assert!(ours.contains("<publicName xsi:type=\"xsd:string\">ZSHOP</publicName>"), "{ours}");
    assert!(
        ours.contains("xsi:type=\"ns:CAdxCallContext\"") && ours.contains("xmlns:ns=\"http://www.adonix.com/WSS\"")
    );
    let envelope = xml::parse(&ours).unwrap();
    let call = envelope.child("Body").and_then(|body| body.child("save")).unwrap();
    let inner = xml::parse(&call.child("objectXml").unwrap().text).unwrap();
    let texts: Vec<&str> =
        inner.children.iter().flat_map(|group| &group.children).map(|field| field.text.as_str()).collect();
    assert!(texts.contains(&"SW-10232"), "the key is written as the target keeps it: {texts:?}");
    assert!(ours.contains("A]]&gt;B") || ours.contains("]]]]><![CDATA[>"), "an end mark is split: {ours}");
    let lines = inner.children.iter().find(|group| group.attribute("ID") == Some("SOH4_1")).unwrap();
    assert_eq!(lines.children[1].children[0].text, "A]]>B");
}

#[tokio::test]
async fn a_200_that_failed_is_a_failure() {
    let answer = sample("save-order-response-failed-http200.xml");
    let server = Server::start(move |_| soap(200, &answer)).await;
    let failure = x3(&server).send(&write("SOH", Deed::Create, &order_record())).await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent);
    assert!(failure.message.contains("BPCORD: C99999 Datensatz nicht vorhanden"), "{failure}");
}

#[tokio::test]
async fn faults_of_the_pool() {
    let fault = |text: &str| sample("soap-fault-500.xml").replace("Pool not found: SHOPPOOL1", text);
    for (text, create, read) in [
        ("Pool not found: X", Class::Halt, Class::Halt),
        ("no more licences", Class::Halt, Class::Halt),
        ("process is busy", Class::Transient, Class::Transient),
        ("java.lang.NullPointerException", Class::Ambiguous, Class::Transient),
    ] {
        let body = fault(text);
        let server = Server::start(move |_| soap(500, &body)).await;
        let x3 = x3(&server);
        assert_eq!(x3.send(&write("SOH", Deed::Create, &order_record())).await.unwrap_err().class, create, "{text}");
        let key = vec!["1".to_owned()];
        assert_eq!(x3.fetch_record("SOH", &key, &[]).await.unwrap_err().class, read, "{text}");
    }
}

#[tokio::test]
async fn new_rows_of_a_list_are_fetched_whole() {
    let whole = sample("save-order-response-ok.xml").replace("saveR", "readR");
    let server = Server::start(move |seen: &Seen| {
        if seen.body.contains("<ns:query") {
            rows(&format!("{}{}", row("SON-OLD", "20260101"), row("SON-NEW", "20261102")))
        } else {
            soap(200, &whole)
        }
    })
    .await;
    let at = |text: &str| text.parse().unwrap();
    let mut request = everything("SOH");
    request.window =
        Some(Window { pass: 0, since: Some(at("2026-11-02T09:00:00Z")), until: Some(at("2026-11-03T00:00:00Z")) });
    let x3 = x3(&server);
    let page = x3.fetch_page(&request).await.unwrap();
    assert_eq!(page.rows.len(), 1, "the old one is left out");
    assert!(page.rows[0].record.contains("SON2611DE0110042"));
    let reads: Vec<Seen> = server.seen().into_iter().filter(|seen| seen.body.contains("<ns:read")).collect();
    assert_eq!(reads.len(), 1);
    assert!(
        reads[0]
            .body
            .contains("<key xsi:type=\"xsd:string\">SOHNUM</key><value xsi:type=\"xsd:string\">SON-NEW</value>")
    );
    assert!(reads[0].body.contains("soapenc:arrayType=\"ns:CAdxParamKeyValue[1]\""), "{}", reads[0].body);

    // The watermark stays behind a day that is not over; what was changed in it is read all the same.
    request.window =
        Some(Window { pass: 0, since: Some(at("2026-10-31T09:00:00Z")), until: Some(at("2026-11-01T09:00:00Z")) });
    assert_eq!(x3.fetch_page(&request).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn one_read_of_many_that_fails_is_asked_for_again_by_itself() {
    let whole = sample("save-order-response-ok.xml").replace("saveR", "readR");
    let busy = sample("soap-fault-500.xml").replace("Pool not found: SHOPPOOL1", "process is busy");
    let failures = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |seen: &Seen| {
        if seen.body.contains("<ns:query") {
            rows(&format!("{}{}", row("SON-1", "20261102"), row("SON-2", "20261102")))
        } else if seen.body.contains("SON-2") && failures.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2 {
            soap(500, &busy)
        } else {
            soap(200, &whole)
        }
    })
    .await;
    let page = x3(&server).fetch_page(&everything("SOH")).await.unwrap();
    assert_eq!(page.rows.len(), 2);
    let reads = |number: &str| server.seen().iter().filter(|seen| seen.body.contains(number)).count();
    assert_eq!((reads("SON-1"), reads("SON-2")), (1, 3));
}

/// The sample's left list begins with `C`; the customers of every other letter are none.
#[tokio::test]
async fn a_left_list_is_asked_letter_by_letter_and_each_row_of_it_fetched() {
    let listed = sample("query-customers-response.xml");
    let server = Server::start(move |seen: &Seen| {
        let number = ["C10044", "C10045"].into_iter().find(|number| seen.body.contains(number));
        match number {
            Some(number) => soap(
                200,
                &format!(
                    "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><r><readReturn><messages/><resultXml>\
                     <![CDATA[<RESULT><GRP ID=\"BPC0_1\"><FLD NAME=\"BPCNUM\">{number}</FLD></GRP></RESULT>]]></resultXml><status>1\
                     </status></readReturn></r></e:Body></e:Envelope>"
                ),
            ),
            None if seen.body.contains(">C*<") => soap(200, &listed),
            None => rows(""),
        }
    })
    .await;
    let mut request = everything("BPC");
    let at = |text: &str| text.parse().unwrap();
    request.window =
        Some(Window { pass: 0, since: Some(at("2026-11-02T09:00:00Z")), until: Some(at("2026-11-03T00:00:00Z")) });
    let (x3, mut records) = (x3(&server), Vec::new());
    for _ in 0..36 {
        let page = x3.fetch_page(&request).await.unwrap();
        records.extend(page.rows.into_iter().map(|row| row.record));
        request.cursor = page.next;
    }
    assert_eq!(request.cursor, None, "10 digits and 26 letters");
    assert_eq!(records.len(), 1, "the other has not changed since: {records:?}");
    assert!(records[0].contains("C10045"), "{records:?}");
    assert_eq!(server.seen().iter().filter(|seen| seen.body.contains("<ns:query")).count(), 36);
}

#[tokio::test]
async fn a_full_list_is_refused() {
    let server = Server::start(|_| rows(&["1", "2", "3"].map(|number| row(number, "20261102")).concat())).await;
    let failure: Failure = x3(&server).fetch_page(&everything("SOH")).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert!(failure.message.contains("cut at 3 rows"), "{failure}");
}

#[tokio::test]
async fn an_empty_list_is_an_answer() {
    let server = Server::start(|_| rows("")).await;
    assert!(x3(&server).fetch_page(&everything("SOH")).await.unwrap().rows.is_empty());
}

#[tokio::test]
async fn a_lost_order_is_looked_for_by_its_reference() {
    let whole = sample("save-order-response-ok.xml").replace("saveR", "readR");
    let server = Server::start(move |seen: &Seen| {
        if seen.body.contains("<ns:query") { rows(&row("SON2611DE0110042", "20261102")) } else { soap(200, &whole) }
    })
    .await;
    let by = ["SOH0_1.CUSORDREF".to_owned()];
    let ours = r#"{"SOH0_1":{"CUSORDREF":"SW-10232  ","BPCORD":"C10044"},"SOH4_1":[{},{},{}]}"#;
    let found = x3(&server).probe("SOH", &by, ours).await.unwrap();
    assert!(matches!(&found, Probe::Same { key, .. } if key == &["SON2611DE0110042"]), "{found:?}");
    assert!(
        server.seen()[0]
            .body
            .contains("<key xsi:type=\"xsd:string\">CUSORDREF</key><value xsi:type=\"xsd:string\">SW-10232</value>")
    );
    let other = r#"{"SOH0_1":{"CUSORDREF":"SW-10232","BPCORD":"C1"},"SOH4_1":[{}]}"#;
    assert!(matches!(x3(&server).probe("SOH", &by, other).await.unwrap(), Probe::Differs { .. }));
}

#[tokio::test]
async fn a_lost_customer_is_looked_for_as_x3_keeps_its_number() {
    let server = Server::start(|_| rows("")).await;
    let ours = r#"{"BPC0_1":{"BPCNUM":"c10044 "}}"#;
    let found = x3(&server).probe("BPC", &["BPC0_1.BPCNUM".to_owned()], ours).await.unwrap();
    assert_eq!(found, Probe::Absent);
    let asked = &server.seen()[0].body;
    assert!(asked.contains("<value xsi:type=\"xsd:string\">C10044</value>"), "in capitals, without blanks: {asked}");
}

#[tokio::test]
async fn the_stamp_of_the_last_change_is_sent_back() {
    let whole = sample("save-order-response-ok.xml");
    let server = Server::start(move |seen: &Seen| {
        let name = if seen.body.contains("<ns:read") { "readR" } else { "modifyR" };
        soap(200, &whole.replace("saveR", name))
    })
    .await;
    let x3 = x3(&server);
    let key = vec!["SON2611DE0110042".to_owned()];
    let current = x3.fetch_current("SOH", &key, &[]).await.unwrap().unwrap();
    assert_eq!(current.version.as_deref(), Some("20261102100411"));
    let mut update = write("SOH", Deed::Update { key }, r#"{"SOH1_4":{"DEMDLVDAT":"20261106"}}"#);
    update.version = current.version;
    x3.send(&update).await.unwrap();
    let body = server.seen().pop().unwrap().body;
    assert!(body.contains("<GRP ID=\"ADXTEC\"><FLD NAME=\"WW_MODSTAMP\">20261102100411</FLD></GRP>"), "{body}");
}

#[tokio::test]
async fn stock_comes_from_a_sub_program() {
    let answer = sample("run-stock-subprogram-response.xml");
    let server = Server::start(move |_| soap(200, &answer)).await;
    let page = x3(&server).fetch_page(&everything("stock")).await.unwrap();
    assert_eq!(page.rows.len(), 2);
    assert!(page.rows[0].record.contains(r#""YPHYSTO":42"#), "{}", page.rows[0].record);
    let body = &server.seen()[0].body;
    assert!(body.contains("<inputXml xsi:type=\"xsd:string\"><![CDATA[<PARAM><GRP ID=\"GRP1\"><FLD NAME=\"YSITE\">DE011</FLD></GRP></PARAM>]]>"), "{body}");
}

#[tokio::test]
async fn xml_that_would_hurt_is_refused() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><x>&b;</x>";
    let deep = "<x>".repeat(5000);
    for body in [bomb.to_owned(), deep, "<x><y></x>".to_owned(), "{\"json\":1}".to_owned()] {
        let server = Server::start(move |_| soap(200, &body)).await;
        let x3 = x3(&server);
        let key = vec!["1".to_owned()];
        let read = x3.fetch_record("SOH", &key, &[]).await.unwrap_err();
        assert_eq!(read.class, Class::Transient, "{read}");
        let create = x3.send(&write("SOH", Deed::Create, &order_record())).await.unwrap_err();
        assert_eq!(create.class, Class::Ambiguous, "{create}");
        assert!(create.message.contains("the body is not SOAP"), "{create}");
    }
}
