//! What clauth's own tables say of Claude Code, and a sign-in as it writes one.

use super::sandbox::Sandbox;

impl Sandbox {
    /// Signs in to a Console account in a directory of Anthropic profiles, as the client does it.
    pub(crate) fn sign_in_to_console(&self, directory: &str, email: &str) {
        let client = "41077d10-94b8-4194-be48-d251e9eb21b4";
        self.write(format!("{directory}/active_config"), "default");
        self.write(
            format!("{directory}/configs/default.json"),
            format!(r#"{{"version":"1.0","created_by":"claude-code","authentication":{{"type":"user_oauth","client_id":"{client}"}}}}"#),
        );
        self.write(
            format!("{directory}/credentials/default.json"),
            format!(
                r#"{{"version":"1.0","type":"oauth_token","access_token":"sk-ant-console-access","refresh_token":"sk-ant-console-refresh","expires_at":4000000000,"account_email":"{email}","organization_name":"Console Inc","created_by":"claude-code"}}"#
            ),
        );
    }
}

/// Returns the variables that are treated so: the beginning of what the table says.
pub(crate) fn variables_of_the_client(treatment: &str) -> impl Iterator<Item = &'static str> {
    let rows = include_str!("../../src/claude_code/variables.tsv").lines().skip(2).map(|row| row.split('\t').collect::<Vec<_>>());
    rows.filter(move |row| row[1].starts_with(treatment)).map(|row| row[0])
}
