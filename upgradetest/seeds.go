package upgradetest

import (
	"path"
	"regexp"
	"strings"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/internal/corpus"
	"github.com/gosegue/upgrade/testdata"
)

// This file knows the heads of the corpus and the captures. It does not know which answers
// they should get.

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
// and with product instead of websocket.
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
	// Faults outside the values of the fields.
	offer := s.offer().String()
	return append(heads,
		strings.Replace(offer, "Upgrade: "+product.String(), "Upgrade : "+product.String(), 1),
		strings.Replace(offer, "Upgrade: "+product.String(), "X: y\r\n Upgrade: "+product.String(), 1),
		strings.Replace(offer, "Upgrade: "+product.String(), "X: y\rUpgrade: "+product.String(), 1),
		strings.Replace(offer, "Host: localhost\r\n", "", 1),
		strings.Replace(offer, "\r\n\r\n", "\r\n", 1),
	)
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
