//! Samples are put together here, so that no file of the repository holds text that a scanner would report.

use proptest::prelude::*;

use super::formats::{Alphabet, FORMATS, Format, Part};
use super::*;

fn kind(name: &str, value: &str) -> Option<&'static str> {
    kind_of_secret(name, value).map(SecretKind::as_str)
}

/// So many characters of the alphabet, which differ as those of a key do.
fn fill(alphabet: &str, length: usize) -> String {
    let characters: Vec<char> = alphabet.chars().collect();
    (0..length).map(|index| characters[(index * 7 + index * index / 3) % characters.len()]).collect()
}

const HEX: &str = "0123456789abcdef";
const LOWER: &str = "0123456789abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALNUM: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const URL_SAFE: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const DIGITS: &str = "0123456789";

/// A secret of each well-known format, after the description of its provider.
fn samples() -> Vec<(&'static str, String)> {
    let hex = |length| fill(HEX, length);
    let alnum = |length| fill(ALNUM, length);
    let pem = |label: &str| {
        let dashes = "-".repeat(5);
        format!("{dashes}BEGIN {label}{dashes}\n{}\n{dashes}END {label}{dashes}\n", alnum(64))
    };
    let hmac = format!("{}%2B%2F{}%3D", alnum(20), alnum(21));
    let mut samples = vec![
        ("AWS AppSync API key", format!("da2{}{}", "-", fill(LOWER, 26))),
        ("Amazon Bedrock API key", format!("ABS{}{}", "K", alnum(128))),
        ("Anthropic API key", format!("sk-{}-api03-{}AA", "ant", alnum(93))),
        ("API key in OpenAI's format", format!("sk{}{}", "-", alnum(48))),
        ("OpenAI API key", format!("sk-{}-{}", "proj", alnum(156))),
        ("Atlassian API token", format!("ATA{}{}", "TT3", alnum(180))),
        ("Databricks token", format!("da{}{}", "pi", hex(32))),
        ("DigitalOcean token", format!("dop{}{}", "_v1_", hex(64))),
        ("Docker token", format!("dckr{}{}", "_pat_", alnum(27))),
        ("Figma token", format!("fig{}{}", "d_", alnum(40))),
        ("GitHub token", format!("github{}{}_{}", "_pat_", alnum(22), alnum(59))),
        ("Google API key", format!("AI{}{}", "za", alnum(35))),
        ("Google OAuth client secret", format!("GOC{}{}", "SPX-", alnum(28))),
        ("Grafana token", format!("gl{}{}_{}", "sa_", alnum(32), hex(8))),
        ("HashiCorp Vault token", format!("hv{}{}", "s.", alnum(95))),
        ("Hugging Face token", format!("h{}{}", "f_", fill(LETTERS, 34))),
        ("JSON Web Token", format!("ey{0}{1}.ey{0}{2}.{3}", "J", alnum(34), alnum(60), alnum(43))),
        ("Linear API key", format!("lin{}{}", "_api_", alnum(40))),
        ("Mailchimp API key", format!("{}-us{}", hex(32), 12)),
        ("Microsoft Entra client secret", format!("{}8{}{}", "aB3", "Q~", alnum(34))),
        ("New Relic key", format!("NR{}{}", "AK-", fill(UPPER, 27))),
        ("npm access token", format!("np{}{}", "m_", alnum(36))),
        ("Notion token", format!("nt{}{}", "n_", alnum(46))),
        ("Postman API key", format!("PM{}{}-{}", "AK-", hex(24), hex(34))),
        ("private key of PuTTY", format!("PuTTY-User{}2: ssh-rsa", "-Key-File-")),
        ("PyPI API token", format!("py{}{}", "pi-AgEIcHlwaS5vcmc", alnum(120))),
        ("RubyGems API key", format!("ruby{}{}", "gems_", hex(48))),
        ("SendGrid API key", format!("S{}{}.{}", "G.", alnum(22), alnum(43))),
        ("Sentry token", format!("sn{}{}", "tryu_", hex(64))),
        ("Slack token", format!("xa{}1-A{}-{}-{}", "pp-", fill(UPPER, 10), fill(DIGITS, 13), hex(64))),
        (
            "Slack webhook URL",
            format!("https://hooks.{}/services/T{2}/B{2}/{1}", "slack.com", alnum(24), fill(UPPER, 8)),
        ),
        ("Stripe live key", format!("sk{}{}", "_live_", alnum(24))),
        ("Stripe live key", format!("rk{}{}", "_live_", alnum(99))),
        ("Stripe test key", format!("sk{}{}", "_test_", alnum(24))),
        ("Telegram bot token", format!("{}:A{}{}", fill(DIGITS, 10), "A", alnum(33))),
        ("Twilio API key", format!("S{}{}", "K", hex(32))),
        ("webhook signing secret", format!("wh{}{}", "sec_", alnum(32))),
        ("AWS access key ID", format!("AK{}{}", "IA", fill(UPPER, 16))),
        ("AWS access key ID", format!("AS{}{}", "IA", fill(UPPER, 16))),
        (
            "Azure shared access signature",
            format!("https://orders.blob.core.windows.net/a?sv=2024-11-04&sr=c&sp=r&si{}{}", "g=", hmac),
        ),
        (
            "Azure shared access signature",
            format!(
                "https://prod-1.westeurope.logic.azure.com:443/workflows/{}/triggers/manual/paths/invoke?sv=1.0&si{}{}",
                hex(32),
                "g=",
                fill(URL_SAFE, 43),
            ),
        ),
        ("Azure shared access signature", format!("SharedAccessSignature sr=orders&si{}{}=&skn=send", "g=", alnum(43))),
        ("Azure storage account key", format!("Account{}={}==", "Key", alnum(86))),
    ];
    samples.extend(["p", "o", "u", "s", "r"].map(|of| ("GitHub token", format!("gh{of}{}{}", "_", alnum(36)))));
    samples.extend(["pat", "dt", "rt", "ptt"].map(|of| ("GitLab token", format!("gl{of}{}{}", "-", alnum(20)))));
    samples.extend(
        ["b", "p", "a", "r", "s"].map(|of| {
            ("Slack token", format!("xo{}{of}-{}-{}-{}", "x", fill(DIGITS, 12), fill(DIGITS, 13), alnum(24)))
        }),
    );
    samples.extend(["at", "ca", "pa", "ss"].map(|of| ("Shopify token", format!("shp{of}{}{}", "_", hex(32)))));
    let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"];
    samples.extend(labels.map(|label| ("private key in PEM form", pem(label))));
    samples.push(("private key in PEM form", pem("RSA PRIVATE KEY").replace('\n', "")));
    samples
}

