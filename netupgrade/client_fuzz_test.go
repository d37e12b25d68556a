package netupgrade_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosegue/upgrade"
	"github.com/gosegue/upgrade/handshake"
	"github.com/gosegue/upgrade/head"
	"github.com/gosegue/upgrade/internal/oracle"
	"github.com/gosegue/upgrade/netupgrade"
)

// clientOutcome is what became of an offer: an error, or what the connection yields.
type clientOutcome struct {
	Err      string // "" if it switched, "declined", or the text of the error
	Status   int
	Products []upgrade.Product[string]
	Interim  int
	Rest     string // what the connection yields
	Closed   bool
}

// FuzzClient: an answer of any bytes, in any pieces, has one outcome, which package head and
// the oracle predict. Only a valid 101 switches.
func FuzzClient(f *testing.F) {
	captures, err := filepath.Glob(filepath.Join("..", "testdata", "captures", "*.res*"))
	if err != nil || len(captures) == 0 {
		f.Fatalf("%d captures, %v", len(captures), err)
	}
	for _, capture := range captures {
		octets, err := os.ReadFile(capture)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append(octets, early...), uint16(50), uint16(10))
	}
	for _, answer := range []string{
		h101 + "EARLY",
		"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: </a>\r\n\r\n" + h101,
		"HTTP/1.1 426 U\r\nUpgrade: foo\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno",
		strings.Repeat("HTTP/1.1 103 E\r\n\r\n", 17) + h101,
		strings.Replace(h101, "foo", "bar/2, FOO", 1),
		strings.Replace(h101, "Upgrade\r\n", "close, Upgrade\r\nUpgrade: evil\r\n", 1),
		strings.Replace(h101, "1.1", "1.0", 1),
	} {
		f.Add([]byte(answer), uint16(len(answer)/2), uint16(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, i, j uint16) {
		limits := head.Limits{Bytes: 2000, Fields: 20}
		want := predictedClient(limits, string(data))
		one := min(int(i), len(data))
		two := min(one+int(j), len(data))
		splits := [][]string{{string(data)}, {string(data[:one]), string(data[one:two]), string(data[two:])}}
		if len(data) < 500 {
			splits = append(splits, strings.Split(string(data), ""))
		}
		for _, pieces := range splits {
			got := offered(t, limits, pieces)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d pieces: %+v, want %+v", len(pieces), got, want)
			}
		}
	})
}

// offered makes an offer of foo and bar/2 and returns what became of it.
func offered(t *testing.T, limits head.Limits, pieces []string) (o clientOutcome) {
	conn := newWire(pieces...)
	c := netupgrade.Client{Limits: limits, Interim: func(r *head.Response) error {
		if r.Status < 100 || r.Status > 199 || r.Status == 101 {
			t.Errorf("%d is not an interim response", r.Status)
		}
		o.Interim++
		return nil
	}}
	s, err := c.Upgrade(context.Background(), conn, fooBar())
	var declined *netupgrade.Declined
	var left io.Reader
	switch {
	case err == nil:
		o.Status, o.Products, left = s.Head.Status, s.Products, s.Conn
	case errors.As(err, &declined):
		o.Err, o.Status, left = "declined", declined.Head.Status, declined.Conn
	default:
		o.Err = err.Error()
	}
	if err != nil && (s.Conn != nil || s.Head != nil || s.Products != nil) {
		t.Errorf("%v with %+v", err, s)
	}
	if o.Closed = conn.closed; left != nil {
		if last := conn.deadlines[len(conn.deadlines)-1]; !last.IsZero() {
			t.Errorf("deadline %v", last)
		}
		rest, err := io.ReadAll(left)
		if err != nil {
			t.Error(err)
		}
		o.Rest = string(rest)
	}
	return o
}

// predictedClient returns the right outcome of an offer of foo and bar/2 with that answer.
func predictedClient(limits head.Limits, answer string) (o clientOutcome) {
	var response head.Response
	for {
		n, err := response.Parse([]byte(answer), limits)
		switch {
		case err != nil:
			return clientOutcome{Err: err.Error(), Interim: o.Interim, Closed: true}
		case n == 0:
			return clientOutcome{Err: io.ErrUnexpectedEOF.Error(), Interim: o.Interim, Closed: true}
		case response.Status >= 200:
			return clientOutcome{Err: "declined", Status: response.Status, Interim: o.Interim, Rest: answer}
		case response.Status != 101 && o.Interim == 16:
			return clientOutcome{Err: netupgrade.ErrInterim.Error(), Interim: 16, Closed: true}
		case response.Status != 101:
			o.Interim++
			answer = answer[n:]
			continue
		}
		offers := []oracle.Product{{Name: "foo"}, {Name: "bar", Version: "2"}}
		chosen, fault := oracle.Switched(101, response.Major, response.Minor, texts(response.Connection), texts(response.Upgrade), offers)
		_, err = handshake.Switched(101, response.Major, response.Minor, response.Connection, response.Upgrade, foo, bar)
		switch {
		case (err == nil) != (fault == (oracle.Fault{})):
			return clientOutcome{Err: "the oracle says " + fault.Error}
		case err != nil:
			return clientOutcome{Err: err.Error(), Interim: o.Interim, Closed: true}
		}
		o.Status, o.Rest = 101, answer[n:]
		for _, p := range chosen {
			if strings.EqualFold(p.Name, "foo") {
				o.Products = append(o.Products, foo)
			} else {
				o.Products = append(o.Products, bar)
			}
		}
		return o
	}
}

func texts(lines [][]byte) []string {
	var all []string
	for _, line := range lines {
		all = append(all, string(line))
	}
	return all
}
