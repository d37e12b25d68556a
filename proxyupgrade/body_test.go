//go:build go1.25

package proxyupgrade_test

// halfClosingBody says that the Body of a 101 has a CloseWrite method.
const halfClosingBody = true
