//go:build tools

// Package tools holds the pinned version of the pulumi command, which tools/engine.py builds where it cannot be downloaded.
package tools

import (
	_ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
)
