//go:build tools

// Package tools holds the pinned version of Volcano's scheduler and controllers, which tools/lab.py builds.
package tools

import (
	_ "volcano.sh/volcano/cmd/scheduler"
	_ "volcano.sh/volcano/cmd/controller-manager"
	_ "volcano.sh/volcano/cmd/webhook-manager"
)
