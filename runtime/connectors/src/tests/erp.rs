//! Business One: sessions with odd cookies, next links, keys, conditions, probes.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use mapwright_engine::connector::{Class, Deed, Probe, Window};

use crate::Connectors;
use crate::tests::server::{Seen, Server, json, with_headers};
use crate::tests::systems::{erp, erp_settings, everything, find, write};
use mapwright_values::plan::SystemPlan;

fn login() -> Vec<u8> {
    // As the Service Layer writes them: no path, a trailing semicolon, a dot in front of the node.
    with_headers(
        200,
        &[
            "Set-Cookie: B1SESSION=6d9e-1;HttpOnly;",
            "Set-Cookie: ROUTEID=.node1; path=/b1s",
            "Content-Type: application/json",
        ],
        r#"{"@odata.context":"x","SessionId":"6d9e-1","Version":"1000240","SessionTimeout":30}"#,
    )
}

async fn answering(answer: impl Fn(&Seen) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::start(move |seen| match seen.target.as_str() {
        "/b1s/v2/Login" => login(),
        "/b1s/v2/Logout" => json(204, ""),
        _ => answer(seen),
    })
    .await
}

#[tokio::test]
async fn the_session_is_sent_as_a_handwritten_cookie_and_given_back() {
    let server = answering(|_| json(200, r#"{"value":[]}"#)).await;
    let erp = erp(&server);
    erp.fetch_page(&everything("Orders")).await.unwrap();
    erp.close().await;
    assert_eq!(
        server.seen_at("Login")[0].body,
        r#"{"CompanyDB":"SBO","UserName":"manager","Password":"hush-hush","Language":3}"#
    );
    assert_eq!(server.seen_at("Orders")[0].header("cookie"), Some("B1SESSION=6d9e-1; ROUTEID=.node1"));
    assert_eq!(server.seen_at("Logout")[0].header("cookie"), Some("B1SESSION=6d9e-1; ROUTEID=.node1"));
    erp.close().await;
    assert_eq!(server.seen_at("Logout").len(), 1);
}

#[tokio::test]
async fn both_cookies_in_one_header_are_understood() {
    let server = Server::start(|seen| {
        if seen.target.ends_with("Login") {
            let cookies = "Set-Cookie: B1SESSION=6d9e-1; HttpOnly, ROUTEID=.node7; path=/b1s";
            with_headers(200, &[cookies], r#"{"SessionId":"6d9e-1","SessionTimeout":30}"#)
        } else {
            json(200, r#"{"value":[]}"#)
        }
    })
    .await;
    erp(&server).fetch_page(&everything("Orders")).await.unwrap();
    assert_eq!(server.seen_at("Orders")[0].header("cookie"), Some("B1SESSION=6d9e-1; ROUTEID=.node7"));
}

#[tokio::test]
async fn a_session_that_ends_in_mid_work_is_renewed_once_and_a_write_repeated_once() {
    let count = AtomicUsize::new(0);
    let server = answering(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            json(401, r#"{"error":{"code":301,"message":{"lang":"en-us","value":"Invalid session or session already timeout."}}}"#)
        } else {
            json(201, r#"{"DocEntry":91,"DocNum":7,"DocTotal":119.00}"#)
        }
    })
    .await;
    let written = erp(&server).send(&write("Orders", Deed::Create, r#"{"NumAtCard":"10231"}"#)).await.unwrap();
    assert_eq!(written.key, ["91"]);
    assert_eq!(written.record.as_deref(), Some(r#"{"DocEntry":91,"DocNum":7,"DocTotal":119.00}"#));
    assert_eq!((server.seen_at("Login").len(), server.seen_at("Orders").len()), (2, 2));
}

#[tokio::test]
async fn pages_follow_relative_links_with_our_header_again() {
    let server = answering(|seen| {
        if seen.target.contains("skip") {
            json(200, r#"{"value":[{"DocEntry":2}]}"#)
        } else {
            json(200, r#"{"value":[{"DocEntry":1}],"@odata.nextLink":"Orders?$skip=20"}"#)
        }
    })
    .await;
    let erp = erp(&server);
    let mut request = everything("Orders");
    request.select = vec!["NumAtCard".to_owned(), "DocumentLines.ItemCode".to_owned()];
    let first = erp.fetch_page(&request).await.unwrap();
    request.cursor = first.next.clone();
    let second = erp.fetch_page(&request).await.unwrap();
    assert_eq!(
        (first.rows[0].record.as_str(), second.rows[0].record.as_str()),
        (r#"{"DocEntry":1}"#, r#"{"DocEntry":2}"#)
    );
    assert_eq!(second.next, None);
    let asked = server.seen_at("Orders");
    assert_eq!(asked[0].decoded(), "/b1s/v2/Orders?$select=NumAtCard,DocumentLines,DocEntry&$orderby=DocEntry");
    assert_eq!(asked[1].decoded(), "/b1s/v2/Orders?$skip=20");
    assert!(asked.iter().all(|seen| seen.header("prefer") == Some("odata.maxpagesize=500")));
}

#[tokio::test]
async fn a_link_to_another_host_is_refused() {
    let server =
        answering(|_| json(200, r#"{"value":[],"@odata.nextLink":"http://evil.example/b1s/v2/Orders"}"#)).await;
    let failure = erp(&server).fetch_page(&everything("Orders")).await.unwrap_err();
    assert_eq!(failure.class, Class::Halt);
    assert!(failure.message.contains("evil.example"), "{failure}");
}

#[tokio::test]
async fn changes_are_asked_by_day_and_compared_by_second() {
    let server = answering(|_| {
        json(
            200,
            r#"{"value":[
            {"DocEntry":1,"UpdateDate":"2026-11-02T00:00:00Z","UpdateTime":"08:59:59"},
            {"DocEntry":2,"UpdateDate":"2026-11-02T00:00:00Z","UpdateTime":"09:00:00"},
            {"DocEntry":3,"UpdateDate":"2026-11-02","UpdateTime":"10:00:00"}]}"#,
        )
    })
    .await;
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut request = everything("Orders");
    request.window =
        Some(Window { pass: 0, since: Some(at("2026-11-02T08:00:00Z")), until: Some(at("2026-11-02T09:00:00Z")) });
    let page = erp(&server).fetch_page(&request).await.unwrap();
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].stamp, Some(at("2026-11-02T08:00:00Z")));
    assert_eq!(
        server.seen_at("Orders")[0].decoded(),
        "/b1s/v2/Orders?$filter=UpdateDate ge '2026-11-02' and UpdateDate le '2026-11-02'&$orderby=UpdateDate,UpdateTime,DocEntry"
    );
}

#[tokio::test]
async fn look_ups_answer_in_order_and_escape_what_they_ask() {
    let server = answering(|seen| {
        let found = if seen.decoded().contains("'A1'") { r#"[{"ItemCode":"A1"}]"# } else { "[]" };
        json(200, &format!("{{\"value\":{found}}}"))
    })
    .await;
    let finds = [find("Items", "ItemCode", "O'Neil & Co"), find("Items", "ItemCode", "A1")];
    let found = erp(&server).find(&finds).await.unwrap();
    assert_eq!(found, [vec![], vec![r#"{"ItemCode":"A1"}"#.to_owned()]]);
    let asked: Vec<String> = server.seen_at("Items").iter().map(|seen| seen.target.clone()).collect();
    assert!(asked.iter().any(|target| target.contains("%27O%27%27Neil%20%26%20Co%27")), "{asked:?}");
}

#[tokio::test]
async fn keys_are_spelled_by_the_catalogue() {
    let server = answering(|_| {
        json(404, r#"{"error":{"code":-2028,"message":{"value":"No matching records found (ODBC -2028)"}}}"#)
    })
    .await;
    let erp = erp(&server);
    assert_eq!(erp.fetch_record("Items", &["A/1'".to_owned()], &[]).await.unwrap(), None);
    assert_eq!(erp.fetch_record("Orders", &["22".to_owned()], &[]).await.unwrap(), None);
    erp.send(&write("Orders_Close", Deed::Act, r#"{"DocEntry":22}"#)).await.unwrap_err();
    let targets: Vec<String> = server.seen().iter().skip(1).map(|seen| seen.target.clone()).collect();
    assert_eq!(targets, ["/b1s/v2/Items(%27A%2F1%27%27%27)", "/b1s/v2/Orders(22)", "/b1s/v2/Orders(22)/Close"]);
}

/// What a probe finds when Orders and Drafts answer these rows.
async fn probed(orders: &'static str, drafts: &'static str) -> (Probe, Vec<Seen>) {
    let server = answering(move |seen| {
        let rows = if seen.target.contains("/Drafts") { drafts } else { orders };
        json(200, &format!("{{\"value\":[{rows}]}}"))
    })
    .await;
    let record = r#"{"NumAtCard":" 10231 ","CardCode":"C1","DocumentLines":[{"ItemCode":"A"},{"ItemCode":"B"}]}"#;
    let probe = erp(&server).probe("Orders", &["NumAtCard".to_owned()], record).await.unwrap();
    (probe, server.seen())
}

#[tokio::test]
async fn a_probe_tells_absent_same_differs_and_several() {
    let same = r#"{"DocEntry":91,"CardCode":"C1","DocTotal":119.0,"DocumentLines":[{},{}]}"#;
    let (probe, seen) = probed("", "").await;
    assert_eq!(probe, Probe::Absent);
    assert_eq!(
        seen[1].decoded(),
        "/b1s/v2/Orders?$filter=NumAtCard eq '10231'&$orderby=DocEntry",
        "trimmed, and DocTotal is not ours to compare"
    );
    assert!(seen[2].target.starts_with("/b1s/v2/Drafts"));
    assert_eq!(probed(same, "").await.0, Probe::Same { key: vec!["91".to_owned()], record: same.to_owned() });
    let (probe, _) = probed(r#"{"DocEntry":92,"CardCode":"C2","DocumentLines":[{}]}"#, "").await;
    let difference = "CardCode differs; count(DocumentLines) is 1 there and 2 here".to_owned();
    assert_eq!(probe, Probe::Differs { key: vec!["92".to_owned()], difference });
    assert!(
        matches!(probed("", same).await.0, Probe::Differs { difference, .. } if difference == "it is in Drafts, not in Orders")
    );
    assert_eq!(probed(same, same).await.0, Probe::Several { count: 2 });
}

#[tokio::test]
async fn the_engine_is_told_how_entities_are_read_and_written() {
    let server = answering(|_| json(200, "{}")).await;
    let erp = erp(&server);
    let writing = erp.writing("Orders");
    assert_eq!(writing.probe_by, ["NumAtCard", "U_ShopOrderId"], "a beginning is spelled out by the catalogue");
    assert!(!writing.create_is_keyed && erp.writing("Items").create_is_keyed);
    assert_eq!(writing.settle, std::time::Duration::from_secs(120));
    let reading = erp.reading("Orders");
    assert_eq!((reading.passes, reading.ordered_by_time), (vec!["UpdateDate".to_owned()], true));
    assert!(erp.reading("Drafts").passes.is_empty());
    assert!(server.seen().is_empty(), "asking for this sends nothing");
}

/// A multipart answer with these inner answers.
fn parts(inner: &str) -> Vec<u8> {
    let body = format!("--batchresponse_1\r\n{inner}\r\n--batchresponse_1--\r\n");
    with_headers(202, &["Content-Type: multipart/mixed;boundary=batchresponse_1"], &body)
}

#[tokio::test]
async fn a_change_set_is_one_request_with_an_answer_for_each() {
    let http = "Content-Type: application/http\r\n\r\nHTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n";
    let inner = format!(
        "Content-Type: multipart/mixed;boundary=cs\r\n\r\n--cs\r\n{http}{{\"DocEntry\":91}}\r\n--cs\r\n{http}{{\"DocEntry\":92}}\r\n--cs--"
    );
    let server = answering(move |_| parts(&inner)).await;
    let erp = erp(&server);
    let batching = erp.writing("Orders").batching.unwrap();
    assert_eq!((batching.size_max, batching.atomic), (20, true));
    let writes = ["1", "2"].map(|number| write("Orders", Deed::Create, &format!(r#"{{"NumAtCard":"{number}"}}"#)));
    let outcomes = erp.send_batch(&writes).await.unwrap();
    let keys: Vec<&str> = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().key[0].as_str()).collect();
    assert_eq!(keys, ["91", "92"]);
    let sent = &server.seen_at("$batch")[0];
    assert_eq!(sent.header("content-type"), Some("multipart/mixed;boundary=batch_mapwright_0"));
    assert!(sent.body.contains("POST /b1s/v2/Orders HTTP/1.1\r\n"), "{}", sent.body);
    assert!(!sent.body.contains("B1SESSION"), "the session is the batch's own");
}

#[tokio::test]
async fn a_change_set_that_failed_failed_for_all() {
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../specs/systems/sap-business-one/samples/batch-response-failed-changeset.txt"
    );
    let body = std::fs::read_to_string(sample).unwrap();
    let boundary = body.lines().next().unwrap().trim_start_matches('-').trim().to_owned();
    let server =
        answering(move |_| with_headers(202, &[&format!("Content-Type: multipart/mixed;boundary={boundary}")], &body))
            .await;
    let writes = ["1", "2"].map(|number| write("Orders", Deed::Create, &format!(r#"{{"NumAtCard":"{number}"}}"#)));
    let failure = erp(&server).send_batch(&writes).await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent, "{failure}");
    assert_eq!(failure.field.as_deref(), Some("RDR1.ItemCode"));
}

#[tokio::test]
async fn version_1_of_the_service_layer_is_read_as_well() {
    let server = Server::start(|seen: &Seen| {
        if seen.target.ends_with("Login") {
            json(200, r#"{"odata.metadata":"x","SessionId":"6d9e-1","Version":"1000220","SessionTimeout":30}"#)
        } else if seen.method == "POST" {
            json(400, r#"{"error":{"code":-5002,"message":{"lang":"en-us","value":"inactive [RDR1.ItemCode][line: 1] , ''"}}}"#)
        } else if seen.target.contains("skip") {
            json(200, r#"{"odata.metadata":"x","value":[{"DocEntry":2,"UpdateDate":"2026-11-02","UpdateTime":"09:30:00"}]}"#)
        } else {
            json(200, r#"{"odata.metadata":"x","value":[{"DocEntry":1,"UpdateDate":"2026-11-02T00:00:00Z","UpdateTime":"09:20:00"}],"odata.nextLink":"Orders?$skip=20"}"#)
        }
    })
    .await;
    let manifest = crate::tests::systems::ERP.manifest.replace("odata: { version: 4,", "odata: { version: 3,");
    let plan = SystemPlan { manifest: manifest.leak(), ..crate::tests::systems::ERP };
    let mut settings = erp_settings(server.url());
    settings.url = format!("{}/b1s/v1", server.url());
    let erp = Connectors::open(&plan, settings).unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut request = everything("Orders");
    request.window =
        Some(Window { pass: 0, since: Some(at("2026-11-02T08:00:00Z")), until: Some(at("2026-11-02T09:00:00Z")) });
    let first = erp.fetch_page(&request).await.unwrap();
    request.cursor = first.next.clone();
    let second = erp.fetch_page(&request).await.unwrap();
    assert_eq!((first.rows.len(), second.rows.len(), second.next), (1, 1, None));
    assert_eq!(second.rows[0].stamp, Some(at("2026-11-02T08:30:00Z")));
    let asked = server.seen_at("Orders");
    assert!(
        asked[0].decoded().starts_with("/b1s/v1/Orders?$filter=UpdateDate ge '2026-11-02'"),
        "{}",
        asked[0].decoded()
    );
    assert_eq!(asked[1].decoded(), "/b1s/v1/Orders?$skip=20");
    assert!(asked.iter().all(|seen| seen.header("prefer") == Some("odata.maxpagesize=500")));
    let failure = erp.send(&write("Orders", Deed::Create, r#"{"NumAtCard":"10231"}"#)).await.unwrap_err();
    assert_eq!((failure.class, failure.code.as_deref()), (Class::Permanent, Some("-5002")), "{failure}");
    assert_eq!(failure.field.as_deref(), Some("RDR1.ItemCode"));
}

#[tokio::test]
async fn a_session_is_renewed_before_it_would_end_by_idleness() {
    // The manifest renews two minutes early, but never before half of the time is over: a session that lives for a minute is used as well,
    // or the requests that follow would use up the licence. One without any time has ended as soon as it began.
    for (minutes, log_ins) in [(0, 3), (1, 1), (2, 1), (30, 1)] {
        let login = format!(r#"{{"SessionId":"6d9e-1","SessionTimeout":{minutes}}}"#);
        let server = Server::start(move |seen: &Seen| {
            if seen.target.ends_with("Login") { json(200, &login) } else { json(200, r#"{"value":[]}"#) }
        })
        .await;
        let erp = erp(&server);
        for _ in 0..3 {
            erp.fetch_page(&everything("Orders")).await.unwrap();
        }
        assert_eq!(server.seen_at("Login").len(), log_ins, "{minutes} minutes");
    }
}

/// `pool: 2`: each session counts against the licence, so a second one is made only where two requests are under way at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_session_is_made_only_where_one_is_busy() {
    let (logins, meeting) = (AtomicUsize::new(0), Barrier::new(2));
    let server = Server::start(move |seen| match seen.target.as_str() {
        "/b1s/v2/Login" => {
            let number = logins.fetch_add(1, Ordering::Relaxed) + 1;
            let cookie = format!("Set-Cookie: B1SESSION=s{number};HttpOnly;");
            with_headers(200, &[&cookie], &format!(r#"{{"SessionId":"s{number}","SessionTimeout":30}}"#))
        }
        "/b1s/v2/Logout" => json(204, ""),
        target if target.contains("BusinessPartners") => {
            // Answered only once both are under way.
            meeting.wait();
            json(200, r#"{"value":[]}"#)
        }
        _ => json(200, r#"{"value":[]}"#),
    })
    .await;
    let erp = erp(&server);
    for _ in 0..3 {
        erp.fetch_page(&everything("Orders")).await.unwrap();
    }
    assert_eq!(server.seen_at("Login").len(), 1, "one after another needs one session");
    let partners = everything("BusinessPartners");
    let (one, two) = tokio::join!(erp.fetch_page(&partners), erp.fetch_page(&partners));
    assert!(one.is_ok() && two.is_ok());
    let mut cookies: Vec<String> =
        server.seen_at("BusinessPartners").iter().map(|seen| seen.header("cookie").unwrap().to_owned()).collect();
    cookies.sort();
    assert_eq!(cookies, ["B1SESSION=s1", "B1SESSION=s2"]);
    assert_eq!(server.seen_at("Login").len(), 2);
    erp.close().await;
    assert_eq!(server.seen_at("Logout").len(), 2, "both are given back");
}
