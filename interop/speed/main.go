// Command speed measures this module against widely used parsers and against what the
// machine allows, as ratios.
//
//	speed run [PART]      one run: every row, or those with PART in their name, as JSON
//	speed report FILE...  the table, from the runs of several builds
//	speed summary FILE... the same as JSON, for ../plot
//	speed lengths         times by the length of the field, as JSON for ../plot
//
// The place where the linker puts a loop can change its time by a third and more. One build
// proves nothing, so the script ../speed.sh makes several with different layouts.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// row compares two operations on the same input.
type row struct {
	name   string
	ours   func()
	other  func()
	target float64 // ours may take at most this many times as long as other
}

// result is the result of one row in one run.
type result struct {
	Row         string
	Ratio       float64 // median over the rounds of time of ours / time of other
	NS          float64 // median time of ours
	Allocs      float64 // of ours, per operation
	OtherAllocs float64 // of the other
}

func main() {
	log.SetFlags(0)
	switch {
	case (len(os.Args) == 2 || len(os.Args) == 3) && os.Args[1] == "run":
		var results []result
		for _, r := range rows() {
			if len(os.Args) == 2 || strings.Contains(r.name, os.Args[2]) {
				results = append(results, r.measure())
			}
		}
		encode(results)
		runtime.KeepAlive(sinkInt)
		runtime.KeepAlive(sinkBool)
	case len(os.Args) > 2 && os.Args[1] == "report":
		if !report(os.Args[2:]) {
			os.Exit(1)
		}
	case len(os.Args) > 2 && os.Args[1] == "summary":
		encode(summary{about(len(os.Args[2:])), summarise(os.Args[2:])})
	case len(os.Args) == 2 && os.Args[1] == "lengths":
		encode(measureLengths())
	default:
		log.Fatal("usage: speed run [PART] | speed report FILE... | speed summary FILE... | speed lengths")
	}
}

const (
	rounds     = 61
	sampleTime = 200 * time.Microsecond
)

// measure runs the two operations in turn, in random order. If the machine is slow for a
// while, both are.
func (r row) measure() result {
	n := [2]int{calibrate(r.ours), calibrate(r.other)}
	op := [2]func(){r.ours, r.other}
	var ratios, times []float64
	for range rounds {
		var ns [2]float64
		first := rand.IntN(2)
		for _, i := range [2]int{first, 1 - first} {
			ns[i] = sample(op[i], n[i])
		}
		ratios = append(ratios, ns[0]/ns[1])
		times = append(times, ns[0])
	}
	return result{r.name, median(ratios), median(times), testing.AllocsPerRun(1000, r.ours), testing.AllocsPerRun(1000, r.other)}
}

// calibrate returns how many times op runs in a sample.
func calibrate(op func()) int {
	for n := 1; ; n *= 2 {
		if elapsed := sample(op, n) * float64(n); elapsed >= float64(sampleTime)/2 {
			return n
		}
	}
}

// sample runs op n times in a row and returns the mean time of one in nanoseconds.
func sample(op func(), n int) float64 {
	began := time.Now()
	for range n {
		op()
	}
	return float64(time.Since(began)) / float64(n)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// figures are the results of one row in all runs.
type figures struct {
	Row              string
	Ratio, Low, High float64 // the median over the runs, the least and the greatest
	NS               float64
	Allocs           float64
	otherAllocs      float64
	target           float64
}

// summary is what ../plot draws.
type summary struct {
	About string
	Rows  []figures
}

func about(layouts int) string {
	return fmt.Sprintf("%s %s/%s, %d layouts, medians of ratios, %s",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, layouts, time.Now().Format(time.DateOnly))
}

// summarise returns the figures of each row of the runs, in the order of rows.
func summarise(files []string) []figures {
	runs := map[string][]result{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}
		var results []result
		if err := json.Unmarshal(data, &results); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		for _, r := range results {
			runs[r.Row] = append(runs[r.Row], r)
		}
	}
	var all []figures
	for _, row := range rows() {
		var ratios, ns []float64
		f := figures{Row: row.name, target: row.target}
		for _, r := range runs[row.name] {
			ratios = append(ratios, r.Ratio)
			ns = append(ns, r.NS)
			f.Allocs, f.otherAllocs = max(f.Allocs, r.Allocs), max(f.otherAllocs, r.OtherAllocs)
		}
		if len(ratios) == 0 {
			continue // not part of these runs
		}
		f.Ratio, f.NS = median(ratios), median(ns)
		f.Low, f.High = ratios[0], ratios[len(ratios)-1]
		all = append(all, f)
	}
	return all
}

// report prints the figures of every row. It reports whether every row is at or below its
// target and allocates no more than it may.
func report(files []string) bool {
	fmt.Printf("%s\n\n", about(len(files)))
	fmt.Println("| row: ours / other | ratio | spread over layouts | at most | ns | allocs |")
	fmt.Println("|---|---|---|---|---|---|")
	met := true
	for _, f := range summarise(files) {
		mark := ""
		if f.Ratio > f.target || f.Allocs > mayAllocate[f.Row] {
			mark, met = " (missed)", false
		}
		fmt.Printf("| %s | %.2f%s | %.2f to %.2f | %.2f | %.1f | %g / %g |\n", f.Row, f.Ratio, mark, f.Low, f.High, f.target, f.NS, f.Allocs, f.otherAllocs)
	}
	return met
}

func encode(v any) {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(v); err != nil {
		log.Fatal(err)
	}
}
