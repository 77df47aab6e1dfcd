//go:build tools

// Package tools holds the pinned version of the JobSet controller, which tools/lab.py builds.
package tools

import (
	_ "sigs.k8s.io/jobset"
)
