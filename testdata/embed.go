// Package testdata holds the test cases and the captured heads in this directory, for
// programs and tests that run elsewhere. README.md describes them.
//
// The go command leaves directories of this name out of ./..., and builds a package in
// one where it is imported.
package testdata

import "embed"

// Files has the files of this directory: the corpus, and under captures the heads.
//
//go:embed *.json captures/*.req captures/*.resp
var Files embed.FS
