package upgradetest

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/testdata"
)

// This file knows the heads of the corpus and the captures, and those with the faults of
// the checks. It does not know which answers they should get.

// capture is the head of a request that a real client sent, without its content.
type capture struct {
	name     string // of the client, such as "firefox"
	head     string // to the empty line
	products []string
}

// captured returns the captured requests, each with the products that it offers.
func captured() []capture {
	var all []capture
	for _, c := range decoded[corpus.Capture]("captures.json") {
		name, isRequest := strings.CutSuffix(c.File, ".req")
		if !isRequest {
			continue
		}
		k := capture{name: strings.TrimPrefix(name, "client-"), head: string(file(path.Join("captures", c.File)))}
		for _, p := range c.Products {
			text := string(p[0])
			if len(p) > 1 {
				text += "/" + string(p[1])
			}
			k.products = append(k.products, text)
		}
		all = append(all, k)
	}
	return all
}

// seeds returns heads that tell stacks apart: the corpus and the captures, each as it is
// and with product instead of websocket, and the plain offer with the faults of the checks
// that one head shows.
func seeds(product upgrade.Product[string]) []string {
	var heads []string
	for _, c := range captured() {
		heads = append(heads, c.head)
	}
	s := &session{Options: Options{Product: product, Target: "/", Host: "localhost"}}
	add := func(version string, connection, upgraded []string) {
		r := s.offer()
		r.version, r.connection, r.upgrade = version, connection, upgraded
		heads = append(heads, r.String())
	}
	for _, c := range decoded[corpus.Request]("request.json") {
		version := c.Version
		if !strings.Contains(version, ".") {
			version += ".0"
		}
		add("HTTP/"+version, c.Connection.Strings(), c.Upgrade.Strings())
	}
	for _, c := range decoded[corpus.Upgrade]("upgrade.json") {
		add("HTTP/1.1", []string{"Upgrade"}, c.Lines.Strings())
	}
	for _, c := range decoded[corpus.Connection]("connection.json") {
		add("HTTP/1.1", c.Lines.Strings(), []string{product.String()})
	}
	if !is(product, "websocket") {
		for _, h := range heads {
			if other := webSocketName.ReplaceAllStringFunc(h, func(name string) string {
				if len(name) > len("websocket") {
					return name // of a field
				}
				return product.String()
			}); other != h {
				heads = append(heads, other)
			}
		}
	}
	return append(heads, s.faulty()...)
}

// faulty returns the plain offer, each time with one fault outside the values of Upgrade and
// Connection.
func (s *session) faulty() []string {
	var heads []string
	add := func(change func(*request)) {
		r := s.offer()
		change(&r)
		heads = append(heads, r.String())
	}
	addLines := func(name string, texts []string, content string) {
		for _, text := range texts {
			add(func(r *request) {
				for _, line := range strings.Split(text, "\n") {
					r.fields = append(r.fields, name+": "+line)
				}
				r.content = content
			})
		}
	}
	addLines("Content-Length", twoLengths, "12345")
	addLines("Content-Length", badLengths, "")
	addLines("Transfer-Encoding", slices.Concat(badCodings, []string{madeUp + ", chunked", "chunked\nchunked"}), "0\r\n\r\n")
	add(func(r *request) {
		r.fields = append(r.fields, "Content-Length: 5", "Transfer-Encoding: chunked")
		r.content = "0\r\n\r\n"
	})

	product := s.Product.String()
	add(func(r *request) { r.hosts = nil })
	add(func(r *request) { r.version = "HTTP/2.0" })
	add(func(r *request) { r.fields = append(r.fields, "X : y") })
	add(func(r *request) { r.upgrade, r.fields = nil, append(r.fields, "Upgrade : "+product) })
	add(func(r *request) { r.upgrade, r.fields = nil, append(r.fields, "X: y", " Upgrade: "+product) })
	add(func(r *request) { r.upgrade, r.fields = nil, append(r.fields, "X: y\rUpgrade: "+product) })
	add(func(r *request) { r.upgrade, r.first = nil, []string{" Upgrade: " + product} })
	add(func(r *request) { r.upgrade = []string{product + "\x00" + madeUp} })
	heads = append(heads, strings.Replace(s.offer().String(), "\r\n\r\n", "\r\n", 1))

	switch {
	case is(s.Product, "websocket"):
		for _, version := range slices.Concat(otherVersions, nearVersions) {
			heads = append(heads, s.ofVersions(strings.Split(version, "\n")...).String())
		}
		for _, key := range slices.Concat(shortKeys, badKeys) {
			add(withKeys(key))
		}
		for _, method := range otherMethods {
			add(func(r *request) { r.method = method })
		}
		add(func(r *request) { r.method = "POST" })
		heads = append(heads, s.ofVersions().String())
		add(withKeys())
		add(withKeys(webSocketKey, webSocketKey))
	case is(s.Product, "h2c"):
		add(func(r *request) { r.settings = nil })
		add(func(r *request) { r.settings = append(r.settings, http2Settings) })
	}
	return heads
}

// webSocketName is the word websocket, in any letter case, or the beginning of the name of a
// field that has it.
var webSocketName = regexp.MustCompile(`(?i)(sec-)?\bwebsocket\b`)

// decoded returns the cases of a file, which the tests of this module have read before.
func decoded[C corpus.Case](name string) []C {
	cases, err := corpus.Decode[C](file(name))
	if err != nil {
		panic("testdata/" + name + ": " + err.Error())
	}
	return cases
}

func file(name string) []byte {
	data, err := testdata.Files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return data
}
