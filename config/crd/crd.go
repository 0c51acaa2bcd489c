// Package crd embeds the CustomResourceDefinitions, so that a program can validate a manifest as the API server would.
package crd

import "embed"

// Bases holds bases/*.yaml.
//
//go:embed bases/*.yaml
var Bases embed.FS
