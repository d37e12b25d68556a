package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// If the environment variable measured names a tool, this program stands between the tool
// and the go command, to measure each process of the tool. The variable usageFile names the
// file for the results.
const (
	measured  = "VET_MEASURED"
	usageFile = "VET_USAGE"
)

type process struct {
	Time time.Duration
	Peak int64
}

// measure runs the tool with the arguments of this process, and returns its status.
func measure() int {
	if len(os.Args) == 2 && os.Args[1] == "-V=full" {
		// The go command caches the findings of a tool by its name and version. This
		// version is new, so every package is analysed.
		fmt.Printf("%s version 1 %s\n", filepath.Base(os.Args[0]), os.Getenv(usageFile))
		return 0
	}
	c := exec.Command(os.Getenv(measured), os.Args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	began := time.Now()
	err := c.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		log.Print(err)
		return 2
	}
	if last := os.Args[len(os.Args)-1]; strings.HasSuffix(last, ".cfg") {
		used := process{Time: time.Since(began)}
		if r, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
			used.Peak = r.Maxrss << 10 // Linux counts KiB
		}
		if f, err := os.OpenFile(os.Getenv(usageFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666); err == nil {
			json.NewEncoder(f).Encode(used)
			f.Close()
		}
	}
	return c.ProcessState.ExitCode()
}

// measured runs the tool on the module, with this program in between.
func (b bench) measured(dir, tool string) ([]finding, usage, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, usage{}, err
	}
	log := filepath.Join(b.work, fmt.Sprintf("usage-%d", time.Now().UnixNano()))
	began := time.Now()
	findings, err := b.findings(dir, self, measured+"="+tool, usageFile+"="+log)
	if err != nil {
		return nil, usage{}, err
	}
	u := usage{wall: time.Since(began)}
	f, err := os.Open(log)
	if err != nil {
		return nil, u, err
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var p process
		if err := d.Decode(&p); err == io.EOF {
			return findings, u, nil
		} else if err != nil {
			return findings, u, err
		}
		u.runs++
		u.time += p.Time
		u.peak = max(u.peak, p.Peak)
	}
}
