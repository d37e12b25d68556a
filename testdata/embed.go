// Package testdata holds the test cases and the captured heads in this directory, for
// programs and tests that run elsewhere. README.md describes them.
//
// The go command leaves directories of this name out of ./..., but builds a package in one
// if another package imports it.
package testdata

import "embed"

// Files has the files of this directory: the corpus, and the heads under captures.
//
//go:embed *.json captures/*.req captures/*.resp
var Files embed.FS
