"""The add-ons: a row of addons.toml each, or a module where there is something to decide."""
