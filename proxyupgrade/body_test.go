//go:build go1.25

package proxyupgrade_test

// halfClosingBody says whether the Body of a 101 has a CloseWrite method.
const halfClosingBody = true
