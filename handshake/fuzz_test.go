package handshake_test

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/internal/corpus"
)

// lineSep separates the lines of a field in a fuzz input. No well-formed line contains it.
// An empty input stands for no lines.
const lineSep = "\n"

func lines(input string) []string {
	if input == "" {
		return nil
	}
	return strings.Split(input, lineSep)
}

func join(l corpus.Lines) string { return strings.Join(l.Strings(), lineSep) }

// some reads products separated by blanks. "0" is the zero Product. Text that is not a
// product is left out.
func some(input string) []upgrade.Product[string] {
	var all []upgrade.Product[string]
	for _, text := range strings.Fields(input) {
		if p, err := upgrade.ParseProduct(text); err == nil || text == "0" {
			if text == "0" {
				p = upgrade.Product[string]{}
			}
			all = append(all, p)
		}
	}
	return all
}

// FuzzSelect: Offer and Select return what the oracle returns. Select returns what Offer
// and List.Select return, in any order of the supported products.
func FuzzSelect(f *testing.F) {
	for _, c := range corpus.Read[corpus.Request](f, testdata, "request.json") {
		major, minor := corpus.Version(f, c.Version)
		f.Add(major, minor, join(c.Connection), join(c.Upgrade), strings.Join(c.Supported.Strings(), " "))
	}
	f.Add(1, 1, "Upgrade", "b, A\na", "0 a b 0 A")
	f.Fuzz(func(t *testing.T, major, minor int, connection, offered, supported string) {
		ours := some(supported)
		checkOffer(t, major, minor, lines(connection), lines(offered), ours)
		slices.Reverse(ours)
		checkOffer(t, major, minor, lines(connection), lines(offered), ours)
		list, err := handshake.Offer(major, minor, lines(connection), lines(offered))
		if err != nil {
			return
		}
		// The server supports what the client offered, in the client's spelling.
		var theirs []upgrade.Product[string]
		for p := range list.All() {
			theirs = append(theirs, upgrade.MustParseProduct(p.String()))
		}
		checkOffer(t, major, minor, lines(connection), lines(offered), theirs)
		checkOffer(t, major, minor, lines(connection), lines(offered), append(ours, theirs...))
	})
}

// FuzzSwitched: Switched returns what the oracle returns.
func FuzzSwitched(f *testing.F) {
	for _, c := range corpus.Read[corpus.Response](f, testdata, "response.json") {
		if c.Build == 0 {
			major, minor := corpus.Version(f, c.Version)
			f.Add(c.Status, major, minor, join(c.Connection), join(c.Upgrade), strings.Join(c.Offered.Strings(), " "))
		}
	}
	f.Fuzz(func(t *testing.T, status, major, minor int, connection, chosen, offered string) {
		checkSwitched(t, status, major, minor, lines(connection), lines(chosen), some(offered))
		checkSwitched(t, 101, 1, 1, []string{"upgrade"}, lines(chosen), some(offered))
	})
}

func addBuilds(f *testing.F, status int) {
	for _, c := range corpus.Read[corpus.Response](f, testdata, "response.json") {
		if c.Build == status {
			var to []string
			for _, text := range c.To.Strings() {
				if text == "" {
					text = "0"
				}
				to = append(to, text)
			}
			fields := make([]string, 4)
			for i, field := range c.Fields {
				if i < 2 {
					fields[2*i], fields[2*i+1] = string(field[0]), string(field[1])
				}
			}
			f.Add(strings.Join(to, " "), fields[0], fields[1], fields[2], fields[3])
		}
	}
}

// FuzzSwitchingProtocols: the head law. A call either returns an error and no head, or
// net/http reads the head back with our fields and no others.
func FuzzSwitchingProtocols(f *testing.F) {
	addBuilds(f, 101)
	f.Fuzz(func(t *testing.T, to, name1, value1, name2, value2 string) {
		response := headLaw(t, handshake.AppendSwitchingProtocols, to, Field{name1, value1}, Field{name2, value2})
		var w countingWriter
		err := handshake.WriteSwitchingProtocols(&w, some(to), Field{name1, value1}, Field{name2, value2})
		if response == nil {
			if err == nil || w.calls != 0 {
				t.Errorf("error %v after %d writes", err, w.calls)
			}
			return
		}
		if err != nil || w.calls != 1 {
			t.Errorf("error %v after %d writes", err, w.calls)
		}
		if response.StatusCode != 101 || response.Status != "101 Switching Protocols" {
			t.Errorf("status %q", response.Status)
		}
		for _, never := range []string{"Content-Length", "Transfer-Encoding", "Trailer"} {
			if len(response.Header.Values(never)) > 0 || len(response.TransferEncoding) > 0 {
				t.Errorf("a 101 with %s", never)
			}
		}
		diff(t, "Connection", []string{"Upgrade"}, response.Header.Values("Connection"))
		diff(t, "Upgrade", []string{string(upgrade.AppendList(nil, some(to)...))}, response.Header.Values("Upgrade"))
	})
}

