//! What crosses between the hub and a profile, and what never does.

pub mod claude_json;
