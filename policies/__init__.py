"""Rules that every stack keeps, whatever it builds: one file each with a pure check, its reason and its remedy."""
