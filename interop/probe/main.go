// Command probe runs upgrade101 probe against widely used servers, and writes the results
// to docs/probe.md:
//
//	go run ./probe
//
// It leaves out servers that are not installed, and says so on standard error;
// interop/install.sh installs all but Node. With names of servers as arguments, it probes
// only these and writes to standard output.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// This file starts, probes and ends the servers. All listen on 127.0.0.1.

// How long a server may take to begin to listen, and to end.
const (
	startTime = 5 * time.Second
	stopTime  = 3 * time.Second
)

const output = "../docs/probe.md"

// outcome is what upgrade101 probe --json prints.
type outcome struct {
	Error       string
	Connections int
	Results     []result
}

type result struct {
	ID, Title, Section, Level, Verdict, Reason string
	RFC                                        int
}

// probed is a server and the outcome of its probe.
type probed struct {
	server
	versionText string
	outcome
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("probe: ")
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(servers, func(s server) bool { return s.name == name }) {
			return fmt.Errorf("no server is named %q", name)
		}
	}
	all, err := probeAll(names, func(s server, err error) error {
		log.Printf("left out %s: %v", s.name, err)
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(all) == 0:
		return errors.New("no server could be probed")
	case len(names) > 0:
		_, err := os.Stdout.Write(page(all))
		return err
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	return os.WriteFile(output, page(all), 0o644)
}

// probeAll probes the servers with those names, or all if there are no names, one after the
// other. It calls missing for each that it cannot probe, and ends if missing returns an
// error.
func probeAll(names []string, missing func(server, error) error) ([]probed, error) {
	// World-readable, for servers that stop being root.
	dir, err := os.MkdirTemp("", "probe")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	tool := filepath.Join(dir, "upgrade101")
	build := exec.Command("go", "build", "-o", tool, ".")
	build.Dir = "../cmd/upgrade101"
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building upgrade101: %w\n%s", err, out)
	}
	backend, stop, err := start(server{
		name: "backend", command: []string{"{UPGRADE101}", "serve", "--raw", "--listen", "127.0.0.1:{PORT}"},
	}, dir, tool, "")
	if err != nil {
		return nil, err
	}
	defer stop()

	var all []probed
	for _, s := range servers {
		if len(names) > 0 && !slices.Contains(names, s.name) {
			continue
		}
		p, err := ask(s, dir, tool, backend)
		if err == nil {
			all = append(all, p)
		} else if err := missing(s, err); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ask starts a server, probes it and ends it.
func ask(s server, dir, tool, backend string) (probed, error) {
	address, stop, err := start(s, dir, tool, backend)
	if err != nil {
		return probed{}, err
	}
	defer stop()
	p := probed{server: s}
	if p.versionText, err = version(s, tool); err != nil {
		return probed{}, err
	}
	cmd := exec.Command(tool, "probe", "--json", "--product", s.product, "http://"+address+"/")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return probed{}, err
	}
	if err := json.Unmarshal(out, &p.outcome); err != nil {
		return probed{}, err
	}
	if p.Error != "" {
		return probed{}, errors.New(p.Error)
	}
	log.Printf("%s: %d connections", s.name, p.Connections)
	return p, nil
}

// start starts a server and waits until it listens. stop ends it.
func start(s server, dir, tool, backend string) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address = listener.Addr().String()
	if s.listen != nil {
		go s.listen(listener, backend)
		return address, func() { listener.Close() }, nil
	}
	listener.Close()

	_, port, _ := net.SplitHostPort(address)
	own, err := os.MkdirTemp(dir, "server")
	if err != nil {
		return "", nil, err
	}
	if err := os.Chmod(own, 0o755); err != nil {
		return "", nil, err
	}
	values := map[string]string{"PORT": port, "DIR": own, "BACKEND": backend, "UPGRADE101": tool}
	for name, content := range s.files {
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(filepath.Join(own, name), 0o755); err != nil {
				return "", nil, err
			}
			continue
		}
		if err := os.WriteFile(filepath.Join(own, name), []byte(fill(content, values)), 0o644); err != nil {
			return "", nil, err
		}
	}
	if s.document != "" {
		if err := buildShown(s.document, own, address); err != nil {
			return "", nil, err
		}
	}
	cmd, err := command(s, s.command, values)
	if err != nil {
		return "", nil, err
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	stop = func() {
		// The process leads a process group of its own.
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(stopTime):
		}
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	for end := time.Now().Add(startTime); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return address, stop, nil
		}
		select {
		case <-ended:
		default:
			if time.Now().Before(end) {
				continue
			}
		}
		stop()
		return "", nil, fmt.Errorf("it does not listen\n%s", said.String())
	}
}

// buildShown builds the first program in a document, changed to listen on address.
func buildShown(document, dir, address string) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	_, program, found := strings.Cut(string(text), "```go\npackage main\n")
	program, _, ended := strings.Cut(program, "```")
	const shown = `"127.0.0.1:8080"`
	if !found || !ended || strings.Count(program, shown) != 1 {
		return fmt.Errorf("%s shows no program that listens on %s", document, shown)
	}
	source := filepath.Join(dir, "program.go")
	program = "package main\n" + strings.Replace(program, shown, strconv.Quote(address), 1)
	if err := os.WriteFile(source, []byte(program), 0o644); err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "program"), source).CombinedOutput(); err != nil {
		return fmt.Errorf("building the program in %s: %w\n%s", document, err, out)
	}
	return nil
}

// command returns a command that gets only PATH from our environment.
func command(s server, words []string, values map[string]string) (*exec.Cmd, error) {
	var filled []string
	for _, w := range words {
		filled = append(filled, fill(w, values))
	}
	path, err := exec.LookPath(filled[0])
	if err != nil {
		// System servers are in a directory that not every PATH has.
		if path, err = exec.LookPath("/usr/sbin/" + filled[0]); err != nil {
			return nil, errors.New("it is not installed")
		}
	}
	cmd := exec.Command(path, filled[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + values["DIR"]}
	if s.modules {
		modules, err := filepath.Abs(".installed/node_modules")
		if err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, "NODE_PATH="+modules)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

var (
	numbers  = regexp.MustCompile(`\d+(\.\d+)+\S*`)
	packaged = regexp.MustCompile(`^\S+\s+(\S+)`)
)

// version returns the version of a server, as the page shows it.
func version(s server, tool string) (string, error) {
	switch {
	case s.document != "":
		return "this repository, " + strings.Replace(runtime.Version(), "go", "Go ", 1), nil
	case s.module == "go":
		return strings.Replace(runtime.Version(), "go", "Go ", 1), nil
	case s.module != "":
		info, _ := debug.ReadBuildInfo()
		for _, m := range info.Deps {
			if m.Path == s.module {
				return s.module + " " + m.Version, nil
			}
		}
		return "", fmt.Errorf("no module %s", s.module)
	}
	cmd, err := command(s, s.version, map[string]string{"UPGRADE101": tool})
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	switch s.version[0] {
	case "{UPGRADE101}":
		return "this repository", nil
	case "haproxy", "nginx", "apache2":
		return strings.Split(s.version[0], "2")[0] + " " + numbers.FindString(line), nil
	case "dpkg-query":
		return "CUPS " + packaged.FindStringSubmatch(line)[1], nil
	}
	return line, nil
}