// FuzzUpgradeRequired: the head law, and each product once.
func FuzzUpgradeRequired(f *testing.F) {
	addBuilds(f, 426)
	f.Add("00 00 a/1 A/1 a/b a/B", "", "", "", "")
	f.Fuzz(func(t *testing.T, to, name1, value1, name2, value2 string) {
		response := headLaw(t, handshake.AppendUpgradeRequired, to, Field{name1, value1}, Field{name2, value2})
		if response == nil {
			return
		}
		if response.StatusCode != 426 || response.Status != "426 Upgrade Required" {
			t.Errorf("status %q", response.Status)
		}
		if len(response.TransferEncoding) > 0 || response.Trailer != nil || response.ContentLength < 0 {
			t.Errorf("coding %q, length %d", response.TransferEncoding, response.ContentLength)
		}
		want := []string{"Upgrade"}
		if response.Close {
			want = nil // net/http read "Upgrade, close" and removed the field
		}
		diff(t, "Connection", want, response.Header["Connection"])
		diff(t, "Upgrade", []string{string(upgrade.AppendList(nil, once(some(to))...))}, response.Header.Values("Upgrade"))
	})
}

// once leaves out each product that repeats an earlier one. It compares texts, and does
// not ask Matches.
func once(products []upgrade.Product[string]) []upgrade.Product[string] {
	seen := map[string]bool{}
	var all []upgrade.Product[string]
	for _, p := range products {
		name, version, _ := strings.Cut(p.String(), "/")
		if key := strings.ToLower(name) + "/" + version; !seen[key] {
			seen[key] = true
			all = append(all, p)
		}
	}
	return all
}

type builder func([]byte, []upgrade.Product[string], ...Field) ([]byte, error)

// headLaw returns the response as net/http reads it, or nil if build returns an error.
// The caller compares Upgrade and Connection.
func headLaw(t *testing.T, build builder, to string, fields ...Field) *http.Response {
	t.Helper()
	const before = "\x00before"
	products := some(to)
	head, err := build([]byte(before), products, fields...)
	name, index := responseFault(t, err)
	if got := string(head); !strings.HasPrefix(got, before) || err != nil && got != before {
		t.Fatalf("dst is %q with error %v", got, err)
	}
	if err != nil {
		noProduct := len(products) == 0 || slices.ContainsFunc(products, upgrade.Product[string].IsZero)
		if noProduct != (name == "ErrNoProduct") || noProduct != (index < 0) || index >= len(fields) {
			t.Errorf("%v for the products %q", err, to)
		}
		return nil
	}
	text := string(head[len(before):])
	in := bufio.NewReader(strings.NewReader(text + "rest"))
	response, err := http.ReadResponse(in, &http.Request{Method: "HEAD"})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if rest, _ := io.ReadAll(in); string(rest) != "rest" {
		t.Errorf("%q: %q follows", text, rest)
	}
	if response.Proto != "HTTP/1.1" {
		t.Errorf("protocol %q", response.Proto)
	}

	// Our fields and no others: the lines, as the caller spelled them.
	want := http.Header{}
	for _, f := range fields {
		key := http.CanonicalHeaderKey(f.Name)
		want[key] = append(want[key], f.Value)
	}
	_, pragma := want["Pragma"]
	for key, values := range response.Header {
		switch key {
		case "Upgrade", "Connection":
		case "Cache-Control":
			// net/http adds it if there is a Pragma: no-cache.
			if len(want[key]) > 0 || !pragma {
				diff(t, key, want[key], values)
			}
		case "Content-Length":
			if len(want[key]) == 0 {
				want[key] = []string{"0"}
			}
			fallthrough
		default:
			diff(t, key, want[key], values)
		}
		delete(want, key)
	}
	delete(want, "Connection") // close, in a 426
	if len(want) > 0 {
		t.Errorf("%q lacks %v", text, want)
	}
	if n := strings.Count(text, "\r\nConnection: Upgrade"); n != 1 {
		t.Errorf("%q has %d lines of Connection", text, n)
	}
	if n := strings.Count(text, "\r\n"); n != strings.Count(text, "\r") || n != strings.Count(text, "\n") || strings.Count(text, "\r\n\r\n") != 1 {
		t.Errorf("%q has stray line ends", text)
	}
	return response
}
