use pretty_assertions::assert_eq;

use super::*;

/// A service that signs with another key than it shows.
struct Torn(Key, Key);

#[async_trait]
impl Signer for Torn {
    fn arn(&self) -> &str {
        self.0.arn()
    }

    async fn public_key(&self) -> Result<PublicKey, TaskError> {
        Ok(self.0.public())
    }

    async fn sign(&self, sha256: &[u8; 32]) -> Result<Vec<u8>, TaskError> {
        Ok(self.1.signature(sha256))
    }
}

#[tokio::test]
async fn a_signature_that_does_not_fit_its_key_seals_nothing() {
    let world = World::new();
    let torn = Torn(Key::new(7), Key::new(8));
    let sealed = world.seal_through(&world.store, &world.store, &torn, &stepped_aside(0)).await;
    assert_eq!(sealed.unwrap_err().name(), "Corrupt");
    assert_eq!(world.store.text(evidence_chain::HEAD), None);
}