/// A text of the format, made from what the table says.
fn of_format(format: &Format) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => (*text).to_owned(),
        Part::Run(alphabet, least, _) => fill(
            match alphabet {
                Alphabet::Digit => DIGITS,
                Alphabet::Hex => HEX,
                Alphabet::Letter => LETTERS,
                Alphabet::Upper => UPPER,
                Alphabet::Lower => LOWER,
                _ => ALNUM,
            },
            *least,
        ),
    };
    format.prefixes[0].to_owned() + &format.rest.iter().map(part).collect::<String>()
}

fn base64(text: impl AsRef<[u8]>) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn well_known_formats_are_found_under_any_name() {
    for (expected, sample) in samples() {
        for name in ["SETTING", "API_KEY", "TABLE_NAME"] {
            assert_eq!(kind(name, &sample), Some(expected), "{name}={sample}");
        }
    }
}

#[test]
fn every_format_finds_its_own() {
    for format in FORMATS {
        let sample = of_format(format);
        assert_eq!(kind("SETTING", &sample), Some(format.kind.as_str()), "{sample}");
    }
}

#[test]
fn a_format_is_not_found_in_the_middle_of_a_word_nor_in_other_lengths() {
    let token = format!("gh{}{}", "p_", fill(ALNUM, 36));
    let key = format!("AI{}{}", "za", fill(ALNUM, 35));
    let hidden = format!("gh{}{}", "p_", "x".repeat(36));
    for value in [format!("a{token}"), format!("_{token}"), format!("{key}a"), key[..38].to_owned(), hidden] {
        assert_eq!(kind("SETTING", &value), None, "{value}");
    }
}

