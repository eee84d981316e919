//! What others can try: a hostile project, another user, a parent process, a crash. What belongs to one command or to the hook is tried there.

mod memory;
mod places;
mod projects;
