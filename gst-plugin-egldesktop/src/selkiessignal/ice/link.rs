//! ICE servers as header fields (RFC 9725 §4.6), for clients that have no page to ask for them.

use super::server::{Configuration, Server};

impl Configuration {
    /// Values of `Link`, one for each address of a server. They hold passwords: not for logs, nor for strangers.
    pub(in super::super) fn links(&self) -> Vec<String> {
        self.servers.iter().filter_map(links).flatten().collect()
    }
}

/// `None` where a login can't be written in a header field.
fn links(server: &Server) -> Option<Vec<String>> {
    let login = match &server.login {
        Some((username, credential)) => format!(
            "; username={}; credential={}; credential-type=\"password\"",
            quoted(username)?,
            quoted(credential)?
        ),
        None => String::new(),
    };
    Some(server.urls.iter().map(|url| format!("<{url}>; rel=\"ice-server\"{login}")).collect())
}

/// `quoted-string` of RFC 9110 §5.6.4, of ASCII alone.
fn quoted(text: &str) -> Option<String> {
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    plain.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_as_header_fields() {
        let json = r#"{"iceServers":[{"urls":["stun:s:1"]},
            {"urls":["turn:t:2","turns:t:3"],"username":"1:u","credential":"a\"b\\c"},
            {"urls":["turn:x:4"],"username":"ü","credential":"a\nb"}]}"#;
        let links = Configuration::parse(json.as_bytes()).unwrap().links();
        let login = r#"username="1:u"; credential="a\"b\\c"; credential-type="password""#;
        let expected = [
            r#"<stun:s:1>; rel="ice-server""#.to_owned(),
            format!(r#"<turn:t:2?transport=udp>; rel="ice-server"; {login}"#),
            format!(r#"<turns:t:3?transport=tcp>; rel="ice-server"; {login}"#),
        ];
        assert_eq!(links, expected);
    }
}
