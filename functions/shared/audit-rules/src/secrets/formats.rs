//! The formats that providers give to their keys and tokens, so that scanners can find them.

use super::{SecretKind, random};
use Alphabet::{Alnum, Base64, Digit, Hex, Letter, Lower, Token, Upper, UrlSafe, Word};
use Part::{Run, Text};

/// A format: one of the prefixes, and the rest of it.
#[derive(Debug)]
pub(super) struct Format {
    pub(super) kind: SecretKind,
    pub(super) prefixes: &'static [&'static str],
    pub(super) rest: &'static [Part],
}

/// A part of a format.
#[derive(Debug)]
pub(super) enum Part {
    /// This text.
    Text(&'static str),
    /// As many characters of the alphabet as there are: at least the first number, at most the second.
    Run(Alphabet, usize, usize),
}

/// The characters of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alphabet {
    /// `0` to `9`.
    Digit,
    /// Hexadecimal digits.
    Hex,
    /// Letters.
    Letter,
    /// Capital letters and digits.
    Upper,
    /// Small letters and digits.
    Lower,
    /// Letters and digits.
    Alnum,
    /// Letters, digits and `_`.
    Word,
    /// Letters, digits, `_` and `-`.
    UrlSafe,
    /// Letters, digits, `+`, `/` and `=`.
    Base64,
    /// Letters, digits and `_-.~=+/`.
    Token,
}

