//go:build go1.24 && !go1.27

package h2test

const sends = true
