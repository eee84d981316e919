//! How accounts arrive in profiles.

mod add;
mod real_client;
