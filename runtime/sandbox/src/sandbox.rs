//! Both systems together, started from one seed.
//!
//! In: a [`SandboxConfig`]. Out: a running [`Sandbox`]. Never: anything beyond the loopback.

use crate::business_one::{Erp, ErpConfig};
use crate::seed::{Seed, SeedConfig};
use crate::server::StartError;
use crate::shopware::{Shop, ShopConfig};
use std::sync::Arc;

/// What a sandbox is made of.
#[derive(Clone, Debug, Default)]
pub struct SandboxConfig {
    /// Customers, products and orders.
    pub seed: SeedConfig,
    /// The shop's behaviour.
    pub shop: ShopConfig,
    /// The company's behaviour.
    pub erp: ErpConfig,
}

/// A shop and a company on two ports of 127.0.0.1. Clones share them.
#[derive(Clone)]
pub struct Sandbox {
    /// The Shopware shop.
    pub shop: Shop,
    /// The Business One Service Layer.
    pub erp: Erp,
    /// What both were started with.
    pub seed: Arc<Seed>,
}

impl Sandbox {
    /// Generates the seed and starts both systems.
    ///
    /// # Errors
    /// When a port cannot be bound.
    pub async fn start(config: SandboxConfig) -> Result<Self, StartError> {
        let seed = Arc::new(Seed::generate(&config.seed));
        let shop = Shop::start(config.shop, seed.shop_records()).await?;
        let erp = Erp::start(config.erp, &seed.erp()).await?;
        Ok(Self { shop, erp, seed })
    }

    /// Adds the products to the ERP that it did not know at the start.
    pub fn add_unknown_products(&self) {
        for item in &self.seed.unknown_items {
            self.erp.add_item(item);
        }
    }

    /// Stops both systems after the requests under way.
    pub async fn stop(&self) {
        self.shop.stop().await;
        self.erp.stop().await;
    }
}
