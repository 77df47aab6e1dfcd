//go:build tools

// Package tools holds the pinned version of the Kubeflow Trainer controller, which tools/lab.py builds.
package tools

import (
	_ "github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager"
)