#[test]
fn the_place_of_a_secret_does_not_matter() {
    let wrap: [fn(&str) -> String; 14] = [
        |secret| format!("  {secret}\n"),
        |secret| serde_json::json!({ "a": [1, { "b": secret }], "c": null }).to_string(),
        |secret| serde_json::json!([secret, "b"]).to_string(),
        |secret| serde_json::json!({ "a": serde_json::json!({ "b": secret }).to_string() }).to_string(),
        |secret| serde_json::json!(secret).to_string(),
        |secret| format!("a=b;c={secret};d=e"),
        |secret| format!("a=b,c={secret},d=e"),
        |secret| format!("export A=b\nexport C=\"{secret}\"\n"),
        |secret| format!("https://example.com/a?b=c&d={secret}"),
        |secret| format!("https://example.com/a%3Db%3D{secret}%26c"),
        |secret| format!("https://{secret}@example.com/a"),
        |secret| format!("X-Header: Bearer {secret}"),
        |secret| base64(secret),
        |secret| base64(serde_json::json!({ "a": secret }).to_string()),
    ];
    for (expected, sample) in samples() {
        for (index, wrap) in wrap.iter().enumerate() {
            let value = wrap(&sample);
            assert_eq!(kind("SETTING", &value), Some(expected), "{index}: {value}");
        }
    }
}

