//! What a rule asks of each tunnel of a Site-to-Site VPN connection.

use audit_model::Unreadable;
use audit_model::resource::VpnConnection;

use crate::listing::first_of;
use crate::rule::Outcome;

/// AWS gives every Site-to-Site VPN connection [two tunnels][page].
///
/// [page]: https://docs.aws.amazon.com/vpn/latest/s2svpn/VPNTunnels.html
const TUNNELS: usize = 2;

/// Judges a connection that is in use by its tunnels: `flaw` says what is wrong with one, `fine` what is right with both.
/// Both count: traffic takes either.
pub(crate) fn each<T>(
    connection: &VpnConnection,
    tunnels: &[T],
    flaw: impl Fn(&T) -> Option<String>,
    fine: &'static str,
) -> Result<Outcome, Unreadable> {
    if !connection.state.eq_ignore_ascii_case("available") {
        return Ok(Outcome::not_applicable(format!("the connection is {}", connection.state)));
    }
    if tunnels.len() < TUNNELS {
        let detail = format!("{} of the connection's {TUNNELS} tunnels were listed", tunnels.len());
        return Err(Unreadable::malformed("ec2:DescribeVpnConnections", detail));
    }
    let flaws: Vec<String> = tunnels.iter().filter_map(flaw).collect();
    Ok(if flaws.is_empty() { Outcome::compliant(fine) } else { Outcome::non_compliant(first_of(&flaws)) })
}

#[cfg(test)]
mod tests {
    use audit_model::UnreadableCause;

    use super::*;
    use crate::fixtures;

    fn judge(state: &str, tunnels: &[&str]) -> Result<Outcome, Unreadable> {
        let connection = VpnConnection { state: state.to_owned(), ..fixtures::vpn_connection("UP", &[], true) };
        each(&connection, tunnels, |tunnel| (*tunnel != "good").then(|| format!("one is {tunnel}")), "both are good")
    }

    #[test]
    fn one_bad_tunnel_is_enough() {
        assert_eq!(judge("available", &["good", "good"]), Ok(Outcome::compliant("both are good")));
        assert_eq!(judge("available", &["good", "bad"]), Ok(Outcome::non_compliant("one is bad")));
        assert_eq!(judge("available", &["bad", "worse"]), Ok(Outcome::non_compliant("one is bad, one is worse")));
    }

    #[test]
    fn a_connection_without_both_tunnels_is_no_answer() {
        for tunnels in [&[][..], &["good"], &["bad"]] {
            assert_eq!(judge("available", tunnels).unwrap_err().cause, UnreadableCause::Malformed);
        }
    }

    #[test]
    fn a_connection_that_is_not_in_use_has_no_verdict() {
        for state in ["pending", "deleting", "deleted"] {
            let expected = Outcome::not_applicable(format!("the connection is {state}"));
            assert_eq!(judge(state, &[]), Ok(expected));
        }
    }
}
