//go:build !go1.25

package proxyupgrade_test

const halfClosingBody = false
