package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// lengths are times by the length of a field, for ../plot.
type lengths struct {
	About  string
	Points []point
}

type point struct {
	Series string
	Octets int
	NS     float64 // the least of several samples: other load can only add
}

func measureLengths() lengths {
	l := lengths{About: fmt.Sprintf("%s %s/%s, one layout, least of %d samples, %s",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, rounds, time.Now().Format(time.DateOnly))}
	for _, series := range []struct {
		name  string
		field func(size int) string
		op    func(line []byte)
	}{
		{"ParseList, a list", list, parseBytes},
		{"ParseList, commas and blanks", func(size int) string { return strings.Repeat(", \t", size/3) + "x" }, parseBytes},
		{"ParseList, one token", func(size int) string { return strings.Repeat("a", size) }, parseBytes},
		{"ParseList and All, a list", list, iterateBytes},
		{"httphead.Scanner, a list", list, scanHead},
	} {
		for size := 16; size <= 64<<10; size *= 4 {
			line := []byte(series.field(size))
			op := func() { series.op(line) }
			n := calibrate(op)
			var times []float64
			for range rounds {
				times = append(times, sample(op, n))
			}
			l.Points = append(l.Points, point{series.name, len(line), slices.Min(times)})
		}
	}
	return l
}
