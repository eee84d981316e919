//! A refresh beside clients that run, against the mock of the services: single-use tokens, and a login that everyone has.
