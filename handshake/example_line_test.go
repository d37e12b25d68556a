package handshake_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/gosegue/upgrade"
)

// gate takes the lines of Connection and Upgrade one by one, in any order. It keeps what
// they decide, but not the lines. Its choice is that of handshake.Select, which needs all
// lines at once.
type gate struct {
	supported []upgrade.Product[string]
	rank      int   // index in supported of the best one offered so far; its length if there is none
	option    bool  // Connection has the option upgrade
	err       error // of the first malformed line, which spoils the field
}

func newGate(supported ...upgrade.Product[string]) gate {
	return gate{supported: supported, rank: len(supported)}
}

func (g *gate) addConnection(line []byte) {
	options, err := upgrade.ParseConnection(line)
	if err != nil {
		g.spoil(err)
	}
	g.option = g.option || options.Has("upgrade")
}

func (g *gate) addUpgrade(line []byte) {
	list, err := upgrade.ParseList(line)
	switch {
	case errors.Is(err, upgrade.ErrNoElement):
		// A line may be empty, as long as another one is not.
	case err != nil:
		g.spoil(err)
	}
	for i, p := range g.supported[:g.rank] {
		if list.Offers(p) {
			g.rank = i
			return
		}
	}
}

func (g *gate) spoil(err error) {
	if g.err == nil {
		g.err = err
	}
}

// choice returns what to switch to, or the zero Product if the request is an ordinary one.
func (g *gate) choice(major, minor int) upgrade.Product[string] {
	if major != 1 || minor < 1 || !g.option || g.err != nil || g.rank == len(g.supported) {
		return upgrade.Product[string]{}
	}
	return g.supported[g.rank]
}

// A stack that reads a head line by line, into a buffer that holds one line, cannot give
// Select all lines of a field. It can parse each line as it comes and keep the results.
func Example_lineByLine() {
	const request = "GET / HTTP/1.1\r\n" +
		"Host: example.com\r\n" +
		"Upgrade: h2c\r\n" +
		"Connection: keep-alive\r\n" +
		"Upgrade: IRC/6.9, websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"\r\n"
	gate := newGate(upgrade.MustParseProduct("websocket"), upgrade.MustParseProduct("h2c"))

	reader := bufio.NewReader(strings.NewReader(request))
	for {
		line, err := reader.ReadSlice('\n') // valid until the next ReadSlice
		if err != nil || len(line) <= 2 {
			break
		}
		// This part is up to the stack; package head has a strict grammar for it.
		name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		switch value = bytes.Trim(value, " \t"); textproto.CanonicalMIMEHeaderKey(string(name)) {
		case "Connection":
			gate.addConnection(value)
		case "Upgrade":
			gate.addUpgrade(value)
		}
	}
	fmt.Println(gate.choice(1, 1).String())
	// Output: websocket
}
