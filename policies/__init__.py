"""What a stack must keep to whatever it builds: each rule one file with a pure check, its reason and its remedy."""
