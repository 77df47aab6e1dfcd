//go:build tools

// Package tools holds the pinned version of helm, which tools/lab.py builds.
package tools

import (
	_ "helm.sh/helm/v4/cmd/helm"
)
