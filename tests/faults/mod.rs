//! Every system call fails once, or is the last: afterwards the next command works, and the account is right or refused.

mod export;
mod helper;
mod limits;
mod refresh;
mod remove;
