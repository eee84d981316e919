//! The client's conversation with the program that started it, by lines of JSON on its standard streams: what editors and the Agent SDK use.

use std::ffi::OsString;

use serde_json::{Value, json};

/// Whether the client is asked for such a conversation.
pub fn is_asked_for(arguments: &[OsString]) -> bool {
    let spelled = |pair: &[OsString]| pair[0] == FORMAT[0] && pair[1] == FORMAT[1];
    arguments.windows(2).any(spelled) || arguments.iter().any(|one| one.to_str() == Some(&FORMAT.join("=")))
}

const FORMAT: [&str; 2] = ["--input-format", "stream-json"];

/// No session was begun.
const NONE: &str = "00000000-0000-0000-0000-000000000000";

/// Returns the lines that end a conversation with a reason, to what its first line said.
///
/// Seen with Agent SDK 0.3.332 and ACP adapter 0.49.0: the panel shows a result that is an error, older ones no standard error; the adapter shows the answer
/// to its request, and crashes (EPIPE) where the client ends before it has read that.
pub fn refusal(first: &[u8], reason: &str) -> String {
    let asked: Value = serde_json::from_slice(first).unwrap_or_default();
    let answer = (asked["type"] == "control_request").then(|| {
        json!({"type": "control_response", "response": {"subtype": "error", "request_id": asked["request_id"], "error": reason}}).to_string() + "\n"
    });
    let result = json!({
        "type": "result", "subtype": "success", "is_error": true, "result": reason, "session_id": NONE, "uuid": NONE,
        "duration_ms": 0, "duration_api_ms": 0, "num_turns": 0, "total_cost_usd": 0, "usage": {}, "modelUsage": {}, "permission_denials": [],
    });
    format!("{}{result}\n", answer.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_json_on_the_standard_input_are_such_a_conversation() {
        let asked = |arguments: &[&str]| is_asked_for(&arguments.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(asked(&["--verbose", "--input-format", "stream-json"]) && asked(&["--input-format=stream-json"]));
        for other in [&["--output-format", "stream-json"][..], &["--input-format"], &["--input-format", "text"], &["auth", "status"], &[]] {
            assert!(!asked(other), "{other:?}");
        }
    }

    #[test]
    fn a_request_gets_an_answer_and_anything_else_a_result() {
        let lines =
            |first: &str| -> Vec<Value> { refusal(first.as_bytes(), "no \"x\"").lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
        let answered = lines(r#"{"type":"control_request","request_id":"7","request":{}}"#);
        assert_eq!(answered[0]["response"], json!({"subtype": "error", "request_id": "7", "error": "no \"x\""}));
        assert_eq!((answered.len(), &answered[1]["result"]), (2, &json!("no \"x\"")));
        for other in ["", "not JSON", r#"{"type":"user"}"#] {
            assert_eq!(lines(other).len(), 1, "{other}");
        }
    }
}
