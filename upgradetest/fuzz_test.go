package upgradetest

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/httpupgrade"
	"github.com/gosegue/upgrade/websocket"
)

// stacks are ways to read a request. Each broken one has the fault that its name says.
var stacks = map[string]func(octets []byte) bool{
	"strict": func(octets []byte) bool {
		return strictlyForbids(octets, upgrade.MustParseProduct("websocket")) == nil
	},
	"nothing": func([]byte) bool { return false },
	"net/http": func(octets []byte) bool {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(octets)))
		if err != nil {
			return false
		}
		for name := range r.Header { // as the server does
			if (handshake.Field{Name: name}).Check() != nil {
				return false
			}
		}
		return rightRequest(r)
	},
	"ReadRequest alone": reading(rightRequest),
	"no framing": func(octets []byte) bool {
		head, _, _ := bytes.Cut(octets, []byte("\r\n\r\n"))
		lines := strings.Split(string(head), "\r\n")
		lines = slices.DeleteFunc(lines, func(line string) bool { return named(line, "Content-Length") || named(line, "Transfer-Encoding") })
		return strictlyForbids([]byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), upgrade.MustParseProduct("websocket")) == nil
	},
	"no handshake": reading(func(r *http.Request) bool {
		list, err := httpupgrade.Offer(r)
		return err == nil && list.Offers(upgrade.MustParseProduct("websocket"))
	}),
	"version as a number": reading(func(r *http.Request) bool {
		version, err := strconv.Atoi(r.Header.Get("Sec-WebSocket-Version"))
		list, _ := httpupgrade.Offer(r)
		return err == nil && version == 13 && list.Offers(upgrade.MustParseProduct("websocket")) &&
			websocket.Check(r.Method, []string{"13"}, r.Header.Values("Sec-WebSocket-Key")) == nil
	}),
	"substring": reading(func(r *http.Request) bool {
		return strings.Contains(strings.ToLower(strings.Join(r.Header["Upgrade"], ",")), "websocket") && len(r.Header["Connection"]) > 0
	}),
	"Unicode": reading(func(r *http.Request) bool {
		return strings.EqualFold(strings.TrimSpace(r.Header.Get("Upgrade")), "websocket") && strings.EqualFold(r.Header.Get("Connection"), "upgrade")
	}),
	"no option": reading(func(r *http.Request) bool {
		return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	}),
	"HTTP/1.0": func(octets []byte) bool {
		return strictlyForbids(bytes.Replace(octets, []byte("HTTP/1.0\r\n"), []byte("HTTP/1.1\r\n"), 1), upgrade.MustParseProduct("websocket")) == nil
	},
	"neighbour": reading(func(r *http.Request) bool {
		list := strings.Split(strings.Join(r.Header["Upgrade"], ","), ",")
		for _, p := range list {
			if strings.Trim(p, " \t") == "websocket" {
				return strings.EqualFold(r.Header.Get("Connection"), "upgrade")
			}
		}
		return false
	}),
	"unended": func(octets []byte) bool {
		return strictlyForbids(append(bytes.Clone(octets), "\r\n"...), upgrade.MustParseProduct("websocket")) == nil
	},
}

func reading(switches func(*http.Request) bool) func([]byte) bool {
	return func(octets []byte) bool {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(octets)))
		return err == nil && switches(r)
	}
}

func rightRequest(r *http.Request) bool {
	list, err := httpupgrade.Offer(r)
	return err == nil && list.Offers(upgrade.MustParseProduct("websocket")) && websocket.Check(r.Method, r.Header.Values("Sec-WebSocket-Version"), r.Header.Values("Sec-WebSocket-Key")) == nil
}

// FuzzStack fuzzes one of the stacks: the strict one, or the one that TestFuzzOffer asks
// for.
func FuzzStack(f *testing.F) {
	name := os.Getenv("UPGRADETEST_STACK")
	if name == "" {
		name = "strict"
	}
	FuzzOffer(f, upgrade.MustParseProduct("websocket"), stacks[name])
}

// The seeds alone find the fault of every broken stack, and no fault in the others.
func TestFuzzOffer(t *testing.T) {
	for name := range stacks {
		t.Run(strings.ReplaceAll(name, "/", " "), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^FuzzStack$", "-test.v")
			cmd.Env = append(os.Environ(), "UPGRADETEST_STACK="+name)
			out, err := cmd.CombinedOutput()
			right := name == "strict" || name == "nothing" || name == "net/http"
			if (err == nil) != right || strings.Contains(string(out), "and must not") == right {
				t.Errorf("%v\n%.2000s", err, out)
			}
			if declines := strings.Contains(string(out), "declines a valid offer"); name == "nothing" && !declines {
				t.Error("a declined offer is not logged")
			}
		})
	}
}