/// The formats. The kind of the first that fits is the answer.
///
/// Prefixes, alphabets and lengths are facts that the providers publish; they were compared with the last rules of
/// [gitleaks][]. Lengths that providers keep open have room upwards. To add a format, add a line here and a sample to
/// the tests.
///
/// [gitleaks]: https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml
#[rustfmt::skip]
pub(super) const FORMATS: &[Format] = &[
    // https://www.rfc-editor.org/rfc/rfc7468, and the files of OpenSSH and of OpenPGP.
    of("private key in PEM form", &["-----BEGIN "], &[Text("PRIVATE KEY-----")]),
    of("private key in PEM form", &["-----BEGIN "], &[Text("RSA PRIVATE KEY-----")]),
    of("private key in PEM form", &["-----BEGIN "], &[Text("EC PRIVATE KEY-----")]),
    of("private key in PEM form", &["-----BEGIN "], &[Text("DSA PRIVATE KEY-----")]),
    of("private key in PEM form", &["-----BEGIN "], &[Text("OPENSSH PRIVATE KEY-----")]),
    of("private key in PEM form", &["-----BEGIN "], &[Text("ENCRYPTED PRIVATE KEY-----")]),
    of("private key in PEM form", &["-----BEGIN "], &[Text("PGP PRIVATE KEY BLOCK-----")]),
    of("private key of PuTTY", &["PuTTY-User-Key-File-2:", "PuTTY-User-Key-File-3:"], &[]),
    of("age secret key", &["AGE-SECRET-KEY-1"], &[Run(Upper, 58, 58)]),

    // https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html
    of("Amazon Bedrock API key", &["ABSK"], &[Run(Base64, 109, 272)]),
    of("Amazon Bedrock API key", &["bedrock-api-key-"], &[Run(Base64, 32, 4096)]),
    // https://docs.aws.amazon.com/appsync/latest/APIReference/API_ApiKey.html
    of("AWS AppSync API key", &["da2-"], &[Run(Lower, 26, 26)]),
    of("Amazon MWS token", &["amzn.mws."], &[Run(UrlSafe, 36, 36)]),

    // https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
    of("GitHub token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], &[Run(Word, 36, 255)]),
    of("GitHub token", &["github_pat_"], &[Run(Word, 82, 255)]),
    // https://docs.gitlab.com/security/tokens/#token-prefixes
    of("GitLab token", &["glpat-", "gldt-", "glrt-", "glrtr-", "glptt-", "glcbt-", "glft-", "glimt-", "glagent-",
        "glsoat-", "glffct-", "gloas-", "glwt-"], &[Run(Token, 20, 512)]),
    of("GitLab token", &["GR1348941"], &[Run(UrlSafe, 20, 20)]),
    of("Bitbucket app password", &["ATBB"], &[Run(Alnum, 32, 32)]),
    of("Atlassian API token", &["ATATT3", "ATCTT3"], &[Run(Token, 60, 512)]),
    of("npm access token", &["npm_"], &[Run(Alnum, 36, 36)]),
    of("PyPI API token", &["pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw"], &[Run(UrlSafe, 50, 1024)]),
    of("RubyGems API key", &["rubygems_"], &[Run(Hex, 48, 48)]),
    of("NuGet API key", &["oy2"], &[Run(Lower, 43, 43)]),
    of("Clojars token", &["CLOJARS_"], &[Run(Lower, 60, 60)]),
    of("Docker token", &["dckr_pat_", "dckr_oat_"], &[Run(UrlSafe, 27, 64)]),
    of("Artifactory API key", &["AKCp"], &[Run(Alnum, 69, 69)]),
    of("Artifactory reference token", &["cmVmdGtuOj"], &[Run(Alnum, 54, 54)]),

    // https://docs.slack.dev/authentication/tokens/
    of("Slack token", &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxc-", "xoxd-"],
        &[Run(UrlSafe, 20, 512)]),
    of("Slack token", &["xapp-"], &[Run(Digit, 1, 1), Text("-"), Run(UrlSafe, 20, 512)]),
    of("Slack webhook URL", &["hooks.slack.com/services/T", "hooks.slack.com/workflows/T", "hooks.slack.com/triggers/"],
        &[Run(Base64, 30, 128)]),
    of("Discord webhook URL", &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        &[Run(Digit, 17, 20), Text("/"), Run(UrlSafe, 60, 80)]),
    of("Microsoft Teams webhook URL", &["webhook.office.com/webhookb2/"],
        &[Run(UrlSafe, 36, 36), Text("@"), Run(UrlSafe, 36, 36), Text("/IncomingWebhook/"), Run(Hex, 32, 32)]),
    // https://core.telegram.org/bots/api#authorizing-your-bot
    of("Telegram bot token", &[""], &[Run(Digit, 8, 10), Text(":AA"), Run(UrlSafe, 32, 34)]),

    // https://docs.stripe.com/keys
    of("Stripe live key", &["sk_live_", "rk_live_", "sk_prod_", "rk_prod_"], &[Run(Alnum, 10, 256)]),
    of("Stripe test key", &["sk_test_", "rk_test_"], &[Run(Alnum, 10, 256)]),
    of("webhook signing secret", &["whsec_"], &[Run(Base64, 24, 128)]),
    of("Square token", &["sq0atp-", "sq0csp-"], &[Run(UrlSafe, 22, 60)]),
    of("Braintree access token", &["access_token$production$", "access_token$sandbox$"],
        &[Run(Lower, 16, 16), Text("$"), Run(Hex, 32, 32)]),
    of("Plaid access token", &["access-production-", "access-sandbox-", "access-development-"],
        &[Run(UrlSafe, 36, 36)]),
    of("Razorpay key", &["rzp_live_"], &[Run(Alnum, 14, 14)]),
    of("Flutterwave secret key", &["FLWSECK-", "FLWSECK_TEST-"], &[Run(Lower, 12, 40)]),
    of("Shopify token", &["shpat_", "shpca_", "shppa_", "shpss_"], &[Run(Hex, 32, 32)]),
    of("Shippo token", &["shippo_live_", "shippo_test_"], &[Run(Hex, 40, 40)]),
    of("EasyPost API key", &["EZAK", "EZTK"], &[Run(Alnum, 54, 54)]),
    of("Duffel token", &["duffel_live_", "duffel_test_"], &[Run(Token, 43, 43)]),

    // https://docs.cloud.google.com/docs/authentication/api-keys, .../docs/authentication/token-types
    of("Google API key", &["AIza"], &[Run(UrlSafe, 35, 35)]),
    of("Google OAuth client secret", &["GOCSPX-"], &[Run(UrlSafe, 28, 28)]),
    of("Google OAuth access token", &["ya29."], &[Run(UrlSafe, 40, 2048)]),
    // https://learn.microsoft.com/en-us/purview/sit-defn-azure-ad-client-secret
    of("Microsoft Entra client secret", &[""], &[Run(Alnum, 3, 3), Run(Digit, 1, 1), Text("Q~"), Run(Token, 31, 34)]),
    of("Azure storage account key", &["AccountKey="], &[Run(Base64, 88, 88)]),
    of("Azure shared access key", &["SharedAccessKey="], &[Run(Base64, 44, 44)]),
    // An HMAC-SHA256: https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas. Logic Apps, Power
    // Automate and Teams workflows write it in the URL-safe alphabet, without padding:
    // https://learn.microsoft.com/en-us/azure/logic-apps/logic-apps-securing-a-logic-app
    of("Azure shared access signature", &["sig="], &[Run(Base64, 43, 43), Text("=")]),
    of("Azure shared access signature", &["sig="], &[Run(UrlSafe, 43, 43)]),
    of("Alibaba Cloud access key ID", &["LTAI"], &[Run(Alnum, 20, 20)]),
    of("DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], &[Run(Hex, 64, 64)]),
    of("Heroku API key", &["HRKU-AA"], &[Run(UrlSafe, 58, 58)]),
    of("Cloudflare origin CA key", &["v1.0-"], &[Run(Hex, 24, 24), Text("-"), Run(Hex, 146, 146)]),
    of("Fly.io token", &["fo1_"], &[Run(UrlSafe, 43, 43)]),
    of("Fly.io token", &["fm1a_", "fm1r_", "fm2_"], &[Run(Base64, 100, 2048)]),
    of("Netlify token", &["nfp_"], &[Run(Alnum, 36, 64)]),
    of("Supabase token", &["sbp_"], &[Run(Hex, 40, 40)]),
    of("Supabase secret key", &["sb_secret_"], &[Run(UrlSafe, 20, 64)]),
    of("PlanetScale secret", &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], &[Run(Token, 32, 64)]),
    of("Databricks token", &["dapi"], &[Run(Hex, 32, 32)]),
    of("ClickHouse Cloud API secret key", &["4b1d"], &[Run(Alnum, 38, 38)]),
    of("HashiCorp Vault token", &["hvs.", "hvb.", "hvr."], &[Run(UrlSafe, 90, 300)]),
    of("HCP Terraform token", &[""], &[Run(Alnum, 14, 14), Text(".atlasv1."), Run(Token, 60, 70)]),
    of("Pulumi access token", &["pul-"], &[Run(Hex, 40, 40)]),
    of("Doppler token", &["dp.pt.", "dp.sa.", "dp.ct.", "dp.scim."], &[Run(Alnum, 40, 48)]),
    of("Doppler token", &["dp.st."], &[Run(Token, 40, 80)]),
    of("OpenShift token", &["sha256~"], &[Run(UrlSafe, 43, 43)]),
    of("1Password service account token", &["ops_eyJ"], &[Run(Base64, 250, 4096)]),
    of("1Password secret key", &["A3-"], &[Run(Upper, 6, 6), Text("-"), Run(Upper, 11, 11), Text("-"), Run(Upper, 5, 5),
        Text("-"), Run(Upper, 5, 5), Text("-"), Run(Upper, 5, 5)]),
    of("Scalingo token", &["tk-us-"], &[Run(UrlSafe, 48, 48)]),
    of("Tailscale key", &["tskey-auth-", "tskey-api-", "tskey-client-", "tskey-scim-", "tskey-webhook-"],
        &[Run(UrlSafe, 20, 128)]),
    of("Prefect API key", &["pnu_"], &[Run(Alnum, 36, 36)]),
    of("Harness API key", &["pat.", "sat."], &[Run(UrlSafe, 22, 22), Text("."), Run(Alnum, 24, 24), Text("."),
        Run(Alnum, 20, 20)]),

    of("Anthropic API key", &["sk-ant-"], &[Run(UrlSafe, 80, 160)]),
    of("OpenAI API key", &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"], &[Run(UrlSafe, 40, 256)]),
    of("API key in OpenAI's format", &["sk-"], &[Run(Alnum, 32, 64)]),
    of("OpenRouter API key", &["sk-or-v1-"], &[Run(Hex, 64, 64)]),
    of("Hugging Face token", &["hf_", "api_org_"], &[Run(Letter, 34, 34)]),
    of("Replicate API token", &["r8_"], &[Run(Alnum, 37, 40)]),
    of("Groq API key", &["gsk_"], &[Run(Alnum, 52, 52)]),
    of("Perplexity API key", &["pplx-"], &[Run(Alnum, 48, 48)]),
    of("xAI API key", &["xai-"], &[Run(Alnum, 80, 80)]),

    // https://www.twilio.com/docs/glossary/what-is-a-sid
    of("Twilio API key", &["SK"], &[Run(Hex, 32, 32)]),
    of("SendGrid API key", &["SG."], &[Run(UrlSafe, 22, 22), Text("."), Run(UrlSafe, 43, 43)]),
    of("Brevo API key", &["xkeysib-", "xsmtpsib-"], &[Run(Hex, 64, 64), Text("-"), Run(Alnum, 16, 16)]),
    of("Mailchimp API key", &[""], &[Run(Hex, 32, 32), Text("-us"), Run(Digit, 1, 2)]),

    of("New Relic key", &["NRAK-"], &[Run(Upper, 27, 27)]),
    of("New Relic key", &["NRAL-", "NRII-"], &[Run(UrlSafe, 27, 36)]),
    of("New Relic license key", &[""], &[Run(Hex, 36, 36), Text("NRAL")]),
    of("Grafana token", &["glc_"], &[Run(Base64, 32, 512)]),
    of("Grafana token", &["glsa_"], &[Run(Alnum, 32, 32), Text("_"), Run(Hex, 8, 8)]),
    of("Grafana token", &["eyJrIjoi"], &[Run(Base64, 70, 400)]),
    of("Sentry token", &["sntryu_"], &[Run(Hex, 64, 64)]),
    of("Sentry token", &["sntrys_eyJ"], &[Run(Token, 60, 512)]),
    of("Dynatrace token", &["dt0c01.", "dt0s01.", "dt0s02.", "dt0s16."],
        &[Run(Alnum, 8, 24), Text("."), Run(Alnum, 64, 64)]),
    of("Sonar token", &["sqp_", "squ_", "sqa_"], &[Run(Hex, 40, 40)]),
    of("Sourcegraph token", &["sgp_"], &[Run(Word, 40, 64)]),
    of("Octopus Deploy API key", &["API-"], &[Run(Upper, 25, 32)]),
    of("Buildkite token", &["bkua_"], &[Run(Hex, 40, 40)]),
    of("LaunchDarkly SDK key", &["sdk-"],
        &[Run(Hex, 8, 8), Text("-"), Run(Hex, 4, 4), Text("-"), Run(Hex, 4, 4), Text("-"), Run(Hex, 4, 4), Text("-"),
        Run(Hex, 12, 12)]),

    of("Linear API key", &["lin_api_", "lin_oauth_"], &[Run(Alnum, 40, 64)]),
    of("Notion token", &["ntn_"], &[Run(Alnum, 46, 46)]),
    of("Notion token", &["secret_"], &[Run(Alnum, 43, 43)]),
    of("Airtable token", &["pat"], &[Run(Alnum, 14, 14), Text("."), Run(Hex, 64, 64)]),
    of("Figma token", &["figd_"], &[Run(UrlSafe, 40, 64)]),
    of("Postman API key", &["PMAK-"], &[Run(Hex, 24, 24), Text("-"), Run(Hex, 34, 34)]),
    of("Contentful token", &["CFPAT-"], &[Run(UrlSafe, 43, 43)]),
    of("Typeform token", &["tfp_"], &[Run(Token, 40, 80)]),
    of("ReadMe API key", &["rdme_"], &[Run(Lower, 70, 70)]),
    of("Frame.io token", &["fio-u-"], &[Run(Token, 64, 64)]),
    of("Mapbox secret token", &["sk.eyJ"], &[Run(Token, 60, 256)]),
    of("Facebook access token", &["EAAM", "EAAC"], &[Run(Alnum, 100, 400)]),
    of("Adobe client secret", &["p8e-"], &[Run(UrlSafe, 32, 32)]),
    of("MaxMind license key", &[""], &[Run(Alnum, 6, 6), Text("_"), Run(Alnum, 29, 29), Text("_mmk")]),

    // https://www.rfc-editor.org/rfc/rfc7519#section-3.1: two JSON objects in Base64, and a signature.
    of("JSON Web Token", &["eyJ"], &[Run(UrlSafe, 10, 4096), Text(".eyJ"), Run(UrlSafe, 10, 4096), Text("."),
        Run(UrlSafe, 10, 4096)]),
];

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>
const ACCESS_KEY_ID: Format =
    Format { kind: SecretKind::AWS_ACCESS_KEY_ID, prefixes: &["AKIA", "ASIA"], rest: &[Run(Upper, 16, 16)] };

const fn of(kind: &'static str, prefixes: &'static [&'static str], rest: &'static [Part]) -> Format {
    Format { kind: SecretKind(kind), prefixes, rest }
}

/// The kind of the first format that something in the text has.
pub(super) fn kind_in(text: &str) -> Option<SecretKind> {
    FORMATS.iter().find(|format| format.all_in(text).next().is_some()).map(|format| format.kind)
}

/// Whether an AWS access key's id stands in the text, other than those of AWS's documentation: they end in `EXAMPLE`;
/// a real one ends so once in 32^7 keys.
pub(super) fn access_key_id(text: &str) -> Option<SecretKind> {
    ACCESS_KEY_ID.all_in(text).any(|id| !id.ends_with("EXAMPLE")).then_some(ACCESS_KEY_ID.kind)
}

impl Format {
    /// What in the text has the format, and is not part of a longer word.
    fn all_in<'a>(&self, text: &'a str) -> impl Iterator<Item = &'a str> {
        let starts = self.prefixes.iter().flat_map(move |prefix| text.match_indices(prefix));
        starts.filter_map(move |(start, prefix)| {
            let rest = &text[start + prefix.len()..];
            let length = if is_within_word(text, start) { None } else { self.rest_of(rest) };
            length.map(|length| &text[start..start + prefix.len() + length])
        })
    }

    /// How many bytes of the text are the format's rest, if it starts with it.
    fn rest_of(&self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut length = 0;
        let mut last = None;
        for part in self.rest {
            let rest = &bytes[length..];
            length += match part {
                Text(expected) => rest.starts_with(expected.as_bytes()).then_some(expected.len())?,
                Run(alphabet, least, most) => {
                    let run = rest.iter().take(*most).take_while(|byte| alphabet.has(**byte)).count();
                    (run >= *least).then_some(run)?
                }
            };
            last = Some(part);
        }
        let goes_on = |byte: &u8| match last {
            None => false,
            Some(Text(text)) => byte.is_ascii_alphanumeric() && !text.ends_with('-'),
            Some(Run(alphabet, ..)) => byte.is_ascii_alphanumeric() || alphabet.has(*byte),
        };
        let ends = !bytes.get(length).is_some_and(goes_on);
        // `xxxx` and the like are no keys.
        let varied = self.rest.is_empty() || random::entropy(&text[..length]) >= LEAST_ENTROPY;
        (ends && varied).then_some(length)
    }
}

/// In bits per character. What people write in the place of a key has less, and no key has.
const LEAST_ENTROPY: f64 = 2.0;

fn is_within_word(text: &str, start: usize) -> bool {
    let of_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text[..start].ends_with(of_word) && text[start..].starts_with(of_word)
}

impl Alphabet {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Digit => byte.is_ascii_digit(),
            Hex => byte.is_ascii_hexdigit(),
            Letter => byte.is_ascii_alphabetic(),
            Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Lower => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Alnum => byte.is_ascii_alphanumeric(),
            Word => byte.is_ascii_alphanumeric() || byte == b'_',
            UrlSafe => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='),
            Token => byte.is_ascii_alphanumeric() || b"_-.~=+/".contains(&byte),
        }
    }
}
