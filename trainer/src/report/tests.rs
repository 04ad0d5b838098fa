//! What every report must have: text that stays text, tags that close, pictures that survive any numbers.
