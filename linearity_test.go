package upgrade_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosegue/upgrade"
)

// 64 times the input takes 64 times as long. In quadratic time it would take 4,096 times as
// long. The limit lies between the two, far enough from both for a busy machine.
func TestLinearTime(t *testing.T) {
	const small, large, limit = 8 << 10, 512 << 10, 512
	supported := []upgrade.Product[string]{upgrade.MustParseProduct("b"), upgrade.MustParseProduct("a/2")}
	for name, input := range map[string]func(n int) []string{
		"commas":             func(n int) []string { return []string{strings.Repeat(",", n)} },
		"spaces":             func(n int) []string { return []string{strings.Repeat(" ", n)} },
		"commas and tabs":    func(n int) []string { return []string{strings.Repeat(",\t", n/2) + "a"} },
		"blanks at the end":  func(n int) []string { return []string{"a" + strings.Repeat(" ", n)} },
		"blanks, then fault": func(n int) []string { return []string{"a" + strings.Repeat(" ", n) + "@"} },
		"one name":           func(n int) []string { return []string{strings.Repeat("a", n)} },
		"one version":        func(n int) []string { return []string{"a/" + strings.Repeat("1", n)} },
		"products":           func(n int) []string { return []string{strings.Repeat("a,", n/2)} },
		"versions":           func(n int) []string { return []string{strings.Repeat("a/1,", n/4)} },
		"slashes":            func(n int) []string { return []string{strings.Repeat("a/", n/2)} },
		"empty lines":        func(n int) []string { return make([]string, n) },
		"lines of commas":    func(n int) []string { return slices.Repeat([]string{",,,,,,,,"}, n/8) },
		"lines of products":  func(n int) []string { return slices.Repeat([]string{"a, b/1"}, n/8) },
	} {
		t.Run(name, func(t *testing.T) {
			do := func(lines []string) {
				list, _ := upgrade.ParseList(lines...)
				list.Select(supported...)
				upgrade.ParseSelect(lines, supported...)
				for range list.All() {
				}
				connection, _ := upgrade.ParseConnection(lines...)
				connection.Has("b")
			}
			// A machine that is busy all the time can disturb each run of one size.
			// Quadratic code fails every time.
			var ratio time.Duration
			for range 5 {
				if ratio = fastest(do, input(large)) / fastest(do, input(small)); ratio <= limit {
					return
				}
			}
			t.Errorf("%d octets take %d times as long as %d", large, ratio, small)
		})
	}
}

// fastest runs do several times and returns the shortest time.
func fastest(do func([]string), lines []string) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range 9 {
		start := time.Now()
		do(lines)
		best = min(best, time.Since(start))
	}
	return max(best, time.Nanosecond)
}
