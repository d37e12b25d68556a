//go:build race

package proxyupgrade_test

const tunnels = 300