// A server may do what an RFC leaves to it.
func TestLenient(t *testing.T) {
	const (
		line   = "GET / HTTP/1.1\r\n"
		fields = "Host: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"
		end    = "\r\n"
	)
	product := upgrade.MustParseProduct("echo")
	for octets, want := range map[string]bool{
		line + fields + end:                                                true,
		strings.ReplaceAll(line+fields+end, "\r", ""):                      true,
		"\r\n" + line + fields + end:                                       true,
		"GET  /\t HTTP/1.1 \r\n" + fields + end:                            true,
		"GET /{<\x80 HTTP/1.1\r\n" + fields + end:                          true,
		line + "X: a\x01\r\n" + fields + end:                               true,
		line + "X: a\r\n b\r\n" + fields + end:                             true,
		line + fields + "Expect: x\r\n" + end:                              true,
		line + fields + "Content-Length: 0, 0\r\n" + end:                   true,
		line + fields + "Content-Length: 0\r\nContent-Length: 0\r\n" + end: true,

		line + fields + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + end: true,
		line + fields + "Transfer-Encoding: chunked\r\nContent-Length: x\r\n" + end: true,

		line + fields + "Host: a b\r\n" + end: true,

		line + fields:                     false,
		"":                                false,
		"GET HTTP/1.1\r\n" + fields + end: false,
		line + fields + "X : y\r\n" + end: false,
		line + fields + "Content-Length: 0, 1\r\n" + end:                          false,
		line + fields + "Content-Length: 0\r\nContent-Length: 1\r\n" + end:        false,
		line + fields + "Transfer-Encoding: x\r\n" + end:                          false,
		line + fields + "Content-Length: 5\r\nTransfer-Encoding: x\r\n" + end:     false,
		line + "Host: x\r\nConnection: Upgrade\r\nX: y\rUpgrade: echo\r\n\r\n":    false,
		line + "Host: x\r\nConnection: Upgrade\r\nUpgrade: echo\x00x\r\n\r\n":     false,
		line + "Host: x\r\nConnection: Upgrade\r\nUpgrade: \x01echo\r\n\r\n":      false,
		line + "Host: x\r\nConnection: Upgrade\r\nUpgrade: echo,\r\n a b\r\n\r\n": false,
		line + " Upgrade: echo\r\nHost: x\r\nConnection: Upgrade\r\n\r\n":         false,
		"GET / HTTP/1.0\r\n" + fields + end:                                       false,
	} {
		if err := forbids([]byte(octets), product); (err == nil) != want {
			t.Errorf("%q: %v", octets, err)
		}
	}
}

// The reason is that of the fault, not that of a leniency.
func TestForbidden(t *testing.T) {
	product := upgrade.MustParseProduct("echo")
	for octets, want := range map[string]string{
		"GET / HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: echo\n0 : y\n\n":                       "head: want field name and colon",
		"GET / HTTP/1.1\nHost: x\nConnection: close\nUpgrade: echo\n\n":                                handshake.ErrNoOption.Error(),
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n0 : y\r\n\r\n":           "head: offset 62: want field name and colon",
		"GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\nConnection: Upgrade\r\nUpgrade: echo, a b\r\n\r\n": "want comma",
		"GET / HTTP/1.1\r\nHost: x\r\n":                                                                errUnended.Error(),
	} {
		if err := forbids([]byte(octets), product); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", octets, err, want)
		}
	}
}

// For any product there are seeds that the rules allow, and seeds that they forbid.
func TestSeeds(t *testing.T) {
	for _, text := range []string{"websocket", "h2c", "echo/1", "TLS/1.2"} {
		product := upgrade.MustParseProduct(text)
		allowed, all := 0, 0
		for _, seed := range seeds(product) {
			all++
			if forbids([]byte(seed), product) == nil {
				allowed++
			}
		}
		t.Logf("%s: %d seeds, %d allowed", text, all, allowed)
		if allowed < 20 || all-allowed < 100 {
			t.Errorf("%s: %d seeds, %d allowed", text, all, allowed)
		}
	}
	var r head.Request
	for _, c := range captured() {
		if n, err := r.Parse([]byte(c.head), head.Limits{}); n != len(c.head) || err != nil {
			t.Errorf("%s: %d, %v", c.name, n, err)
		}
	}
}
