"""A cloud that nobody has, to show what a cloud is made of: docs/adding-a-cloud.md walks through it."""
