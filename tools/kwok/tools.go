//go:build tools

// Package tools holds the pinned version of KWOK, which tools/lab.py builds.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
