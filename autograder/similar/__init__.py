"""Which notebooks of a class are alike: a hint for people, which no grade depends on."""
