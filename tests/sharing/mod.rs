//! What sharing promises, whatever carries it: nothing lost, nothing taken for removed, and no work without a reason.

mod afresh;
mod cost;
mod held;
mod holes;
mod inferred;
mod meeting;
mod model;
mod mounts;
mod returning;
mod space;
mod stuck;
mod systems;
mod temporary;
mod whole;
mod writers;
