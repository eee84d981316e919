//! The measure that the cost of a merge is held against: parses a JSON file so many times, by the library and with the options of clauth itself.

use std::error::Error;
use std::fs;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (file, times) = (words.next().ok_or("which file?")?, words.next().ok_or("how often?")?);
    let text = fs::read(file)?;
    for _ in 0..times.parse()? {
        let value: serde_json::Value = serde_json::from_slice(&text)?;
        std::hint::black_box(&value);
    }
    Ok(())
}