#[test]
fn names_and_urls_give_secrets_away() {
    let random = fill(ALNUM, 40);
    let (high, plain) = (SecretKind::HIGH_ENTROPY.as_str(), SecretKind::PLAIN_TEXT.as_str());
    let (password, in_url) = (SecretKind::PASSWORD.as_str(), SecretKind::PASSWORD_IN_URL.as_str());
    let aws = SecretKind::AWS_SECRET_ACCESS_KEY.as_str();
    let recaptcha_key = format!("6L{}", fill(URL_SAFE, 38));
    let private_jwk = serde_json::json!({ "kty": "EC", "crv": "P-256", "kid": "1", "d": fill(URL_SAFE, 43) });
    let private_jwks = serde_json::json!({ "keys": [private_jwk] }).to_string();
    let with_id = serde_json::json!({ "id": format!("AK{}{}", "IA", fill(UPPER, 16)), "secretAccessKey": random });
    let cases = [
        ("DB_PASSWORD", "hunter2", password),
        ("DB_PASSWORD", "changeme", password),
        ("DB_PASSWORD", "password", password),
        ("DB_PASSWORD", "correct horse battery staple", password),
        ("DB_PASSWORD", "correct-horse-battery-staple", password),
        ("DB_PASSWORD", "12345678", password),
        ("PGPASSWORD", "p,a;s=s", password),
        ("DB_PASS", "é", password),
        ("WALLET_MNEMONIC", "legal winner thank year wave", password),
        ("DB_PASSWORD", "Welcome1@bank.com", password),
        ("DB_PASSWORD", "Winter/Summer", password),
        ("DB_PASSWORD", "{hunter2!}", password),
        ("ADMIN_PASSWORDS", r#"["hunter2"]"#, password),
        ("DB", r#"{"username":"admin","password":"hunter2"}"#, password),
        ("DB", r#"{"pin":1,"password":123456789}"#, password),
        ("DB_SECRET", r#"{"username":"admin","password":"hunter2"}"#, password),
        ("CONNECTION", "Server=db;User Id=admin;Password=hunter2;", password),
        ("CONNECTION", "host=db user=admin password=hunter2", password),
        ("CONNECTION", "Driver={ODBC Driver 18 for SQL Server};Server=db;Uid=sa;Pwd={hunter2!};", password),
        ("CONNECTION", "Driver={ODBC Driver 18 for SQL Server};Server=db;Uid=sa;Pwd={{hunter2!};", password),
        ("JAVA_TOOL_OPTIONS", "-Xmx64m -Djavax.net.ssl.keyStorePassword=hunter2", password),
        ("JDBC", "jdbc:postgresql://db/app?user=admin&password=hunter2", password),
        ("CONFIG", "user: admin\npassword: hunter2\n", password),
        ("CONFIG", "export DB_PASSWORD='hunter2'", password),
        ("DATABASE_URL", "postgres://admin:hunter2@db.example.com:5432/app", in_url),
        ("DATABASE_URL", "postgres://admin:hunt/er2@db.example.com:5432/app", in_url),
        ("DATABASE_URL", "postgres://admin:p@ss@db.example.com", in_url),
        ("DATABASE_URL", "postgres://admin:{hunter2!}@db.example.com", in_url),
        ("JDBC", &format!("jdbc:oracle:thin:scott/{}@//db:1521/ORCL", "tiger"), in_url),
        ("JDBC", &format!("jdbc:oracle:thin:scott/{}@db:1521:ORCL", "tiger"), in_url),
        ("CONFIG", &format!("timeout: 30\nurl: jdbc:oracle:oci:scott/{}@db", "tiger"), in_url),
        ("REDIS", "redis://:hunter2@cache:6379/0", in_url),
        ("BROKERS", "amqps://a:hunter2@one,amqps://a:hunter2@two", in_url),
        ("MYSQL", "app:hunter2@tcp(db:3306)/app", in_url),
        ("CONFIG", r#"{"url":"https:\/\/a:hunter2@example.com"}"#, in_url),
        ("NEXT", "https://example.com/?next=https%3A%2F%2Fa%3Ahunter2%40example.com", in_url),
        ("AWS_SECRET", &random, aws),
        ("SECRET_ACCESS_KEY", &random, aws),
        ("AWS", &with_id.to_string(), aws),
        ("AWS_SECRET", &fill(LOWER, 40), high),
        ("GITHUB_WEBHOOK_SECRET", &random, high),
        ("STRIPE_KEY", &random, high),
        ("API_KEYS", &format!("partner-a={},partner-b={}", fill(ALNUM, 24), fill(HEX, 32)), high),
        ("API_KEYS", &serde_json::json!({ "partner": fill(LOWER, 32) }).to_string(), high),
        ("API_KEYS", &format!("one, {}", fill(LOWER, 32)), high),
        ("AUTHORIZATION", &format!("Bearer {}", fill(ALNUM, 30)), high),
        ("SESSION_SECRET", &fill(HEX, 64), high),
        ("RECAPTCHA_SECRET_KEY", &recaptcha_key, high),
        ("AUTH_JWKS", &private_jwks, high),
        ("SIGNING_KEY", &base64(fill(HEX, 32)), high),
        ("JWT_SECRET", "supersecret123", plain),
        ("JWT_SECRET", "s3cr3t!", plain),
        ("API_TOKEN", "hunter2", plain),
    ];
    for (name, value, expected) in cases {
        assert_eq!(kind(name, value), Some(expected), "{name}={value}");
    }
}

#[test]
fn look_alikes_do_not_alarm() {
    let kms_ciphertext = format!("AQIC{}", "AH".to_owned() + &fill(ALNUM, 200));
    let certificate = format!("{0}BEGIN CERTIFICATE{0}\n{1}\n", "-".repeat(5), fill(ALNUM, 64));
    let public_key = format!("{0}BEGIN PUBLIC KEY{0}\n{1}\n", "-".repeat(5), fill(ALNUM, 64));
    let example_id = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let example_secret = format!("wJalrXUtnFEMI/K7MDENG/{}", "bPxRfiCYEXAMPLEKEY");
    let (sha256, sha1, random) = (fill(HEX, 64), fill(HEX, 40), fill(ALNUM, 40));
    let digest = format!("{}=", fill(ALNUM, 43));
    let path = format!("builds/{sha1}.zip");
    let image = format!("111122223333.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:{sha256}");
    let uuid = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    let multi_region_key = format!("mrk-{}", fill(HEX, 32));
    let publishable_keys = ["live", "test"].map(|mode| format!("pk_{mode}_{}", fill(ALNUM, 99)));
    let site_key = format!("6L{}", fill(URL_SAFE, 38));
    let public_jwk = serde_json::json!({ "kty": "RSA", "kid": fill(HEX, 40), "n": fill(URL_SAFE, 342), "e": "AQAB" });
    let public_jwks = serde_json::json!({ "keys": [public_jwk] }).to_string();
    let generated_name = format!("DatabaseSecret3B817195-{}", "PdDVJRdx0AcL");
    let generated_name_of_arn = format!("{generated_name}-aB3dE6");
    let of_rds = ["cluster", "db"].map(|of| format!("rds!{of}-{uuid}"));
    let of_rds_and_arn = format!("{}-aB3dE6", of_rds[0]);
    let secret_arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbC1d2";
    let cases: &[(&str, &str)] = &[
        // Names that mention secrets and are of something else.
        ("TOKEN_TABLE", "session-tokens-4f7a1c9e2b"),
        ("TOKEN_TABLE", &random),
        ("KEY_PREFIX", "uploads/2026/"),
        ("SECRET_ARN", secret_arn),
        ("SECRET_NAME", "prod/db-AbC1d2"),
        ("SECRET_ID", uuid),
        ("SECRET_REGION", "eu-west-1"),
        ("PASSWORD_PARAMETER_NAME", "/prod/db/password"),
        ("PASSWORD_MIN_LENGTH", "12"),
        ("PASSWORD_HASH_ALGORITHM", "argon2id"),
        ("PASSWORD_RESET_URL", "https://example.com/reset"),
        ("TOKEN_TTL_SECONDS", "3600"),
        ("TOKEN_ISSUER", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aB3dE6gH9"),
        ("API_KEY_SOURCE", "HEADER"),
        ("AWS_ACCESS_KEY_ID_PARAMETER", "/ci/access-key"),
        ("CREDENTIALS_FILE", "/opt/app/credentials.json"),
        ("PARTITION_KEY", "customerId#2026"),
        ("S3_KEY", &path),
        ("OBJECT_KEY", &sha256),
        ("JWT_PUBLIC_KEY", &public_key),
        ("SSH_PUBLIC_KEY", &random),
        ("STRIPE_PUBLISHABLE_KEY", &publishable_keys[0]),
        ("STRIPE_PUBLISHABLE_KEY", &random),
        ("RECAPTCHA_SITE_KEY", &site_key),
        ("AUTH_JWKS", &public_jwks),
        ("AUTH_JWKS", &random),
        ("AUTH_JWK", &random),
        ("JWT_KID", &random),
        ("CLIENT_ID", &fill(LOWER, 26)),
        ("USER_POOL_CLIENT_ID", &fill(LOWER, 26)),
        // References and settings under names of secrets.
        ("DB_SECRET", secret_arn),
        ("DB_PASSWORD", secret_arn),
        ("DB_PASSWORD", "{{resolve:secretsmanager:prod/db:SecretString:password}}"),
        ("DB_PASSWORD", "{{resolve:ssm-secure:/prod/db/password:1}}"),
        ("DB_PASSWORD", "/prod/db/password"),
        ("DB_PASSWORD", "./secrets/db"),
        ("DB_PASSWORD", "../secrets/db"),
        ("DB_PASSWORD", "~/secrets/db"),
        ("DB_PASSWORD", "secrets/9f8e7d6c.txt"),
        ("DB_PASSWORD", &generated_name),
        ("DB_PASSWORD", "{password}"),
        ("DB_PASSWORD", "{0}"),
        ("DB_PASSWORD", "${DB_PASSWORD}"),
        ("DB_PASSWORD", "$DB_PASSWORD"),
        ("DB_PASSWORD", "<your-password>"),
        ("DB_PASSWORD", "********"),
        ("DB_PASSWORD", "REPLACE_ME"),
        ("DB_PASSWORD", "none"),
        ("DB_PASSWORD", ""),
        ("DB_PASSWORD", "  "),
        ("DB_PASSWORD", &kms_ciphertext),
        ("USE_PASSWORD", "true"),
        ("MAX_PASSWORD", "64"),
        ("DB_SECRET", "prod/orders/db"),
        ("DB_SECRET", "orders-db-credentials"),
        ("DB_SECRET", "orders-db-credentials-aB3dE6"),
        ("DB_SECRET", "OrdersDbCredentials"),
        ("DB_SECRET", &generated_name),
        ("DB_SECRET", &generated_name_of_arn),
        ("DB_SECRET", &of_rds[0]),
        ("DB_SECRET", &of_rds[1]),
        ("DB_SECRET", &of_rds_and_arn),
        ("STRIPE_KEY", &publishable_keys[0]),
        ("STRIPE_KEY", &publishable_keys[1]),
        ("AUTH", &public_jwks),
        ("DB_SECRET", "secretsmanager:prod/db"),
        ("API_KEY", "/prod/api/key"),
        ("API_KEY", uuid),
        ("API_KEY", "changeme"),
        ("API_KEY", "123456789012"),
        ("API_KEY", "primary"),
        ("ENCRYPTION_KEY", "alias/app"),
        ("ENCRYPTION_KEY", &multi_region_key),
        ("ENCRYPTION_KEY", "arn:aws:kms:eu-west-1:111122223333:key/3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("SIGNING_KEY", &certificate),
        ("PRIVATE_KEY", "certs/client-9f8e7d6c.key"),
        ("PRIVATE_KEY", "s3://bucket/keys/9f8e7d6c"),
        ("MAX_TOKENS", "4096"),
        ("AUTH", "AWS_IAM"),
        ("AUTH", "https://auth.example.com"),
        ("ALLOWED_TOKENS", "alpha,beta,gamma"),
        ("SECRET", "someone@example.com"),
        ("SECRET", "on4call7you@example.com"),
        ("ROTATE_SECRET", "rate(30 days)"),
        ("ROTATE_SECRET", "cron(0 12 * * ? *)"),
        ("TOKEN", "30s"),
        ("TOKEN", "1.5"),
        ("TOKEN", "v2"),
        ("TOKEN", "a sentence about what comes after 2026"),
        ("DB_SECRET", r#"{"username":"admin","host":"db.example.com","port":5432,"ssl":true}"#),
        // Neutral names.
        ("STAGE", "prod"),
        ("FLAG", "true"),
        ("EMPTY", ""),
        ("AWS_REGION", "eu-west-1"),
        ("ACCOUNT_ID", "111122223333"),
        ("PORT", "5432"),
        ("KMS_KEY", "arn:aws:kms:eu-west-1:111122223333:key/3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("KMS_KEY_ID", uuid),
        ("REQUEST", uuid),
        ("ARTIFACT_DIGEST", &sha256),
        ("COMMIT", &sha1),
        ("INTEGRITY", &digest),
        ("IMAGE", &image),
        ("BUILD", &random),
        ("EXAMPLE", &example_id),
        ("AWS_SECRET", &example_secret),
        ("CONTACT", "someone@example.com"),
        ("ENDPOINT", "https://example.com:8443/path?token_type=bearer&limit=10"),
        ("ENDPOINT", "https://user@example.com/path"),
        ("ENDPOINT", "https://user:@example.com/path"),
        ("ENDPOINT", "https://user:${PASSWORD}@example.com/path"),
        ("ENDPOINT", "postgres://user:<password>@example.com/app"),
        ("ENDPOINT", "postgres://user:{{resolve:ssm-secure:/prod/db}}@example.com/app"),
        ("ENDPOINT", "jdbc:oracle:thin:@//db:1521/ORCL"),
        ("ENDPOINT", "jdbc:oracle:thin:scott/${PASSWORD}@//db:1521/ORCL"),
        ("ENDPOINT", "jdbc:oracle:thin:{{resolve:ssm:/db/user}}/{{resolve:ssm-secure:/db/password}}@db"),
        ("ENDPOINT", "Driver={ODBC Driver 18 for SQL Server};Server=db;Uid=sa;Pwd={password}"),
        ("ENDPOINT", "https://example.com/?sv=1.0&sig=<signature>"),
        ("ENDPOINT", "http://[::1]:8080/a@b"),
        ("ENDPOINT", "https://example.com:8443/@scope/package"),
        ("SENTRY_DSN", "https://0f9e3c7a5b1d82460f9e3c7a5b1d8246@o1.ingest.example.com/1"),
        ("BUCKET", "s3://bucket/a/b"),
        ("SCHEDULE", "rate(5 minutes)"),
        ("SCHEDULE", "cron(0 12 * * ? *)"),
        ("CONFIG", r#"{"stage":"prod","limits":{"tokens":4096},"tokenTable":"tokens"}"#),
        ("OPTIONS", "a=b;c=d"),
        ("NODE_OPTIONS", "--enable-source-maps --max-old-space-size=512"),
        ("AWS_LAMBDA_EXEC_WRAPPER", "/opt/bootstrap"),
        ("POWERTOOLS_SERVICE_NAME", "orders"),
        // This system's own functions.
        ("REPORTS_BUCKET", "compliance-audit-reports-111122223333"),
        ("MAP_CONCURRENCY", "10"),
        ("SYSTEM_NAME", "compliance-audit"),
        ("KEY_TAGS", r#"{"CostCenter": "1234", "Owner": "platform-team"}"#),
        ("METRICS_NAMESPACE", "ComplianceAudit"),
        ("ALERTS_TOPIC_ARN", "arn:aws:sns:eu-west-1:111122223333:compliance-audit-alerts"),
    ];
    let alarms: Vec<_> = cases.iter().filter_map(|(name, value)| Some((name, value, kind(name, value)?))).collect();
    assert!(alarms.is_empty(), "{alarms:#?}");
    assert!(cases.len() >= 60);
}

proptest! {
    #[test]
    fn no_text_is_too_strange(name in ".{0,30}", value in "(?s).{0,200}") {
        let _ = kind_of_secret(&name, &value);
    }

    #[test]
    fn no_structure_is_too_strange(
        value in r#"([{}\[\]":=;,&?%@/ \n$<>A-Fé-]|://|password|token|eyJ|-----BEGIN |%3D|@tcp\(){0,60}"#,
    ) {
        for name in ["A", "PASSWORD", "API_KEY"] {
            let _ = kind_of_secret(name, &value);
        }
    }

    #[test]
    fn every_password_is_found_wherever_it_stands(password in "[a-z]{3,8}[0-9]{1,3}[!$^*()a-zA-Z]{1,8}") {
        prop_assert_eq!(kind("DB_PASSWORD", &password), Some("password in plain text"));
        let json = serde_json::json!({ "db": { "password": password } }).to_string();
        prop_assert_eq!(kind("SETTING", &json), Some("password in plain text"));
        prop_assert_eq!(kind("SETTING", &format!("a=b;password={password};c=d")), Some("password in plain text"));
        prop_assert_eq!(kind("SETTING", &format!("mysql://user:{password}@db/app")), Some("password in a URL"));
    }

    #[test]
    fn random_keys_are_found_under_names_of_secrets(
        key in "[A-Za-z0-9]{32,48}", hex in "[0-9a-f]{32,64}", bytes in any::<[u8; 32]>(),
    ) {
        for key in [key, hex, base64(bytes)] {
            prop_assert!(kind("CLIENT_SECRET", &key).is_some(), "{key}");
        }
    }

    #[test]
    fn neutral_names_make_no_secret_of_random_text(text in "[A-Za-z0-9]{1,14}", hex in "[0-9a-f]{64}") {
        prop_assert_eq!(kind("REVISION", &text), None);
        prop_assert_eq!(kind("REVISION", &hex), None);
    }
}
