"""`make demo`: the main job on this machine, from nothing to nothing."""
