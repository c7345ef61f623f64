//! Plain HTTP clients for the tests: no retries, no cleverness.

use mapwright_sandbox::{Sandbox, SandboxConfig};
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// An answer, read completely.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

pub(crate) async fn sandbox(config: SandboxConfig) -> Sandbox {
    Sandbox::start(config).await.unwrap()
}

fn http() -> reqwest::Client {
    // Every test of the process may come first; later ones find the provider installed.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().build().unwrap()
}

async fn send(request: RequestBuilder) -> reqwest::Result<Got> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or_default();
    Ok(Got { status, headers, text, body })
}

/// A client with a token of the shop.
pub(crate) struct ShopClient {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl ShopClient {
    pub(crate) async fn new(sandbox: &Sandbox) -> Self {
        let mut client = Self { http: http(), base: format!("{}/api", sandbox.shop.url()), token: String::new() };
        let login = json!({ "grant_type": "client_credentials", "client_id": "SWIASANDBOX", "client_secret": "sandbox-secret" });
        let got = client.post("/oauth/token", &login).await;
        assert_eq!((got.status, got.body["token_type"].as_str()), (200, Some("Bearer")));
        client.token = got.body["access_token"].as_str().unwrap().to_owned();
        client
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .header("accept", "application/json")
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        send(self.request(Method::POST, path).json(body)).await.unwrap()
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Got {
        send(self.request(Method::PATCH, path).json(body)).await.unwrap()
    }

    pub(crate) async fn search(&self, entity: &str, criteria: &Value) -> Got {
        self.post(&format!("/search/{entity}"), criteria).await
    }
}

/// A client with a session of the Service Layer, whose cookie it writes by hand.
pub(crate) struct ErpClient {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

impl ErpClient {
    pub(crate) async fn new(sandbox: &Sandbox) -> Self {
        let mut client = Self { http: http(), base: sandbox.erp.url(), cookie: String::new() };
        let got = client
            .post("/Login", &json!({ "CompanyDB": "SBODEMODE", "UserName": "manager", "Password": "sandbox-secret" }))
            .await;
        let id = got.body["SessionId"].as_str().unwrap();
        let cookies: Vec<&str> =
            got.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(cookies, [format!("B1SESSION={id};HttpOnly;").as_str(), "ROUTEID=.node1; path=/b1s"]);
        client.cookie = format!("B1SESSION={id}; ROUTEID=.node1");
        client
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).header("cookie", &self.cookie)
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Got {
        let request = headers
            .iter()
            .fold(self.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
        send(request).await.unwrap()
    }

    pub(crate) async fn try_get(&self, path: &str) -> reqwest::Result<Got> {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> reqwest::Result<Got> {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        self.try_post(path, body).await.unwrap()
    }

    pub(crate) async fn patch_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Got {
        let request = self.request(Method::PATCH, path).json(body);
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await.unwrap()
    }
}
