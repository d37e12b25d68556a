//go:build race

package netupgrade_test

const raceEnabled = true
