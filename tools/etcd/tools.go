//go:build tools

// Package tools holds the pinned version of etcd, which tools/lab.py builds.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
)
