//! Where values that rotate are kept: a refresh token that is used once and replaced must be durable before anything that
//! came with it is used, or a crash between the two locks us out for good.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use mapwright_engine::connector::Reply;
use ring::aead;
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret, SecretString};

/// Keeps named secrets of connections.
pub trait Vault: Send + Sync {
    /// The value last kept under this name of a connection; `None` = none yet.
    fn load<'a>(&'a self, connection: &'a str, name: &'a str) -> Reply<'a, Result<Option<SecretString>, String>>;

    /// Keeps a value. When it returns, the value survives a crash of the machine.
    fn save<'a>(&'a self, connection: &'a str, name: &'a str, value: &'a SecretString)
    -> Reply<'a, Result<(), String>>;
}

/// One sealed file a value in one folder, readable by nobody who lacks the key.
pub struct SealedFiles {
    folder: PathBuf,
    key: aead::LessSafeKey,
    random: SystemRandom,
}

impl std::fmt::Debug for SealedFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedFiles").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl SealedFiles {
    /// A vault in this folder, sealed with a key that is derived from `secret`. Makes the folder.
    ///
    /// # Errors
    /// The folder cannot be made, or the secret is shorter than 16 characters, in words.
    pub fn open(folder: PathBuf, secret: &SecretString) -> Result<Self, String> {
        if secret.expose_secret().chars().count() < 16 {
            return Err("the key that seals kept credentials must have 16 characters or more".to_owned());
        }
        std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let digest = ring::digest::digest(&ring::digest::SHA256, secret.expose_secret().as_bytes());
        let key = aead::UnboundKey::new(&aead::CHACHA20_POLY1305, digest.as_ref())
            .map_err(|_| "the key that seals kept credentials cannot be used".to_owned())?;
        Ok(Self { folder, key: aead::LessSafeKey::new(key), random: SystemRandom::new() })
    }

    fn path(&self, connection: &str, name: &str) -> PathBuf {
        let plain = |text: &str| {
            text.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect::<String>()
        };
        self.folder.join(format!("{}.{}.sealed", plain(connection), plain(name)))
    }

    fn seal(&self, place: &str, value: &str) -> Result<Vec<u8>, String> {
        let refused = |_| "the value cannot be sealed".to_owned();
        let mut nonce = [0_u8; aead::NONCE_LEN];
        self.random.fill(&mut nonce).map_err(refused)?;
        let mut sealed = value.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(
                aead::Nonce::assume_unique_for_key(nonce),
                aead::Aad::from(place.as_bytes()),
                &mut sealed,
            )
            .map_err(refused)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn unseal(&self, place: &str, bytes: &[u8]) -> Result<SecretString, String> {
        let refused = || format!("{place} cannot be unsealed: was its key changed?");
        let (nonce, sealed) = bytes.split_at_checked(aead::NONCE_LEN).ok_or_else(refused)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| refused())?;
        let mut sealed = sealed.to_vec();
        let opened =
            self.key.open_in_place(nonce, aead::Aad::from(place.as_bytes()), &mut sealed).map_err(|_| refused())?;
        String::from_utf8(opened.to_vec()).map(SecretString::from).map_err(|_| refused())
    }
}

impl Vault for SealedFiles {
    fn load<'a>(&'a self, connection: &'a str, name: &'a str) -> Reply<'a, Result<Option<SecretString>, String>> {
        Box::pin(async move {
            let path = self.path(connection, name);
            match std::fs::read(&path) {
                Ok(bytes) => self.unseal(&path.display().to_string(), &bytes).map(Some),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(format!("cannot read {}: {error}", path.display())),
            }
        })
    }

    fn save<'a>(
        &'a self,
        connection: &'a str,
        name: &'a str,
        value: &'a SecretString,
    ) -> Reply<'a, Result<(), String>> {
        Box::pin(async move {
            let path = self.path(connection, name);
            let sealed = self.seal(&path.display().to_string(), value.expose_secret())?;
            replace(&path, &sealed).map_err(|error| format!("cannot keep {}: {error}", path.display()))
        })
    }
}

/// Writes beside, forces to disk, and only then takes the old one's place.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_kept_value_is_there_for_the_next_run_and_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let secret = SecretString::from("sixteen-and-more-letters".to_owned());
        let vault = SealedFiles::open(folder.path().to_owned(), &secret).unwrap();
        assert!(vault.load("erp", "refresh").await.unwrap().is_none());
        vault.save("erp", "refresh", &SecretString::from("token-1".to_owned())).await.unwrap();
        vault.save("erp", "refresh", &SecretString::from("token-2".to_owned())).await.unwrap();
        let again = SealedFiles::open(folder.path().to_owned(), &secret).unwrap();
        assert_eq!(again.load("erp", "refresh").await.unwrap().unwrap().expose_secret(), "token-2");
        let bytes = std::fs::read(folder.path().join("erp.refresh.sealed")).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("token"), "sealed");
        let other =
            SealedFiles::open(folder.path().to_owned(), &SecretString::from("another-key-altogether".to_owned()));
        assert!(other.unwrap().load("erp", "refresh").await.unwrap_err().contains("key"));
        assert!(SealedFiles::open(folder.path().to_owned(), &SecretString::from("short".to_owned())).is_err());
    }
}
