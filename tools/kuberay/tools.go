//go:build tools

// Package tools holds the pinned version of the KubeRay operator, which tools/lab.py builds.
package tools

import (
	_ "github.com/ray-project/kuberay/ray-operator"
)
