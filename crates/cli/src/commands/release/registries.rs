//! Clients of the registries that a chart's images name.

use async_trait::async_trait;
use portolan_oci::RegistryHost;
use portolan_registry::{Access, Registry, Stop};
use portolan_release::upgrade::Registries;

use crate::commands::connect;
use crate::config::{Flags, KnownRegistries};

/// Makes clients from what flags, configuration and environment know.
pub(in crate::commands) struct Known {
    registries: KnownRegistries,
}

impl Known {
    pub(in crate::commands) fn new(registries: KnownRegistries) -> Self {
        Self { registries }
    }

    pub(in crate::commands) fn registries(&self) -> &KnownRegistries {
        &self.registries
    }
}

#[async_trait]
impl Registries for Known {
    async fn registry(&self, host: &RegistryHost) -> Result<Registry, String> {
        let named = self.registries.named(host, None, Flags::Count);
        connect::named(&named, Access::Pull, &Stop::default()).await.map_err(|failure| failure.message)
    }
}
